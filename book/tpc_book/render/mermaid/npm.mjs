// The npm packages that drawing needs, from the folder that the first argument names.
import { createRequire } from "node:module";
import { join } from "node:path";

export const modules = process.argv[2];
export const fromThere = createRequire(join(modules, "any.js"));
export const { JSDOM } = fromThere("jsdom");
export const { resolve } = fromThere("@asamuzakjp/css-color");
export const { createHTMLWindow, config } = await import(fromThere.resolve("svgdom"));
