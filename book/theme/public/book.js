// Search and figures that react. Everything else on a page works without this file.
const base = document.body.dataset.base;
const form = document.getElementById("search");
const query = document.getElementById("query");
const results = document.getElementById("results");
let records;

async function load() {
  records ??= fetch(`${base}/myst.search.json`).then((answer) => answer.json()).then((index) => index.records);
  return records;
}

function heading(record) {
  return Object.values(record.hierarchy ?? {}).filter(Boolean).join(" › ");
}

function score(record, words) {
  const title = heading(record).toLowerCase();
  const text = `${title} ${(record.content ?? "").toLowerCase()}`;
  if (!words.every((word) => text.includes(word))) return 0;
  return 1 + 5 * words.filter((word) => title.includes(word)).length;
}

async function search() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  results.replaceChildren();
  if (!words.length) return;
  const best = new Map();
  for (const record of await load()) {
    const points = score(record, words);
    if (points > (best.get(record.url)?.points ?? 0)) best.set(record.url, { points, record });
  }
  const found = [...best.values()].sort((a, b) => b.points - a.points).slice(0, 12);
  const list = document.createElement("ol");
  for (const { record } of found) {
    const link = document.createElement("a");
    link.href = base + record.url;
    link.textContent = heading(record) || record.url;
    list.append(Object.assign(document.createElement("li"), {}));
    list.lastChild.append(link);
  }
  results.replaceChildren(found.length ? list : "Nothing found. Try fewer or shorter words.");
}

form.hidden = false;
form.addEventListener("submit", (event) => { event.preventDefault(); results.querySelector("a")?.click(); });
query.addEventListener("focus", load, { once: true });
query.addEventListener("input", search);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") results.replaceChildren(); });

// A narrow screen starts with the contents folded; they stand below the text.
if (matchMedia("(max-width: 56rem)").matches) document.querySelector(".contents details").open = false;

// The part of anywidget's model that a page without a kernel needs.
function model(state) {
  const listeners = new Map();
  const tell = (name) => (listeners.get(name) ?? []).forEach((listener) => listener());
  return {
    get: (name) => state[name],
    set(name, value) { state[name] = value; tell(`change:${name}`); tell("change"); },
    save_changes() {},
    send() {},
    on(names, listener) { for (const name of names.split(" ")) listeners.set(name, [...(listeners.get(name) ?? []), listener]); },
    off(name, listener) { listeners.set(name, (listeners.get(name) ?? []).filter((known) => known !== listener)); },
  };
}

for (const place of document.querySelectorAll("[data-widget]")) {
  const state = JSON.parse(place.dataset.state);
  import(place.dataset.widget).then(async (module) => {
    const widget = typeof module.default === "function" ? await module.default() : module.default ?? module;
    const figure = model(state);
    place.replaceChildren();
    await widget.initialize?.({ model: figure });
    await widget.render({ model: figure, el: place });
  }).catch((error) => { place.textContent = "This figure could not start here. Open the lesson on the campus to use it."; console.error(error); });
}
