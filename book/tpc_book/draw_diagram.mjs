// Draws Mermaid diagrams without a browser: Mermaid itself, on documents made of plain objects.
// Reads a source as JSON, one a line, and answers each with one line: {svg, told} or {error}. An empty line asks whether
// it is ready. Arguments: the folder of npm packages, and the tokens as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";

const modules = process.argv[2];
const fromThere = createRequire(join(modules, "any.js"));
const { JSDOM } = fromThere("jsdom");
const { resolve } = fromThere("@asamuzakjp/css-color");
const { createHTMLWindow, config } = await import(fromThere.resolve("svgdom"));

// Of each token, the colour on a light page and the one on a dark page.
const TOKENS = JSON.parse(process.argv[3]);
const DARK = new Map(Object.values(TOKENS).reverse());
const [paper, panel, ink, quiet, line, accent] = ["paper", "panel", "ink", "quiet", "line", "accent"].map((name) => TOKENS[name][0]);
// Hues that are told apart in both; what they mean is said in words as well.
const HUES = ["scaling", "data", "evaluation", "good", "bad", "quiet"].map((name) => TOKENS[name][0]);
const series = (name, first, colours = HUES) => Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`${name}${index + first}`, colours[index % colours.length]]));
const THEME = {
  background: paper, primaryColor: panel, primaryTextColor: ink, primaryBorderColor: accent, secondaryColor: panel, secondaryTextColor: ink,
  secondaryBorderColor: quiet, tertiaryColor: panel, tertiaryTextColor: ink, tertiaryBorderColor: quiet, lineColor: quiet, textColor: ink,
  noteBkgColor: panel, noteTextColor: ink, noteBorderColor: quiet, edgeLabelBackground: paper, clusterBkg: paper, clusterBorder: quiet,
  errorTextColor: TOKENS.bad[0], fontSize: "15px", sequenceNumberColor: paper, gridColor: line, taskBkgColor: accent, taskTextColor: paper, taskTextOutsideColor: ink,
  ...series("pie", 1), pieSectionTextColor: paper, pieStrokeColor: paper, pieOuterStrokeColor: paper, pieOpacity: "1", pieLegendTextColor: ink, pieTitleTextColor: ink,
  ...series("cScale", 0), ...series("cScaleLabel", 0, [paper]), ...series("git", 0), ...series("gitBranchLabel", 0, [paper]),
  xyChart: { plotColorPalette: HUES.join() },
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

let flowchart = false;

function teach() {
  // What some diagrams ask of a document, and this one does not know.
  const drawn = window.document.createElementNS("http://www.w3.org/2000/svg", "g");
  const holder = (name) => {
    let found = drawn;
    while (!Object.hasOwn(found, name)) found = Object.getPrototypeOf(found);
    return found;
  };
  const shared = holder("appendChild"), element = holder("setAttribute"), shape = holder("getBBox");
  const path = (node) => (node.parentNode ? [...path(node.parentNode), [...node.parentNode.childNodes].indexOf(node)] : []);
  shared.toJSON = () => undefined;
  shared.compareDocumentPosition = function (other) {
    const [mine, theirs] = [path(this), path(other)];
    const at = mine.findIndex((place, index) => place !== theirs[index]);
    return at < 0 ? 4 : mine[at] < (theirs[at] ?? -1) ? 4 : 2;
  };
  // It takes an em for a pixel.
  const { setAttribute } = element;
  element.setAttribute = function (name, value) {
    const em = /^(?:[xy]|d[xy])$/.test(name) && String(value).match(/^(-?[\d.]+)em$/);
    return setAttribute.call(this, name, em ? String(em[1] * parseFloat(THEME.fontSize)) : value);
  };
  // It knows no style sheet, so not that labels of nodes stand around their middle, within their shape.
  const { getBBox } = shape;
  const has = (element, name) => element?.getAttribute?.("class")?.split(" ").includes(name);
  shape.getBBox = function () {
    const outline = has(this, "node") && [...this.childNodes].find((each) => has(each, "label-container"));
    const { x, y, width, height } = getBBox.call(outline || this);
    let around = flowchart && this;
    while (around && !has(around, "label")) around = around.parentNode;
    return { x: has(around?.parentNode, "node") ? -width / 2 : x, y, width, height };
  };
  Object.defineProperty(shared, "offsetWidth", { get: () => 800, configurable: true });
  if (!("parentElement" in shared)) Object.defineProperty(shared, "parentElement", { get() { return this.parentNode; } });
}

// Styles move to the elements: a book's other forms have no room for a sheet of rules, and pages have one of their own.
function inlined(text) {
  const document = new JSDOM(`<body>${text}</body>`).window.document;
  const svg = document.querySelector("svg");
  const rules = [...svg.querySelectorAll("style")].flatMap((sheet) => rulesOf(sheet.textContent));
  svg.querySelectorAll("style, script, foreignObject, animate, set, .today").forEach((each) => each.remove());
  lettered(svg);
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
  for (const element of [svg, ...svg.querySelectorAll("*")]) {
    const style = { ...given.get(element), ...declared(element.getAttribute("style") || "") };
    for (const name of COLOURS) if (!(name in style) && element.hasAttribute(name)) style[name] = element.getAttribute(name);
    for (const { name, value } of [...element.attributes]) if (!isKept(element, name, value)) element.removeAttribute(name);
    const kept = Object.entries(style).filter(([name]) => PROPERTIES.has(name)).map(([name, value]) => told(name, value)).filter(Boolean).join(";");
    if (kept) element.setAttribute("style", kept);
    else element.removeAttribute("style");
  }
  rename(svg);
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

// A colour is readable on the dark page too: a token's is known, another is as light there as it is dark here.
function told(name, value) {
  if (!COLOURS.includes(name)) return `${name}:${value}`;
  if (name === "color") return "";
  if (/^(none|inherit|currentcolor|context-\w+|url\(.*)$/i.test(value)) return `${name}:${value}`;
  const [red, green, blue, alpha = 1] = (resolve(value).match(/[\d.]+/g) || []).map(Number);
  if (!alpha || blue === undefined) return /^transparent$|[(#]/.test(value) ? `${name}:none` : "";
  const write = (...parts) => `#${parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
  const hex = write(red, green, blue), seen = alpha < 1 ? [alpha * 255] : [];
  const least = Math.min(red, green, blue), shift = 255 - Math.max(red, green, blue) - least;
  const other = [red, green, blue].map((part) => Math.min(255, Math.max(0, Math.round((part + shift) * 0.92 + 20))));
  const pair = alpha === 1 && DARK.has(hex) ? [hex, DARK.get(hex)] : [write(red, green, blue, ...seen), write(...other, ...seen)];
  return `${name}:${alpha < 1 ? value : hex};${name}:light-dark(${pair.join(", ")})`;
}

function rename(svg) {
  const html = svg.outerHTML;
  for (const element of svg.querySelectorAll("[id]")) {
    if (!html.includes(`#${element.id})`)) element.tagName === "marker" ? element.remove() : element.removeAttribute("id");
    else {
      for (const user of svg.querySelectorAll("*"))
        for (const { name, value } of [...user.attributes]) if (value.includes(`#${element.id})`)) user.setAttribute(name, value.replace(`#${element.id})`, `#diagram-${element.id})`));
      element.id = `diagram-${element.id}`;
    }
  }
}

// What a diagram says, for those who do not see it: its own words, else who leads to whom, else all that stands in it.
async function words(source, svg) {
  const own = [svg.querySelector("title"), svg.querySelector("desc")].map((each) => each?.textContent.trim()).filter(Boolean);
  svg.querySelectorAll("title, desc").forEach((each) => each.remove());
  if (own.length) return own.join(". ");
  const steps = led(await mermaid.mermaidAPI.getDiagramFromText(source));
  const all = [...svg.querySelectorAll("text")].map((each) => [...each.querySelectorAll(":scope > tspan")].map((line) => line.textContent).join(" ") || each.textContent);
  const plain = (text) => new JSDOM(text.replace(/<[^>]*>/g, " ")).window.document.body.textContent.replace(/\s+/g, " ").trim();
  return (steps.length ? steps : all).map(plain).filter(Boolean).join(". ");
}

function led({ db, type }) {
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
  if (type === "pie") {
    const parts = [...db.getSections()], all = parts.reduce((sum, [, value]) => sum + value, 0);
    return [db.getDiagramTitle(), ...parts.map(([label, value]) => `${label} ${((value / all) * 100).toFixed(0)}%`)];
  }
  return [];
}

// Which slice is which, said beside its colour too; Mermaid leaves out the smallest and keeps their order.
function lettered(svg) {
  const slices = [...svg.querySelectorAll(".pieCircle")], signs = [...svg.querySelectorAll("text.slice")], rows = [...svg.querySelectorAll(".legend")];
  if (!slices.length) return;
  const fills = rows.map((row) => resolve(declared(row.querySelector("rect").getAttribute("style")).fill));
  let at = -1;
  slices.forEach((slice, index) => {
    at = fills.indexOf(resolve(slice.getAttribute("fill")), at + 1);
    const letter = String.fromCodePoint(65 + (at % 26)), text = rows[at].querySelector("text");
    text.textContent = `${letter}  ${text.textContent} ${signs[index].textContent}`;
    signs[index].textContent = letter;
  });
  const [left, top, width, height] = svg.getAttribute("viewBox").split(" ");
  svg.setAttribute("viewBox", [left, top, Number(width) + 80, height].join(" "));
}

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
  flowchart = /^flowchart/.test(mermaid.detectType(source));
  const { svg } = await mermaid.render("drawing", bare(source));
  const element = inlined(svg);
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
    answer = line ? await drawn(JSON.parse(line)) : {};
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
