// The document that drawings are made in and measured by, with the book's own type.
import { join } from "node:path";
import { THEME } from "./colours.mjs";
import { config, createHTMLWindow, modules } from "./npm.mjs";

export const window = createHTMLWindow();
const inter = "inter-latin-wght-normal.woff2";
config.setFontDir(join(modules, "@fontsource-variable/inter/files")).setFontFamilyMappings({ Inter: inter, "sans-serif": inter });
let flowchart = false;

// Of which kind the next drawing is.
export function expect(kind) {
  flowchart = kind.startsWith("flowchart");
}

export function teach() {
  // What some diagrams ask of a document, and this one does not know.
  const drawn = window.document.createElementNS("http://www.w3.org/2000/svg", "g");
  const holder = (name) => {
    let found = drawn;
    while (!Object.hasOwn(found, name)) found = Object.getPrototypeOf(found);
    return found;
  };
  const shared = holder("appendChild"), element = holder("getAttribute"), shape = holder("getBBox");
  const path = (node) => (node.parentNode ? [...path(node.parentNode), [...node.parentNode.childNodes].indexOf(node)] : []);
  shared.toJSON = () => undefined;
  shared.compareDocumentPosition = function (other) {
    const [mine, theirs] = [path(this), path(other)];
    const at = mine.findIndex((place, index) => place !== theirs[index]);
    return at < 0 ? 4 : mine[at] < (theirs[at] ?? -1) ? 4 : 2;
  };
  // It takes an em for a pixel when it measures.
  const { getAttribute } = element;
  let measures = false;
  element.getAttribute = function (name) {
    const value = getAttribute.call(this, name), em = measures && /^-?[\d.]+em$/.test(value);
    return em ? String(parseFloat(value) * parseFloat(THEME.fontSize)) : value;
  };
  // It knows no style sheet, so not that labels of nodes stand around their middle, within their shape.
  const { getBBox } = shape;
  const has = (element, name) => element?.getAttribute?.("class")?.split(" ").includes(name);
  shape.getBBox = function () {
    const outline = has(this, "node") && [...this.childNodes].find((each) => has(each, "label-container"));
    measures = true;
    const { x, y, width, height } = getBBox.call(outline || this);
    measures = false;
    let around = flowchart && this;
    while (around && !has(around, "label")) around = around.parentNode;
    return { x: has(around?.parentNode, "node") ? -width / 2 : x, y, width, height };
  };
  Object.defineProperty(shared, "offsetWidth", { get: () => 800, configurable: true });
  if (!("parentElement" in shared)) Object.defineProperty(shared, "parentElement", { get() { return this.parentNode; } });
}
