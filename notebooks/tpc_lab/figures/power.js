// Power of a two-sided 5% z-test on the mean difference over n items; spread = sd of one model's item scores.
function normalCdf(x) {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const poly = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = 0.3989422804014327 * Math.exp((-x * x) / 2) * poly;
  return x >= 0 ? 1 - upper : upper;
}

function power(n, delta, spread, correlation) {
  const shift = delta / (spread * Math.sqrt((2 * (1 - correlation)) / n));
  return normalCdf(shift - 1.959964) + normalCdf(-shift - 1.959964);
}

// (z_{0.025} + z_{0.2})^2 = 7.849 for 5% and 80% power.
const itemsNeeded = (delta, spread, correlation) => Math.ceil((7.8489 * 2 * spread ** 2 * (1 - correlation)) / delta ** 2);

const SIZES = Array.from({ length: 81 }, (_, i) => 10 ** (1 + i / 20));

function render({ model, el }) {
  return figure(el, model, {
    controls: [
      { key: "delta", label: "True difference", min: 0.002, max: 0.2, step: 0.01, log: true, unit: "points", format: (v) => (100 * v).toFixed(1) },
      { key: "spread", label: "Spread of item scores (sd)", min: 0.1, max: 0.5, step: 0.01 },
      { key: "correlation", label: "Correlation of the two models", min: 0, max: 0.95, step: 0.05 },
    ],
    draw({ delta, spread, correlation }) {
      const paired = itemsNeeded(delta, spread, correlation), apart = itemsNeeded(delta, spread, 0);
      const curve = (rho) => SIZES.map((n) => [n, power(n, delta, spread, rho)]);
      return {
        title: `To see ${(100 * delta).toFixed(1)} points in 8 of 10 studies: ${plain(paired)} shared items, ` +
          `or ${plain(apart)} per model when the items differ.`,
        plot: {
          x: { label: "items n", range: [10, 100000], log: true },
          y: { label: "chance to see the difference", range: [0, 1] },
          lines: [{ name: "same items, paired test", points: curve(correlation), series: 0 },
            { name: "different items", points: curve(0), series: 1 }],
          rules: [{ y: 0.8, label: "80%" }],
        },
        table: {
          head: ["items n", "power, same items", "power, different items"],
          rows: [100, 200, 500, 1000, 2000, 5000, 10000].map((n) => [plain(n), power(n, delta, spread, correlation), power(n, delta, spread, 0)]),
        },
      };
    },
  });
}

export { itemsNeeded, normalCdf, power };
export default { render };
