// Search, colours, cards, tabs, copying. The book reads well without this file, and with it from a disk too.
const root = document.body.dataset.root;
const strings = JSON.parse(document.getElementById("strings").textContent);
const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

// Search. The index is a script, because a page on a disk may not fetch.
const field = document.getElementById("search");
const hits = document.getElementById("hits");
const found = document.getElementById("found");
let loading = null;

function records() {
  loading ??= new Promise((resolve, reject) => {
    const script = make("script", { src: `${root}search.js` });
    script.onload = () => resolve(window.bookRecords);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

// "KV-Cache" is found as "kv cache", "Muller" as "Müller".
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
const wordsOf = (text) => plain(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
const safe = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function marked(text, words) {
  const pattern = new RegExp(`(${words.map(safe).join("|")})`, "gi");
  return text.split(pattern).map((part, i) => (i % 2 ? make("mark", {}, part) : part));
}

const beginning = (text, word) => text.search(new RegExp(`(?<![\\p{L}\\p{N}])${safe(word)}`, "u"));

// Words in a title count most, then those in headings, then those in the text, then parts of words: "loss" in "glossary".
function rank([, , titles, text], words) {
  const [title = "", ...below] = titles.map(plain);
  const lower = plain(text);
  let score = 0;
  for (const word of words) {
    const begins = (t) => beginning(t, word) >= 0;
    const at = begins(title) ? 8 : below.some(begins) ? 5 : begins(lower) ? 2 : [title, ...below, lower].some((t) => t.includes(word)) ? 1 : 0;
    if (!at) return 0;
    score += at;
  }
  return score;
}

// What stands around the first word found, in whole words.
function snippet(text, words) {
  const lower = plain(text);
  const places = words.flatMap((word) => [beginning(lower, word), lower.indexOf(word)].filter((i) => i >= 0).slice(0, 1));
  const hit = Math.min(...places, text.length);
  const from = hit > 40 ? Math.min(text.indexOf(" ", hit - 40) + 1 || hit, hit) : 0;
  const last = text.lastIndexOf(" ", from + 130);
  const end = from + 130 >= text.length ? text.length : last > hit ? last : from + 130;
  return (from ? "…" : "") + text.slice(from, end) + (end < text.length ? "…" : "");
}

// One letter wrong, missing, too much or swapped is a slip of the finger.
function isSlip(a, b) {
  if (Math.abs(a.length - b.length) > 1 || a[0] !== b[0]) return false;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  const rest = [[1, 1], [1, 0], [0, 1]].some(([m, n]) => a.slice(i + m) === b.slice(i + n));
  return rest || (a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2));
}

// A word that is nowhere is taken for the most frequent one that it may have been meant to be.
function meant(words, all) {
  const known = new Map();
  for (const [, , titles, text] of all) for (const word of wordsOf(`${titles.join(" ")} ${text}`)) known.set(word, (known.get(word) ?? 0) + 1);
  const vocabulary = [...known.keys()];
  return words.map((word) => {
    if (word.length < 4 || vocabulary.some((other) => other.includes(word))) return word;
    const near = vocabulary.filter((other) => isSlip(word, other)).sort((a, b) => known.get(b) - known.get(a));
    return near[0] ?? word;
  });
}

async function search() {
  const asked = wordsOf(field.value);
  const all = asked.length ? await records() : [];
  const words = all.some((record) => rank(record, asked)) ? asked : meant(asked, all);
  const seen = new Set();
  const best = all
    .map((record) => [rank(record, words), record])
    .filter(([score, [slug, anchor]]) => score && !seen.has(`${slug}#${anchor}`) && seen.add(`${slug}#${anchor}`))
    .sort((a, b) => b[0] - a[0])
    .slice(0, 10);
  hits.replaceChildren(
    ...best.map(([, [slug, anchor, titles, text]], i) => {
      const file = document.body.dataset.files === "yes" ? "index.html" : "";
      const path = root + (slug ? `${slug.replaceAll(".", "/")}/` : "") + file || "./";
      const href = `${path}?find=${encodeURIComponent(words.join(" "))}${anchor ? `#${anchor}` : ""}`;
      const body = text && words.some((w) => plain(text).includes(w)) ? [make("span", {}, ...marked(snippet(text, words), words))] : [];
      return make("a", { href, id: `hit-${i}`, role: "option", "aria-selected": "false", tabindex: "-1" }, make("strong", {}, ...marked(titles.join(" › "), words)), ...body);
    }),
  );
  if (words.length && !best.length) hits.append(make("p", {}, strings.nothing_found));
  found.textContent = words.length ? (best.length ? strings.found.replace("{count}", best.length) : strings.nothing_found) : "";
  show(words.length > 0);
  choose(best.length ? 0 : -1);
}

function show(open) {
  hits.hidden = !open;
  field.setAttribute("aria-expanded", String(open));
}

function choose(index) {
  const options = [...hits.querySelectorAll("a")];
  options.forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
  if (options[index]) {
    field.setAttribute("aria-activedescendant", options[index].id);
    options[index].scrollIntoView({ block: "nearest" });
  } else field.removeAttribute("aria-activedescendant");
}

field.addEventListener("input", search);
field.addEventListener("focus", () => records().catch(() => {}));
field.addEventListener("keydown", (event) => {
  const options = [...hits.querySelectorAll("a")];
  const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && options.length) {
    event.preventDefault();
    show(true);
    choose((at + step + options.length) % options.length);
  } else if (event.key === "Enter" && options[at]) {
    event.preventDefault();
    options[at].click();
  } else if (event.key === "Escape") {
    show(false);
  }
});
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName) || document.activeElement.isContentEditable;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("search")) show(false);
});

