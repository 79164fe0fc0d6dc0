// A checkpoint that needs no kernel: type a number or a sum of numbers, and read whether it is right or what went wrong.
const ANSWER_STYLE = `
.tpc-fig .ask{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end}
.tpc-fig .ask label{max-width:24rem}
.tpc-fig .ask input{min-height:44px;width:100%;padding:0 .6rem;border:1px solid var(--i);border-radius:6px;
 background:transparent;color:var(--i);font:inherit}
.tpc-fig .verdict{margin:.6rem 0 0;min-height:1.5em;padding-left:.8rem;border-left:4px solid transparent}
.tpc-fig .verdict.right{border-color:var(--good,#1a7f37)}
.tpc-fig .verdict.wrong{border-color:var(--bad,#b3261e)}`;

// Sums of numbers as people type them: 2 * 126 * 8e3, (1 - 0.05^0.5), 174,600. Returns NaN for anything else.
function evaluate(text) {
  const source = text.replace(/,(?=\d{3}(\D|$))/g, "").replace(/\*\*/g, "^").replace(/[×·]/g, "*").replace(/\s+/g, "");
  const parts = source.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|[-+*/^()]/gi) ?? [];
  if (parts.join("") !== source) return NaN;
  let at = 0;
  const take = (...signs) => (signs.includes(parts[at]) ? parts[at++] : null);
  const sum = () => {
    let value = product();
    for (let sign; (sign = take("+", "-")); ) value = sign === "+" ? value + product() : value - product();
    return value;
  };
  const product = () => {
    let value = signed();
    for (let sign; (sign = take("*", "/")); ) value = sign === "*" ? value * signed() : value / signed();
    return value;
  };
  const signed = () => (take("-") ? -signed() : power());
  const power = () => {
    const base = atom();
    return take("^") ? base ** signed() : base;
  };
  const atom = () => {
    if (!take("(")) return Number(parts[at++] ?? NaN);
    const value = sum();
    return take(")") ? value : NaN;
  };
  const value = sum();
  return at === parts.length ? value : NaN;
}

// `wrong` holds [value, why]: what a usual mistake gives, and what the mistake is.
function verdict(text, { answer, tolerance, wrong, hint }) {
  const given = evaluate(text), near = (v) => Math.abs(given - v) <= tolerance * Math.abs(v) + 1e-12;
  if (!Number.isFinite(given)) return { right: false, said: "Type a number, such as 4.2e9, or a sum, such as 2 * 8 / 3." };
  if (near(answer)) return { right: true, said: "right, you may move on." };
  const known = wrong.find(([value]) => near(value)), shift = Math.log10(Math.abs(given / answer));
  if (known) return { right: false, said: `not yet. ${known[1]}` };
  if (Math.abs(shift - Math.round(shift)) < tolerance / 2) return { right: false, said: "not yet. The digits are right, the power of ten is not." };
  return { right: false, said: `not yet. ${hint}` };
}

function render({ model, el }) {
  const facts = Object.fromEntries(["answer", "tolerance", "wrong", "hint"].map((key) => [key, model.get(key)]));
  const root = node(el, "div", { class: "tpc-fig", role: "group", "aria-label": model.get("label") });
  node(root, "style", {}, STYLE + ANSWER_STYLE);
  const form = node(root, "form", { class: "ask" }), unit = model.get("unit");
  const label = node(form, "label", {}, model.get("label") + (unit ? ` (${unit})` : ""));
  const input = node(label, "input", { ...KEYS, type: "text", autocomplete: "off", spellcheck: "false" });
  node(form, "button", { ...KEYS, type: "submit" }, "Check");
  const line = node(root, "p", { class: "verdict", role: "status" });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { right, said } = verdict(input.value, facts);
    line.textContent = (right ? "✓ " : "✗ ") + said;
    line.setAttribute("class", right ? "verdict right" : "verdict wrong");
  });
}

export { evaluate, verdict };
export default { render };
