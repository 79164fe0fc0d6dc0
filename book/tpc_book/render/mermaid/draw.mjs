// Draws Mermaid diagrams without a browser: Mermaid itself, on documents made of plain objects.
// Reads a source as JSON, one a line, and answers each with one line: {svg, told} or {error}. An empty line asks whether
// it is ready. Arguments: the folder of npm packages, and the tokens as JSON.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";
import { THEME } from "./colours.mjs";
import { expect, teach, window } from "./measured.mjs";
import { fromThere, JSDOM } from "./npm.mjs";
import { inlined } from "./styles.mjs";
import { words } from "./words.mjs";

const clean = new JSDOM("").window;
// DOMPurify, within Mermaid, takes the document that it finds first; it is one that can parse HTML.
Object.assign(globalThis, { window: clean, document: clean.document, CSSStyleSheet: clean.CSSStyleSheet, screen: { availWidth: 800 } });
runInThisContext(readFileSync(fromThere.resolve("@mermaid-js/tiny/dist/mermaid.tiny.js"), "utf8"));
const { mermaid } = globalThis;

window.CSSStyleSheet = clean.CSSStyleSheet;
Object.assign(globalThis, { window, document: window.document });

// The same source is always the same drawing: of the day on which it is made it says nothing, and chance begins anew.
function settle(seed = 1) {
  Math.random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
}

// Without HTML in labels these would be read as words.
const bare = (source) => source.replace(/<\/?(?:b|i|u|em|strong|small|sub|sup|code|span|font)(?:\s[^<>]*)?>/gi, "");

async function drawn(source) {
  // Settings within a source may choose a kind of drawing, not whether labels may be HTML.
  mermaid.initialize({ startOnLoad: false, securityLevel: "strict", htmlLabels: false, flowchart: { htmlLabels: false }, class: { htmlLabels: false },
    theme: "base", themeVariables: THEME, fontFamily: "Inter", deterministicIds: true,
    secure: ["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "htmlLabels", "flowchart", "class", "theme", "themeVariables", "themeCSS", "fontFamily"] });
  for (const left of [...document.body.childNodes]) left.remove();
  settle();
  expect(mermaid.detectType(source));
  const { svg } = await mermaid.render("drawing", bare(source));
  const element = inlined(svg);
  const told = words(await mermaid.mermaidAPI.getDiagramFromText(source), element);
  return { svg: element.outerHTML, told };
}

teach();
console.log = console.warn = console.info = console.error = console.debug = () => {};
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = line ? await drawn(JSON.parse(line)) : {};
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