// Whoever comes from the search sees the words marked.
function markWords(words) {
  const pattern = new RegExp(words.map(safe).join("|"), "gi");
  const walker = document.createTreeWalker(document.getElementById("main"), NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.closest("script,style,svg,.katex,.figure-live,nav") || !node.data.match(pattern) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) {
    node.parentElement.closest("details")?.setAttribute("open", "");
    node.replaceWith(...marked(node.data, words));
  }
  if (!location.hash) document.querySelector("main mark")?.scrollIntoView({ block: "center" });
}
const sought = wordsOf(new URLSearchParams(location.search).get("find") ?? "");
if (sought.length) markWords(sought);

// Colours.
const scheme = document.getElementById("scheme");
const remember = (key, value) => { try { value ? localStorage.setItem(key, value) : localStorage.removeItem(key); } catch { /* a private window forgets */ } };
const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
scheme.value = recall("scheme") ?? "";
scheme.addEventListener("change", () => {
  remember("scheme", scheme.value);
  if (scheme.value) document.documentElement.dataset.scheme = scheme.value;
  else delete document.documentElement.dataset.scheme;
});

// Tabs that remember: sets with the same names switch together, here and on the next page.
const key = (tab) => tab.dataset.sync ?? tab.querySelector(".tab-title").textContent;
function select(set, wanted, focus = false) {
  const tabs = [...set.querySelectorAll(":scope > .tab")];
  const index = tabs.findIndex((tab) => key(tab) === wanted);
  if (index < 0) return;
  tabs.forEach((tab, i) => { tab.hidden = i !== index; });
  set.querySelectorAll(":scope > [role=tablist] > button").forEach((button, i) => {
    button.setAttribute("aria-selected", String(i === index));
    button.tabIndex = i === index ? 0 : -1;
    if (focus && i === index) button.focus();
  });
}
document.querySelectorAll(".tabs").forEach((set, n) => {
  const tabs = [...set.querySelectorAll(":scope > .tab")];
  const list = make("div", { role: "tablist", "aria-label": set.dataset.label });
  const id = tabs.map(key).join("|");
  const pick = (i, focus) => {
    document.querySelectorAll(".tabs").forEach((other) => select(other, key(tabs[i]), focus && other === set));
    remember(`tab:${id}`, key(tabs[i]));
  };
  tabs.forEach((tab, i) => {
    Object.assign(tab, { id: `tab-${n}-${i}` });
    tab.setAttribute("role", "tabpanel");
    tab.setAttribute("aria-label", tab.querySelector(".tab-title").textContent);
    const button = make("button", { type: "button", role: "tab", "aria-controls": tab.id }, tab.querySelector(".tab-title").textContent);
    button.addEventListener("click", () => pick(i, false));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const to = step ? (i + step + tabs.length) % tabs.length : { Home: 0, End: tabs.length - 1 }[event.key];
      if (to !== undefined) { event.preventDefault(); pick(to, true); }
    });
    list.append(button);
  });
  set.prepend(list);
  const chosen = tabs.find((tab) => "selected" in tab.dataset) ?? tabs[0];
  select(set, key(chosen));
  const last = recall(`tab:${id}`);
  if (last) select(set, last);
});

