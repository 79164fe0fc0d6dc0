// Shared by all figures: put in front of each figure's own module by figures/__init__.py. No imports, no network.
// A figure calls `figure(el, model, spec)`; see `spec` there. Colours are Okabe-Ito, told apart by dash and marker too.
const STYLE = `
.tpc-fig{--i:var(--ink,var(--jp-ui-font-color1,#1b1f24));--p:var(--paper,var(--jp-layout-color0,#ffffff));
 --l:var(--line,var(--jp-border-color2,#d5dae1));--a:var(--accent,var(--jp-brand-color1,#0b5cad));
 color:var(--i);background:var(--p);font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:1rem 0;padding:.6rem}
.tpc-fig *{box-sizing:border-box}
.tpc-fig .figure-title{margin:0 0 .3rem;font-weight:650;font-size:1.05em;line-height:1.35;min-height:2.7em}
.tpc-fig svg{width:100%;height:auto;display:block;overflow:visible}
.tpc-fig svg text{fill:var(--i);font-size:13px}
.tpc-fig svg .over{paint-order:stroke;stroke:var(--p);stroke-width:5px;stroke-linejoin:round}
.tpc-fig .buttons{display:flex;gap:.6rem}
.tpc-fig .controls{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;align-items:end;margin:.4rem 0}
.tpc-fig label{display:grid;min-width:11rem;flex:1}
.tpc-fig input[type=range]{width:100%;min-height:44px;accent-color:var(--a)}
.tpc-fig button,.tpc-fig select{min-height:44px;padding:0 1rem;border:1px solid var(--i);border-radius:6px;
 background:transparent;color:var(--i);font:inherit;cursor:pointer}
.tpc-fig option{color:#1b1f24;background:#ffffff}
.tpc-fig :focus-visible{outline:3px solid var(--a);outline-offset:2px}
.tpc-fig output{font-variant-numeric:tabular-nums;font-weight:600}
.tpc-fig .numbers{overflow-x:auto;max-height:22rem}
.tpc-fig table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.tpc-fig th,.tpc-fig td{border-bottom:1px solid var(--l);padding:.2rem .6rem;text-align:right}
.tpc-fig th:first-child{text-align:left}
.tpc-fig tbody th{font-weight:400}
.tpc-fig .sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media print{.tpc-fig .controls{display:none}}`;

// Okabe-Ito without yellow; the bluish grey of "ink" is used for theory lines. Same order everywhere.
const SERIES = [
  { colour: "#0072B2", dash: "", marker: "circle" },
  { colour: "#D55E00", dash: "7 4", marker: "square" },
  { colour: "#009E73", dash: "2 3", marker: "triangle" },
  { colour: "#CC79A7", dash: "10 3 2 3", marker: "diamond" },
  { colour: "#E69F00", dash: "4 2", marker: "circle" },
  { colour: "#56B4E9", dash: "1 2", marker: "square" },
];

function node(parent, name, attributes = {}, text = null) {
  const svg = ["svg", "path", "line", "g", "text", "circle", "rect", "title", "desc"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  parent.append(made);
  return made;
}

function ticks(low, high, count = 5) {
  const raw = (high - low) / count, unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * ([1, 2, 5, 10].find((m) => m * unit >= raw) ?? 10), found = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + 1e-9 * step; t += step) found.push(+t.toPrecision(12));
  return found;
}

function logTicks(low, high) {
  const found = [], wide = Math.log10(high / low) > 2.5;
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
    for (const m of wide ? [1] : [1, 2, 5]) {
      const t = m * 10 ** e;
      if (t >= low * (1 - 1e-9) && t <= high * (1 + 1e-9)) found.push(t);
    }
  return found;
}

// Numbers as people read them: 0.05, 1,500, 3.1e+23.
function plain(v, digits = 3) {
  if (v === null || v === undefined || Number.isNaN(v)) return "–";
  if (v !== 0 && (Math.abs(v) >= 1e7 || Math.abs(v) < 10 ** -digits)) return v.toExponential(digits - 1);
  const places = Math.abs(v) >= 1 ? Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(v)))) : digits;
  return v.toLocaleString("en-US", { maximumFractionDigits: places });
}

