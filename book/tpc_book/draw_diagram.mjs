// Draws Mermaid diagrams without a browser: Mermaid itself, on documents made of plain objects.
// Reads {id, source, modules} as JSON, one order a line, and answers each with one line: {svg, told} or {error}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";

const modules = process.argv[2];
const fromThere = createRequire(join(modules, "any.js"));
const { JSDOM } = fromThere("jsdom");
const { createHTMLWindow, config } = await import(fromThere.resolve("svgdom"));

const THEME = {
  background: "#ffffff", primaryColor: "#f5f6f8", primaryTextColor: "#1b1f24", primaryBorderColor: "#0b5cad",
  secondaryColor: "#e6eef7", tertiaryColor: "#f5f6f8", lineColor: "#57606a", textColor: "#1b1f24", noteBkgColor: "#f5f6f8",
  noteTextColor: "#1b1f24", noteBorderColor: "#57606a", edgeLabelBackground: "#ffffff", clusterBkg: "#ffffff", clusterBorder: "#57606a",
  errorTextColor: "#b3261e", fontSize: "15px",
};
// Attributes a drawing needs; the rest is for scripts that are not there.
const KEPT = new Set(("xmlns viewBox width height d x y x1 y1 x2 y2 cx cy r rx ry points transform fill fill-opacity stroke stroke-width " +
  "stroke-dasharray stroke-linecap stroke-linejoin opacity text-anchor font-size font-weight font-style dx dy style id role " +
  "preserveAspectRatio marker-end marker-start marker-mid orient refX refY markerWidth markerHeight markerUnits " +
  "dominant-baseline alignment-baseline clip-path offset stop-color stop-opacity gradientTransform gradientUnits").split(" "));
// Where attributes of place and size mean something; Mermaid writes them elsewhere too.
const AREA = ["svg", "rect"], LINE = ["line", "linearGradient"], TEXT = [...AREA, "text", "tspan"];
const ONLY = { width: AREA, height: AREA, x: TEXT, y: TEXT, x1: LINE, x2: LINE, y1: LINE, y2: LINE };
const isKept = (element, name, value) => KEPT.has(name) && value !== "" && (ONLY[name]?.includes(element.tagName) ?? true);
const COLOURS = ["fill", "stroke", "color", "stop-color"];
const PROPERTIES = new Set([...COLOURS, "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity", "fill-opacity", "stroke-opacity",
  "text-anchor", "dominant-baseline", "font-size", "font-weight", "font-style", "text-decoration", "display", "visibility"]);

const clean = new JSDOM("").window;
// DOMPurify, within Mermaid, takes the document that it finds first; it is one that can parse HTML.
Object.assign(globalThis, { window: clean, document: clean.document, CSSStyleSheet: clean.CSSStyleSheet, screen: { availWidth: 800 } });
runInThisContext(readFileSync(fromThere.resolve("@mermaid-js/tiny/dist/mermaid.tiny.js"), "utf8"));
const { mermaid } = globalThis;

// All that is drawn is measured by this document, with the book's own type.
const window = createHTMLWindow();
window.CSSStyleSheet = clean.CSSStyleSheet;
Object.assign(globalThis, { window, document: window.document });

function teach() {
  // What some diagrams ask of a document, and this one does not know.
  let shared = window.document.createElement("div");
  while (!Object.hasOwn(shared, "appendChild")) shared = Object.getPrototypeOf(shared);
  const path = (node) => (node.parentNode ? [...path(node.parentNode), [...node.parentNode.childNodes].indexOf(node)] : []);
  shared.toJSON = () => undefined;
  shared.compareDocumentPosition = function (other) {
    const [mine, theirs] = [path(this), path(other)];
    const at = mine.findIndex((place, index) => place !== theirs[index]);
    return at < 0 ? 4 : mine[at] < (theirs[at] ?? -1) ? 4 : 2;
  };
  Object.defineProperty(shared, "offsetWidth", { get: () => 800, configurable: true });
  if (!("parentElement" in shared)) Object.defineProperty(shared, "parentElement", { get() { return this.parentNode; } });
}

// Styles move to the elements: a book's other forms have no room for a sheet of rules, and pages have one of their own.
function inlined(text, id) {
  const document = new JSDOM(`<body>${text}</body>`).window.document;
  const svg = document.querySelector("svg");
  const rules = [...svg.querySelectorAll("style")].flatMap((sheet) => rulesOf(sheet.textContent));
  svg.querySelectorAll("style, script, foreignObject, animate, set").forEach((each) => each.remove());
  const given = new Map();
  rules.sort((a, b) => a.weight - b.weight);
  for (const { selector, declarations } of rules)
    for (const element of found(svg, selector)) given.set(element, { ...given.get(element), ...declarations });
  // What led somewhere is a part of the drawing, no more.
  for (const link of svg.querySelectorAll("a")) {
    const group = document.createElementNS(svg.namespaceURI, "g");
    for (const { name, value } of link.attributes) group.setAttribute(name, value);
    group.append(...link.childNodes);
    link.replaceWith(group);
  }
  const probe = document.createElement("i");
  for (const element of [svg, ...svg.querySelectorAll("*")]) {
    const style = { ...given.get(element), ...declared(element.getAttribute("style") || "") };
    for (const name of COLOURS) if (!(name in style) && element.hasAttribute(name)) style[name] = element.getAttribute(name);
    for (const { name, value } of [...element.attributes]) if (!isKept(element, name, value)) element.removeAttribute(name);
    const kept = Object.entries(style).filter(([name]) => PROPERTIES.has(name)).map(([name, value]) => told(name, value, probe)).filter(Boolean).join(";");
    if (kept) element.setAttribute("style", kept);
    else element.removeAttribute("style");
  }
  rename(svg, id);
  return svg;
}

