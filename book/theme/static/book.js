// Search, and contents folded on small screens. The book reads well without this file.
const base = document.body.dataset.base;
const field = document.getElementById("search");
const hits = document.getElementById("hits");
let records = null;

async function search() {
  const words = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  records ??= (await (await fetch(`${base}/myst.search.json`)).json()).records;
  const found = words.length
    ? records.filter((record) => {
        const text = `${Object.values(record.hierarchy).join(" ")} ${record.content ?? ""}`.toLowerCase();
        return words.every((word) => text.includes(word));
      })
    : [];
  hits.replaceChildren(
    ...found.slice(0, 8).map((record) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const [path, anchor] = record.url.split("#");
      link.href = `${base}${path.replace(/\/$/, "")}/${anchor ? `#${anchor}` : ""}`;
      link.textContent = Object.values(record.hierarchy).filter(Boolean).join(" › ");
      item.append(link);
      return item;
    }),
  );
  if (words.length && !found.length) hits.textContent = "Nothing found";
  hits.hidden = !words.length;
}

field.addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    field.focus();
  }
  if (event.key === "Escape") hits.hidden = true;
});
if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".toc details").open = false;
