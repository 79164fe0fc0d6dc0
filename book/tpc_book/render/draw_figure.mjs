// Draws a figure without a browser: runs its module on a document that knows elements, attributes and text.
// Reads {module, state} as JSON, writes HTML. A figure that asks for more (a canvas, sizes) fails, and is left out.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const VOID = new Set(["input", "br", "hr", "img"]);
const escape = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");

class Element {
  constructor(name) {
    Object.assign(this, { name, attributes: {}, children: [], style: {}, dataset: {}, hidden: false });
    this.classList = { add: (...names) => this.setAttribute("class", [this.attributes.class, ...names].filter(Boolean).join(" ")), remove() {}, toggle() {} };
  }
  setAttribute(key, value) { this.attributes[key] = value; }
  getAttribute(key) { return this.attributes[key] ?? null; }
  removeAttribute(key) { delete this.attributes[key]; }
  append(...nodes) { this.children.push(...nodes); }
  appendChild(node) { this.children.push(node); return node; }
  replaceChildren(...nodes) { this.children = nodes; }
  addEventListener() {}
  removeEventListener() {}
  set textContent(text) { this.children = [String(text)]; }
  get textContent() { return this.children.map((c) => (typeof c === "string" ? c : c.textContent)).join(""); }
  set className(text) { this.attributes.class = text; }
  find(test) { return test(this) ? this : this.children.filter((c) => c instanceof Element).map((c) => c.find(test)).find(Boolean); }
  get html() {
    const given = Object.entries(this.attributes).map(([key, value]) => ` ${key}="${escape(value)}"`).join("");
    const inner = this.children.map((c) => (typeof c === "string" ? escape(c) : c.html)).join("");
    return VOID.has(this.name) ? `<${this.name}${given}>` : `<${this.name}${given}>${inner}</${this.name}>`;
  }
}

globalThis.document = { createElement: (n) => new Element(n), createElementNS: (_, n) => new Element(n), createTextNode: String };
const { module, state } = JSON.parse(readFileSync(0, "utf8"));
const folder = mkdtempSync(join(tmpdir(), "figure-"));
try {
  writeFileSync(join(folder, "figure.mjs"), module);
  const figure = (await import(pathToFileURL(join(folder, "figure.mjs")))).default;
  const model = { get: (key) => structuredClone(state[key]), set() {}, save_changes() {}, on() {}, off() {}, send() {} };
  const el = new Element("div");
  await (typeof figure === "function" ? await figure() : figure).render({ model, el });
  // Sliders and buttons do nothing without a script; the table of numbers says what they would.
  const named = (e) => e.attributes.class === "figure-title";
  const is = (name) => (e) => e.name === name;
  const [title, drawing, table, label] = [named, is("svg"), is("table"), is("label")].map((test) => el.find(test));
  if (!drawing && !table && !label) throw new Error("no drawing, no table and no question");
  // A question keeps what it asks for, also on paper.
  const asked = !drawing && !table ? `<p class="asked">${escape(label.textContent)}: </p>` : "";
  process.stdout.write(
    (title ? `<p class="figure-title">${escape(title.textContent)}</p>` : "") + (drawing ? drawing.html : "") +
      (table ? `<div class="scroll" tabindex="0">${table.html}</div>` : "") + asked,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
