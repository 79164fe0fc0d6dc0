// From what Mermaid draws to a drawing that stands by itself: no sheet of rules, no script, no link.
import { COLOURS, told } from "./colours.mjs";
import { JSDOM } from "./npm.mjs";
import { bordered, lettered } from "./signs.mjs";

// Attributes a drawing needs; the rest is for scripts that are not there.
const KEPT = new Set(("xmlns viewBox width height d x y x1 y1 x2 y2 cx cy r rx ry points transform fill fill-opacity stroke stroke-width " +
  "stroke-dasharray stroke-linecap stroke-linejoin opacity text-anchor font-size font-weight font-style dx dy style id role " +
  "preserveAspectRatio marker-end marker-start marker-mid orient refX refY markerWidth markerHeight markerUnits " +
  "dominant-baseline alignment-baseline clip-path offset stop-color stop-opacity gradientTransform gradientUnits").split(" "));
// Where attributes of place and size mean something; Mermaid writes them elsewhere too.
const AREA = ["svg", "rect"], LINE = ["line", "linearGradient"], TEXT = [...AREA, "text", "tspan"];
const ONLY = { width: AREA, height: AREA, x: TEXT, y: TEXT, x1: LINE, x2: LINE, y1: LINE, y2: LINE };
const isKept = (element, name, value) => KEPT.has(name) && value !== "" && (ONLY[name]?.includes(element.tagName) ?? true);
const PROPERTIES = new Set([...COLOURS, "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity", "fill-opacity", "stroke-opacity",
  "text-anchor", "dominant-baseline", "font-size", "font-weight", "font-style", "text-decoration", "display", "visibility"]);

// Styles move to the elements: a book's other forms have no room for a sheet of rules, and pages have one of their own.
export function inlined(text) {
  const document = new JSDOM(`<body>${text}</body>`).window.document;
  const svg = document.querySelector("svg");
  // Meant for labels that are HTML, or on a ground that is not there: a timeline's lines, a journey's words.
  const amiss = ({ selector }, element) => (/-type-\d+$/.test(selector) && element.tagName === "text") || selector.includes("lineWrapper");
  const rules = [...svg.querySelectorAll("style")].flatMap((sheet) => rulesOf(sheet.textContent));
  svg.querySelectorAll("style, script, foreignObject, animate, set, .today").forEach((each) => each.remove());
  lettered(svg);
  bordered(svg);
  const given = new Map();
  rules.sort((a, b) => a.weight - b.weight);
  for (const rule of rules)
    for (const element of found(svg, rule.selector)) if (!amiss(rule, element)) given.set(element, { ...given.get(element), ...rule.declarations });
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

export const declared = (body) =>
  Object.fromEntries(body.split(";").map((each) => each.split(/:(.*)/s)).filter((pair) => pair[1]).map(([name, value]) => [name.trim(), value.replace("!important", "").trim()]));

function found(svg, selector) {
  try {
    return [...svg.parentNode.querySelectorAll(selector)];
  } catch {
    return [];
  }
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
