// P(caught) = 1 - (1 - s^r)^b: two documents of similarity s meet in at least one of b bands of r rows.
const collisionProbability = (s, bands, rows) => 1 - (1 - s ** rows) ** bands;

const SIMILARITIES = Array.from({ length: 101 }, (_, i) => i / 100);

function render({ model, el }) {
  return figure(el, model, {
    data: ["measured"],
    controls: [
      { key: "bands", label: "Bands b", min: 1, max: 500, step: 0.01, log: true, whole: true },
      { key: "rows", label: "Rows in a band r", min: 1, max: 30, step: 1, whole: true },
    ],
    draw({ bands, rows }) {
      const at = (s) => collisionProbability(s, bands, rows), turn = (1 / bands) ** (1 / rows);
      const measured = model.get("measured") ?? [];
      return {
        title: `${bands} × ${rows} = ${bands * rows} hashes: the curve turns near ${turn.toFixed(2)}; ` +
          `a pair at 0.8 is caught with ${(100 * at(0.8)).toFixed(1)}%, one at 0.5 with ${(100 * at(0.5)).toFixed(1)}%.`,
        plot: {
          x: { label: "Jaccard similarity of the pair (no unit)", range: [0, 1] },
          y: { label: "chance to be compared", range: [0, 1] },
          lines: [{ name: "1 − (1 − sʳ)ᵇ", points: SIMILARITIES.map((s) => [s, at(s)]), series: 0 }],
          dots: measured.length
            ? [{ name: "measured", series: 1, points: measured.map(([s, hit, n]) => [s, hit, `${n} pairs`]) }] : [],
          rules: [{ x: turn, label: `(1/b)^(1/r) = ${turn.toFixed(2)}` }],
        },
        table: {
          head: ["similarity", "chance to be compared", "missed"],
          rows: SIMILARITIES.filter((_, i) => i % 10 === 0 || i === 75 || i === 85).map((s) => [s, at(s), 1 - at(s)]),
        },
      };
    },
  });
}

export { collisionProbability };
export default { render };
