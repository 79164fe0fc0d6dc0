// Where the parameters and the FLOPs of a plain decoder sit. L layers of width d, V tokens, a window of T tokens.
function parameters(L, d, V) {
  return { embedding: V * d, attention: 4 * L * d * d, scores: 0, mlp: 8 * L * d * d, head: V * d };
}

// Per token, forward: a lookup is free, scores have no parameters.
function forwardFlops(L, d, V, T) {
  return { embedding: 0, attention: 8 * L * d * d, scores: 4 * L * T * d, mlp: 16 * L * d * d, head: 2 * V * d };
}

const PARTS = { embedding: "embedding", attention: "attention", scores: "scores", mlp: "MLP", head: "head" };
const total = (parts) => Object.values(parts).reduce((a, b) => a + b, 0);
const percent = (x) => (x === 0 ? "none" : x < 0.001 ? "<0.1%" : (100 * x).toFixed(1) + "%");
const count = (v) => {
  const unit = [["T", 1e12], ["B", 1e9], ["M", 1e6], ["k", 1e3]].find(([, size]) => v >= size);
  return unit ? plain(v / unit[1]) + " " + unit[0] : plain(v);
};

function render({ model, el }) {
  return figure(el, model, {
    controls: [
      { key: "layers", label: "Layers L", min: 1, max: 128, log: true, whole: true },
      { key: "width", label: "Width d", min: 16, max: 16384, log: true, whole: true },
      { key: "window", label: "Window T", min: 64, max: 131072, log: true, whole: true, unit: "tokens" },
      { key: "vocabulary", label: "Vocabulary V", min: 64, max: 262144, log: true, whole: true, unit: "tokens" },
    ],
    draw({ layers, width, window, vocabulary }) {
      const held = parameters(layers, width, vocabulary), spent = forwardFlops(layers, width, vocabulary, window);
      const names = Object.keys(PARTS), all = total(held), cost = total(spent);
      const blocks = held.attention + held.mlp, factor = cost / (2 * blocks);
      const bars = names.flatMap((name, i) => {
        const y = names.length - i, share = held[name] / all, flops = spent[name] / cost;
        return [
          { name: i ? "" : "share of parameters", series: 0, x0: 0, x1: share, y0: y, y1: y + 0.36, text: percent(share) },
          { name: i ? "" : "share of FLOPs", series: 1, hollow: true, x0: 0, x1: flops, y0: y - 0.36, y1: y, text: percent(flops) },
        ];
      });
      return {
        title: `${count(all)} parameters, ${count(blocks)} of them in blocks. ` +
          `A token costs ${count(3 * cost)} FLOPs of training: ${factor.toFixed(2)} times 6N.`,
        plot: {
          left: 92,
          right: 56,
          x: { label: "share of the whole model", range: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], format: (v) => `${100 * v}%` },
          y: { label: "", range: [0.4, names.length + 0.6], ticks: names.map((_, i) => names.length - i),
            format: (v) => PARTS[names[names.length - v]] },
          bars,
        },
        table: {
          head: ["part", "parameters", "share", "FLOPs per token, forward", "share"],
          rows: [...names.map((n) => [PARTS[n], count(held[n]), percent(held[n] / all), count(spent[n]), percent(spent[n] / cost)]),
            ["all", count(all), "100%", count(cost), "100%"],
            ["N and 2N, blocks only", count(blocks), percent(blocks / all), count(2 * blocks), percent((2 * blocks) / cost)]],
        },
      };
    },
  });
}

export { forwardFlops, parameters };
export default { render };
