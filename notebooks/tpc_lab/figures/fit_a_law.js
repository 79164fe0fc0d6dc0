// Which runs enter the fit: least squares in log L over the chosen runs, then the law's prediction for the largest.
const FLOPS = 6;
const EMPTY = {
  x: { label: "characters seen", range: [200000, 5000000], log: true },
  y: { label: "validation loss (nats per character)", range: [1, 3] },
};

function lawLoss(p, n, d) {
  return Math.exp(p[2]) + Math.exp(p[0]) / n ** p[3] + Math.exp(p[1]) / d ** p[4];
}

function solve(matrix, right) {
  const m = matrix.map((row, i) => [...row, right[i]]), k = right.length;
  for (let c = 0; c < k; c++) {
    let best = c;
    for (let r = c + 1; r < k; r++) if (Math.abs(m[r][c]) > Math.abs(m[best][c])) best = r;
    [m[c], m[best]] = [m[best], m[c]];
    for (let r = 0; r < k; r++) if (r !== c) {
      const f = m[r][c] / m[c][c];
      for (let j = c; j <= k; j++) m[r][j] -= f * m[c][j];
    }
  }
  return m.map((row, i) => row[k] / row[i]);
}

// Levenberg-Marquardt on r = log L_law - log L; runs are [N, D, loss]. Returns [log A, log B, log E, alpha, beta].
function fitLaw(runs, start = [2, 7, -0.3, 0.2, 0.55]) {
  let p = start, damping = 1e-2;
  const cost = (q) => runs.reduce((s, [n, d, l]) => s + Math.log(lawLoss(q, n, d) / l) ** 2, 0);
  let now = cost(p);
  for (let step = 0; step < 300 && damping < 1e12; step++) {
    const g = Array(5).fill(0), h = Array.from({ length: 5 }, () => Array(5).fill(0));
    for (const [n, d, l] of runs) {
      const total = lawLoss(p, n, d), a = Math.exp(p[0]) / n ** p[3] / total, b = Math.exp(p[1]) / d ** p[4] / total;
      const j = [a, b, 1 - a - b, -a * Math.log(n), -b * Math.log(d)], r = Math.log(total / l);
      for (let x = 0; x < 5; x++) { g[x] += j[x] * r; for (let y = 0; y < 5; y++) h[x][y] += j[x] * j[y]; }
    }
    const damped = h.map((row, i) => row.map((v, k) => (i === k ? v * (1 + damping) + 1e-12 : v)));
    const move = solve(damped, g), next = p.map((v, i) => v - move[i]);
    next[2] = Math.max(next[2], -6);
    const then = cost(next);
    if (then < now) { p = next; now = then; damping /= 3; } else damping *= 4;
  }
  return p;
}

function render({ model, el }) {
  return figure(el, model, {
    data: ["runs"],
    controls: [
      { key: "smallest", label: "Leave out models below", min: 1000, max: 20000, step: 0.05, log: true, unit: "parameters", format: (v) => plain(Math.round(v)) },
      { key: "largest", label: "Leave out models above", min: 100000, max: 1000000, step: 0.05, log: true, unit: "parameters", format: (v) => plain(Math.round(v)) },
      { key: "least", label: "Leave out runs shorter than", min: 200000, max: 1200000, step: 0.05, log: true, unit: "characters", format: (v) => plain(Math.round(v)) },
    ],
    draw({ smallest, largest, least }) {
      const runs = model.get("runs"), used = runs.filter(([n, d]) => n >= smallest && n <= largest && d >= least);
      const sizes = [...new Set(runs.map((r) => r[0]))].sort((a, b) => a - b);
      const top = runs.reduce((a, b) => (b[0] * b[1] > a[0] * a[1] ? b : a));
      const places = new Set(used.map(([n, d]) => `${n} ${d}`)).size;
      if (places < 5) return { title: `${places} different runs cannot fix five constants: let more in.`, plot: EMPTY, table: { head: ["runs"], rows: [[places]] } };
      const seeds = runs.filter(([n, d]) => n === top[0] && d === top[1]);
      const reached = seeds.reduce((sum, run) => sum + run[2], 0) / seeds.length;
      const p = fitLaw(used), guess = lawLoss(p, top[0], top[1]), error = 100 * (guess / reached - 1);
      const at = sizes.map((n, i) => ({ n, i }));
      return {
        title: `${used.length} of ${runs.length} runs predict ${guess.toFixed(3)} for the largest run; ` +
          `its seeds reached ${reached.toFixed(3)} (${error >= 0 ? "+" : ""}${error.toFixed(1)}%).`,
        plot: {
          ...EMPTY,
          lines: at.map(({ n, i }) => ({ name: `${plain(n)} parameters`, series: i,
            points: Array.from({ length: 30 }, (_, k) => 230000 * 20 ** (k / 29)).map((d) => [d, lawLoss(p, n, d)]) })),
          dots: at.map(({ n, i }) => ({ series: i, points: runs.filter((r) => r[0] === n).map((r) => [r[1], r[2]]) })),
        },
        table: {
          head: ["quantity", "value"],
          rows: [["E", Math.exp(p[2])], ["A", Math.exp(p[0])], ["B", Math.exp(p[1])], ["alpha", p[3]], ["beta", p[4]],
            ["prediction for the largest run", guess], ["measured, mean of its seeds", reached], ["FLOPs of the largest run", FLOPS * top[0] * top[1]]],
        },
      };
    },
  });
}

export { fitLaw, lawLoss };
export default { render };