// Copying.
for (const listing of document.querySelectorAll(".listing")) {
  const button = make("button", { type: "button", class: "copy" }, strings.copy);
  const code = listing.querySelector("code");
  button.addEventListener("click", async () => {
    await copy(code.textContent);
    button.textContent = strings.copied;
    setTimeout(() => { button.textContent = strings.copy; }, 1500);
  });
  listing.append(button);
}
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // without https there is no clipboard
    const area = make("textarea", { class: "hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

// Python beside a cell, loaded when a reader asks for it and not before.
for (const link of document.querySelectorAll("a.run-here")) {
  link.setAttribute("role", "button");
  link.setAttribute("aria-expanded", "false");
  const toggle = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const listing = link.closest(".listing");
    const shown = listing.nextElementSibling?.matches("iframe.python");
    link.setAttribute("aria-expanded", String(!shown));
    if (shown) return listing.nextElementSibling.remove();
    const dark = getComputedStyle(document.documentElement).getPropertyValue("color-scheme").trim() === "dark" || (!document.documentElement.dataset.scheme && matchMedia("(prefers-color-scheme: dark)").matches);
    const frame = make("iframe", { class: "python", src: `${link.href}${dark ? "&theme=JupyterLab%20Dark" : ""}`, title: strings.python_here });
    listing.after(frame);
  };
  link.addEventListener("click", toggle);
  link.addEventListener("keydown", (event) => { if (event.key === " ") toggle(event); });
}

// Cards: what a word, a citation or a reference means, without leaving the line.
let card = null, owner = null, timer = null;
function cardContent(link) {
  if (link.dataset.card) return document.getElementById(`card-${link.dataset.card}`)?.content.cloneNode(true);
  const [path, anchor] = link.getAttribute("href").split("#");
  if (path || !anchor) return null;
  const target = document.getElementById(decodeURIComponent(anchor));
  if (!target) return null;
  const part = target.tagName === "DT" ? [target, target.nextElementSibling]
    : /^H[1-6]$/.test(target.tagName) ? [target, target.nextElementSibling] : [target];
  const copyOf = document.createDocumentFragment();
  for (const item of part.filter(Boolean)) {
    const tag = { DT: "strong", DD: "div", LI: "div" }[item.tagName];
    copyOf.append(tag ? make(tag, {}, ...item.cloneNode(true).childNodes) : item.cloneNode(true));
  }
  copyOf.querySelectorAll("[id]").forEach((item) => item.removeAttribute("id"));
  copyOf.querySelectorAll(".copy, .anchor, .run-here, script").forEach((item) => item.remove());
  return copyOf;
}
function openCard(link) {
  const content = cardContent(link);
  if (!content) return;
  closeCard();
  owner = link;
  card = make("div", { id: "card", role: "tooltip" });
  card.append(content);
  document.body.append(card);
  link.setAttribute("aria-describedby", "card");
  place();
  // A picture has its height only when it is there.
  for (const picture of card.querySelectorAll("img")) Object.assign(picture, { loading: "eager", onload: place });
  card.addEventListener("mouseenter", () => clearTimeout(timer));
  card.addEventListener("mouseleave", () => later(closeCard));
}
function place() {
  if (!card) return;
  const at = owner.getBoundingClientRect(), own = card.getBoundingClientRect();
  const below = at.bottom + own.height + 12 < innerHeight || at.top < own.height;
  card.style.left = `${scrollX + Math.max(12, Math.min(at.left, document.documentElement.clientWidth - own.width - 12))}px`;
  card.style.top = `${scrollY + (below ? at.bottom + 6 : at.top - own.height - 6)}px`;
}
function closeCard() {
  clearTimeout(timer);
  card?.remove();
  owner?.removeAttribute("aria-describedby");
  card = owner = null;
}
function later(action) {
  clearTimeout(timer);
  timer = setTimeout(action, 150);
}
// Where nobody can point, the first tap shows the card and the second follows the link.
let touched = false;
addEventListener("pointerdown", (event) => {
  touched = event.pointerType === "touch";
  if (touched && card && !event.target.closest("#card") && event.target.closest("a") !== owner) closeCard();
});
for (const link of document.querySelectorAll("main a.xref, main a.cite, main a.footnote")) {
  link.addEventListener("click", (event) => {
    if (!touched || owner === link) return;
    openCard(link);
    if (card) event.preventDefault();
  });
  link.addEventListener("mouseenter", () => { if (!touched) later(() => openCard(link)); });
  link.addEventListener("mouseleave", () => { if (!touched) later(closeCard); });
  link.addEventListener("focus", () => { if (link.matches(":focus-visible")) openCard(link); });
  link.addEventListener("blur", closeCard);
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeCard(); });

// Where the reader is, in outline and contents; all open on paper.
const spy = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    document.querySelectorAll(".outline a").forEach((a) => {
      if (a.getAttribute("href") === `#${target.id}`) a.setAttribute("aria-current", "true");
      else a.removeAttribute("aria-current");
    });
  }
}, { rootMargin: "-70px 0px -70% 0px" });
document.querySelectorAll("main h2[id], main h3[id]").forEach((heading) => spy.observe(heading));
const tree = document.querySelector(".toc details[open]");
tree?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach((item) => { item.open = true; }));