function mark(g, shape, x, y, colour, r = 4.5) {
  const d = {
    circle: `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
    square: `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    triangle: `M${x},${y - r}L${x + r},${y + r}H${x - r}z`,
    diamond: `M${x},${y - 1.3 * r}L${x + 1.3 * r},${y}L${x},${y + 1.3 * r}L${x - 1.3 * r},${y}z`,
  }[shape];
  return node(g, "path", { d, fill: colour, stroke: "var(--p)", "stroke-width": 1 });
}

// About 7.5 pixels a character at this size; only used to keep labels apart and inside.
const widthOf = (text) => 7.5 * text.length;

function axis(g, a, scale, frame, vertical) {
  const { x0, x1, y0, y1, width } = frame, places = a.ticks ?? (a.log ? logTicks(...a.range) : ticks(...a.range));
  let free = -Infinity;
  for (const t of places) {
    const at = scale(t), name = (a.format ?? plain)(t), half = widthOf(name) / 2;
    if (vertical) {
      node(g, "line", { x1: x0, x2: x1, y1: at, y2: at, stroke: "var(--l)", "stroke-width": 0.6 });
      node(g, "text", { x: x0 - 7, y: at + 4, "text-anchor": "end" }, name);
    } else {
      const middle = Math.min(at, width - half);
      node(g, "line", { x1: at, x2: at, y1: y0, y2: y0 + 5, stroke: "var(--i)" });
      if (middle - half < free) continue; // on a phone not every label has room
      node(g, "text", { x: middle, y: y0 + 19, "text-anchor": "middle" }, name);
      free = middle + half + 9;
    }
  }
  const long = widthOf(a.label) > width - 8 ? { textLength: width - 8, lengthAdjust: "spacingAndGlyphs" } : {};
  const half = Math.min(widthOf(a.label), width) / 2, centre = Math.min((x0 + x1) / 2, width - half);
  const place = vertical ? { x: -(y0 + y1) / 2, y: 15, transform: "rotate(-90)" } : { x: centre, y: y0 + 40, ...long };
  node(g, "text", { ...place, "text-anchor": "middle", "font-weight": 600 }, a.label);
}

// plot = {x:{label,range,log,ticks,format}, y:{...}, left, right, lines:[{name,points:[[x,y]],series,ink}],
//         dots:[{name,points,series}], bars:[{name,x0,x1,y0,y1,series,hollow,text}], rules:[{x|y,label}]}
// One unit of the drawing is one pixel of the page, so text keeps its size on a phone.
function draw(svg, plot, width) {
  svg.replaceChildren();
  const frame = { x0: plot.left ?? 62, x1: width - (plot.right ?? 20), y0: 300, y1: 14, width };
  const scaleOf = (a, p, q) => {
    const f = a.log ? Math.log10 : (v) => v, [low, high] = a.range.map(f);
    return (v) => p + ((f(v) - low) / (high - low)) * (q - p);
  };
  const sx = scaleOf(plot.x, frame.x0, frame.x1), sy = scaleOf(plot.y, frame.y0, frame.y1), g = node(svg, "g");
  axis(g, plot.y, sy, frame, true);
  axis(g, plot.x, sx, frame, false);
  node(g, "line", { x1: frame.x0, x2: frame.x1, y1: frame.y0, y2: frame.y0, stroke: "var(--i)" });
  const clampY = (v) => Math.max(frame.y1 - 8, Math.min(frame.y0 + 8, sy(v)));
  for (const bar of plot.bars ?? []) {
    const left = sx(bar.x0), right = sx(bar.x1), top = sy(bar.y1), height = sy(bar.y0) - top;
    node(g, "rect", { x: left, y: top, width: right - left, height, ...fillOf(bar) });
    if (bar.text) node(g, "text", { x: right + 6, y: top + height / 2 + 4 }, bar.text);
  }
  for (const line of plot.lines ?? []) {
    const s = SERIES[line.series ?? 0], seen = line.points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    node(g, "path", { d: "M" + seen.map(([x, y]) => `${sx(x).toFixed(2)},${clampY(y).toFixed(2)}`).join("L"), fill: "none",
      stroke: line.ink ? "var(--i)" : s.colour, "stroke-width": 2.4, "stroke-dasharray": s.dash });
  }
  for (const dots of plot.dots ?? []) {
    const s = SERIES[dots.series ?? 0];
    for (const [x, y, note] of dots.points)
      node(mark(g, s.marker, sx(x), clampY(y), s.colour), "title", {}, note ?? `${plain(x)}, ${plain(y)}`);
  }
  const left = (plot.rules ?? []).some((rule) => rule.x !== undefined && sx(rule.x) > (frame.x0 + frame.x1) / 2);
  for (const rule of plot.rules ?? []) drawRule(g, rule, sx, sy, frame, left);
  const named = (entries, kind) => (entries ?? []).filter((e) => e.name).map((e) => [e, kind]);
  const rows = legend(g, [...named(plot.lines, "line"), ...named(plot.dots, "dot"), ...named(plot.bars, "bar")], frame);
  svg.setAttribute("viewBox", `0 0 ${width} ${frame.y0 + 52 + 20 * rows}`);
}