function rulesOf(css) {
  const flat = css.replace(/@[\w-]+[^{;]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, "");
  return [...flat.matchAll(/([^{}]+)\{([^{}]*)\}/g)].flatMap(([, selectors, body]) =>
    selectors.split(",").map((each) => ({
      selector: each.trim(),
      weight: (each.match(/#/g) || []).length * 100 + (each.match(/[.[:]/g) || []).length * 10 + (each.match(/(^|[\s>])[a-z]/g) || []).length,
      declarations: declared(body),
    })));
}

const declared = (body) =>
  Object.fromEntries(body.split(";").map((each) => each.split(/:(.*)/s)).filter((pair) => pair[1]).map(([name, value]) => [name.trim(), value.replace("!important", "").trim()]));

function found(svg, selector) {
  try {
    return [...svg.parentNode.querySelectorAll(selector)];
  } catch {
    return [];
  }
}

// A colour is readable on the dark page too: as light there as it is dark here.
function told(name, value, probe) {
  if (!COLOURS.includes(name)) return `${name}:${value}`;
  probe.style.color = "";
  probe.style.color = value;
  const [red, green, blue, alpha] = (probe.style.color.match(/[\d.]+/g) || []).map(Number);
  if (!probe.style.color.startsWith("rgb") || blue === undefined) return name === "color" ? "" : `${name}:${named(value)}`;
  const most = Math.max(red, green, blue), least = Math.min(red, green, blue), shift = 255 - most - least;
  const other = [red, green, blue].map((part) => Math.min(255, Math.max(0, Math.round((part + shift) * 0.92 + 20))));
  const write = (parts) => (alpha === undefined ? `rgb(${parts.join(" ")})` : `rgb(${parts.join(" ")} / ${alpha})`);
  return `${name}:${value};${name}:light-dark(${write([red, green, blue])}, ${write(other)})`;
}

const NAMES = { black: "#000000", white: "#ffffff", red: "#ff0000", grey: "#808080", gray: "#808080", lightgrey: "#d3d3d3", blue: "#0000ff", green: "#008000" };
const named = (value) => NAMES[value] || value;

function rename(svg, id) {
  const html = svg.outerHTML;
  for (const element of svg.querySelectorAll("[id]")) {
    if (!html.includes(`#${element.id})`)) element.tagName === "marker" ? element.remove() : element.removeAttribute("id");
    else {
      for (const user of svg.querySelectorAll("*"))
        for (const { name, value } of [...user.attributes]) if (value.includes(`#${element.id})`)) user.setAttribute(name, value.replace(`#${element.id})`, `#${id}-${element.id})`));
      element.id = `${id}-${element.id}`;
    }
  }
}

// What a diagram says, for those who do not see it: its own words, else who leads to whom, else all that stands in it.
async function words(source, svg) {
  const own = [svg.querySelector("title"), svg.querySelector("desc")].map((each) => each?.textContent.trim()).filter(Boolean);
  svg.querySelectorAll("title, desc").forEach((each) => each.remove());
  if (own.length) return own.join(". ");
  const { db, type } = await mermaid.mermaidAPI.getDiagramFromText(source);
  const steps = led(db, type);
  const all = [...svg.querySelectorAll("text")].map((each) => [...each.querySelectorAll(":scope > tspan")].map((line) => line.textContent).join(" ") || each.textContent);
  const plain = (text) => new JSDOM(text.replace(/<[^>]*>/g, " ")).window.document.body.textContent.replace(/\s+/g, " ").trim();
  return (steps.length ? steps : all).map(plain).filter(Boolean).join(". ");
}

function led(db, type) {
  const step = (from, to, label) => `${from} to ${to}${label ? ` (${label})` : ""}`;
  if (type.startsWith("flowchart")) {
    const boxes = db.getVertices(), called = (name) => db.getSubGraphs().find((each) => each.id === name)?.title || boxes.get(name)?.text || name;
    return db.getEdges().map((edge) => step(called(edge.start), called(edge.end), edge.text));
  }
  if (type === "sequence") {
    const people = db.getActors(), called = (name) => people.get(name)?.description || name;
    return db.getMessages().filter((each) => typeof each.message === "string" && each.message)
      .map((each) => (each.from && each.to && each.from !== each.to ? `${called(each.from)} to ${called(each.to)}: ${each.message}` : each.message));
  }
  if (type.startsWith("class")) return db.getRelations().map((each) => step(each.id1, each.id2, each.title));
  if (type === "er") {
    const called = (id) => [...db.getEntities()].find(([, each]) => each.id === id)?.[0] || id;
    return db.getRelationships().map((each) => step(called(each.entityA), called(each.entityB), each.roleA));
  }
  return [];
}

async function drawn({ id, source }) {
  // Settings within a source may choose a kind of drawing, not whether labels may be HTML.
  mermaid.initialize({ startOnLoad: false, securityLevel: "strict", htmlLabels: false, flowchart: { htmlLabels: false }, class: { htmlLabels: false },
    theme: "base", themeVariables: THEME, fontFamily: "Inter", deterministicIds: true,
    secure: ["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "htmlLabels", "flowchart", "class", "theme", "themeVariables", "themeCSS", "fontFamily"] });
  for (const left of [...document.body.childNodes]) left.remove();
  const { svg } = await mermaid.render("drawing", source);
  const element = inlined(svg, id);
  const told = await words(source, element);
  return { svg: element.outerHTML, told };
}

const inter = "inter-latin-wght-normal.woff2";
config.setFontDir(join(modules, "@fontsource-variable/inter/files")).setFontFamilyMappings({ Inter: inter, "sans-serif": inter });
teach();
console.log = console.warn = console.info = console.error = console.debug = () => {};
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await drawn(JSON.parse(line));
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
