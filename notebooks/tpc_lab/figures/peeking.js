// Two equal models, tested after every batch of items: how often has some look been "significant" by then?
function randomNumbers(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Sums of paired differences are normal; one normal draw per batch is exact for the look at its end.
function falseAlarms(looks, level = 1.959964, studies = 4000, seed = 1) {
  const uniform = randomNumbers(seed), alarms = new Array(looks).fill(0);
  for (let study = 0; study < studies; study++) {
    let sum = 0, alarmed = false;
    for (let look = 1; look <= looks; look++) {
      sum += Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      alarmed ||= Math.abs(sum) / Math.sqrt(look) > level;
      if (alarmed) alarms[look - 1]++;
    }
  }
  return alarms.map((count) => count / studies);
}

function render({ model, el }) {
  return figure(el, model, {
    controls: [
      { key: "looks", label: "Looks at the result", min: 1, max: 50, step: 1, whole: true },
      { key: "batch", label: "Items between looks", min: 10, max: 500, step: 10, unit: "items", whole: true },
    ],
    draw({ looks, batch }) {
      const rates = falseAlarms(looks), last = rates[looks - 1];
      return {
        title: `Stopping at the first "significant" of ${looks} looks finds a difference between equal models ` +
          `in ${(100 * last).toFixed(0)}% of studies, not 5%.`,
        plot: {
          x: { label: "items seen so far", range: [0, batch * looks] },
          y: { label: "share of studies with a false alarm", range: [0, 0.6] },
          lines: [{ name: "stop at the first p < 0.05", points: rates.map((r, i) => [batch * (i + 1), r]), series: 1 }],
          dots: [{ name: "a look", points: rates.map((r, i) => [batch * (i + 1), r]), series: 1 }],
          rules: [{ y: 0.05, label: "one planned test: 0.05" }],
        },
        table: { head: ["look", "items", "false alarms so far"], rows: rates.map((r, i) => [String(i + 1), plain(batch * (i + 1)), r]) },
      };
    },
  });
}

export { falseAlarms };
export default { render };