// Solid or hollow: two kinds of bars stay apart without colour.
function fillOf({ series = 0, hollow = false }) {
  const { colour } = SERIES[series];
  return hollow ? { fill: "none", stroke: colour, "stroke-width": 2 } : { fill: colour, stroke: "var(--p)" };
}

// A level rule has its words at the right, or at the `left` when another rule stands upright there.
function drawRule(g, rule, sx, sy, frame, left) {
  const dashed = { stroke: "var(--i)", "stroke-dasharray": "3 3", "stroke-width": 1.2 };
  if (rule.x === undefined) {
    const y = sy(rule.y);
    node(g, "line", { x1: frame.x0, x2: frame.x1, y1: y, y2: y, ...dashed });
    const place = left ? { x: frame.x0 + 4, "text-anchor": "start" } : { x: frame.x1, "text-anchor": "end" };
    node(g, "text", { ...place, y: y - 5, class: "over" }, rule.label ?? "");
    return;
  }
  const x = sx(rule.x), late = x > (frame.x0 + frame.x1) / 2;
  node(g, "line", { x1: x, x2: x, y1: frame.y0, y2: frame.y1, ...dashed });
  node(g, "text", { x: late ? x - 5 : x + 5, y: frame.y1 + 10, "text-anchor": late ? "end" : "start", class: "over" }, rule.label ?? "");
}

// Returns how many rows it took.
function legend(g, entries, frame) {
  const columns = Math.max(1, Math.floor((frame.x1 - frame.x0) / 190));
  entries.forEach(([entry, kind], i) => {
    const s = SERIES[entry.series ?? 0];
    const x = frame.x0 + 4 + (i % columns) * 196, y = frame.y0 + 66 + Math.floor(i / columns) * 20;
    if (kind === "dot") mark(g, s.marker, x + 12, y - 4, s.colour);
    else if (kind === "bar") node(g, "rect", { x: x + 2, y: y - 11, width: 22, height: 11, ...fillOf(entry) });
    else node(g, "line", { x1: x, x2: x + 26, y1: y - 4, y2: y - 4, stroke: entry.ink ? "var(--i)" : s.colour,
      "stroke-width": 2.4, "stroke-dasharray": s.dash });
    node(g, "text", { x: x + 32, y }, entry.name);
  });
  return Math.ceil(entries.length / columns);
}

// JupyterLab takes arrow keys, Enter and letters for its cells, unless the focused element itself says otherwise.
const KEYS = { "data-lm-suppress-shortcuts": "true" };

