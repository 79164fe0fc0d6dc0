// Exact coverage of four 95% intervals for a proportion: sum the binomial chances of the counts whose interval holds p.
const Z = 1.959963984540054;

function wald(k, n) {
  const p = k / n, half = Z * Math.sqrt((p * (1 - p)) / (n - 1));
  return [p - half, p + half];
}

function wilson(k, n) {
  const p = k / n, d = 1 + Z ** 2 / n, centre = (p + Z ** 2 / (2 * n)) / d;
  const half = (Z / d) * Math.sqrt((p * (1 - p)) / n + Z ** 2 / (4 * n ** 2));
  return [centre - half, centre + half];
}

function agrestiCoull(k, n) {
  const m = n + Z ** 2, p = (k + Z ** 2 / 2) / m, half = Z * Math.sqrt((p * (1 - p)) / m);
  return [p - half, p + half];
}

function logChoose(n) {
  const sums = [0];
  for (let i = 1; i <= n; i++) sums.push(sums[i - 1] + Math.log(i));
  return (k) => sums[n] - sums[k] - sums[n - k];
}

function tail(n, k, p, choose) {
  let sum = 0;
  for (let i = k; i <= n; i++) sum += Math.exp(choose(i) + i * Math.log(p) + (n - i) * Math.log1p(-p));
  return sum;
}

// Clopper-Pearson contains p exactly when neither tail of the binomial at p is below 2.5%.
function clopperHolds(k, n, p, choose) {
  return tail(n, k, p, choose) > 0.025 && 1 - tail(n, k + 1, p, choose) > 0.025;
}

const INTERVALS = {
  "plain (mean ± 1.96 SE)": (k, n, p) => inside(wald(k, n), p),
  Wilson: (k, n, p) => inside(wilson(k, n), p),
  "Agresti–Coull": (k, n, p) => inside(agrestiCoull(k, n), p),
  "Clopper–Pearson": clopperHolds,
};

const inside = ([low, high], p) => low - 1e-12 <= p && p <= high + 1e-12;

function coverage(name, n, p) {
  const choose = logChoose(n), holds = INTERVALS[name];
  let sum = 0;
  for (let k = 0; k <= n; k++) {
    const chance = Math.exp(choose(k) + k * Math.log(p) + (n - k) * Math.log1p(-p));
    if (chance > 1e-9 && holds(k, n, p, choose)) sum += chance;
  }
  return sum;
}

const SCORES = Array.from({ length: 50 }, (_, i) => 0.5 + i * 0.0099);

function render({ model, el }) {
  return figure(el, model, {
    controls: [
      { key: "n", label: "Items n", min: 5, max: 300, step: 0.01, log: true, whole: true },
      { key: "p", label: "True score p", min: 0.5, max: 0.99, step: 0.01 },
    ],
    draw({ n, p }) {
      const names = Object.keys(INTERVALS), here = names.map((name) => coverage(name, n, p));
      return {
        title: `With ${n} items and a true score of ${p.toFixed(2)}, the plain "95%" interval holds the truth ` +
          `${(100 * here[0]).toFixed(1)}% of the time, Wilson's ${(100 * here[1]).toFixed(1)}%.`,
        plot: {
          x: { label: "true score p (share right)", range: [0.5, 1] },
          y: { label: "coverage (share of repeats)", range: [0.6, 1] },
          lines: names.map((name, i) => ({ name, series: i, points: SCORES.map((s) => [s, coverage(name, n, s)]) })),
          rules: [{ y: 0.95, label: "promised: 0.95" }, { x: p, label: `p = ${p.toFixed(2)}` }],
        },
        table: { head: ["interval", "coverage at p"], rows: names.map((name, i) => [name, here[i]]) },
      };
    },
  });
}

export { coverage, wilson };
export default { render };