// spec = {controls:[{key,label,min,max,step,unit,log,format}|{key,label,choices:[[value,name]]}],
//         draw(state) -> {title, plot, table:{head:[...], rows:[[...]]}}}.  `key` is a synced trait of the model.
function figure(el, model, spec) {
  const root = node(el, "div", { class: "tpc-fig", role: "group" });
  node(root, "style", {}, STYLE);
  const title = node(root, "p", { class: "figure-title", "aria-live": "polite" });
  const svg = node(root, "svg", { role: "img" });
  const controls = node(root, "div", { class: "controls" });
  const numbers = node(root, "div", { ...KEYS, class: "numbers", tabindex: "0", role: "region", "aria-label": "Numbers of this figure" });
  numbers.hidden = true;
  const start = Object.fromEntries(spec.controls.map((c) => [c.key, model.get(c.key)]));
  const shown = {};
  let width = 660;
  const refresh = () => {
    const state = Object.fromEntries(spec.controls.map((c) => [c.key, model.get(c.key)]));
    const made = spec.draw(state, model);
    title.textContent = made.title;
    root.setAttribute("aria-label", made.title);
    svg.setAttribute("aria-label", made.title + " The numbers are in the table below.");
    draw(svg, made.plot, width);
    table(numbers, made.table, made.title);
    for (const c of spec.controls) shown[c.key](state[c.key]);
  };
  const set = (key, value) => { model.set(key, value); model.save_changes(); refresh(); };
  for (const c of spec.controls) shown[c.key] = c.choices ? choice(controls, c, set) : slider(controls, c, set);
  const buttons = node(controls, "div", { class: "buttons" });
  const toggle = node(buttons, "button", { ...KEYS, type: "button", "aria-expanded": "false" }, "Numbers");
  toggle.addEventListener("click", () => {
    numbers.hidden = !numbers.hidden;
    toggle.setAttribute("aria-expanded", String(!numbers.hidden));
  });
  node(buttons, "button", { ...KEYS, type: "button" }, "Reset").addEventListener("click", () => {
    for (const [key, value] of Object.entries(start)) model.set(key, value);
    model.save_changes();
    refresh();
  });
  const keys = [...spec.controls.map((c) => c.key), ...(spec.data ?? [])];
  for (const key of keys) model.on?.(`change:${key}`, refresh);
  refresh();
  // The book also draws figures once where there is no browser and no size to watch.
  const watch = globalThis.ResizeObserver && new ResizeObserver(([entry]) => {
    const now = Math.round(Math.min(760, Math.max(240, entry.contentRect.width)));
    if (entry.contentRect.width && Math.abs(now - width) > 4) { width = now; refresh(); }
  });
  watch?.observe(svg);
  return () => { watch?.disconnect(); for (const key of keys) model.off?.(`change:${key}`, refresh); };
}

function slider(parent, c, set) {
  const label = node(parent, "label"), line = node(label, "span", {}, c.label + ": "), value = node(line, "output");
  const to = c.log ? Math.log10 : (v) => v, from = c.log ? (v) => 10 ** v : (v) => v;
  const step = c.log ? (c.step ?? 0.02) : c.step;
  const input = node(label, "input", { ...KEYS, type: "range", min: to(c.min), max: to(c.max), step });
  let current;
  input.addEventListener("input", () => {
    let v = +from(+input.value).toPrecision(6);
    // A small step on a log scale may round back to where it was; an arrow key must always move by one at least.
    if (c.whole && Math.round(v) === current) v = current + Math.sign(+input.value - to(current));
    set(c.key, Math.max(c.min, Math.min(c.max, c.whole ? Math.round(v) : v)));
  });
  return (v) => {
    current = v;
    const text = (c.format ?? plain)(v) + (c.unit ? " " + c.unit : "");
    input.value = to(v);
    input.setAttribute("aria-valuetext", text);
    value.textContent = text;
  };
}

function choice(parent, c, set) {
  const label = node(parent, "label", {}, c.label), select = node(label, "select", KEYS);
  for (const [value, name] of c.choices) node(select, "option", { value }, name);
  select.addEventListener("change", () => set(c.key, select.value));
  return (v) => { select.value = v; };
}

function table(parent, { head, rows }, title) {
  parent.replaceChildren();
  const made = node(parent, "table");
  node(made, "caption", { class: "sr" }, title);
  const top = node(node(made, "thead"), "tr"), body = node(made, "tbody");
  for (const h of head) node(top, "th", { scope: "col" }, h);
  for (const row of rows) {
    const line = node(body, "tr");
    row.forEach((cell, i) => {
      const shown = typeof cell === "number" ? plain(cell) : cell;
      if (i) node(line, "td", {}, shown); else node(line, "th", { scope: "row" }, shown);
    });
  }
}
