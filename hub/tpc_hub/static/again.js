// Keeps a page up to date while work is under way, and leaves alone what somebody typed, chose, opened or marked.
(() => {
  const main = document.getElementById("main"), stale = document.getElementById("stale");
  const page = main.dataset.page || location.href.split("#")[0];
  let failures = 0, timer = 0;

  const isField = (e) => e.matches?.("input:not([type=hidden]), textarea, select");
  const isChanged = (e) =>
    e.tagName === "SELECT"
      ? e.selectedIndex !== Math.max(0, [...e.options].findIndex((each) => each.defaultSelected))
      : e.checked !== undefined && /checkbox|radio/.test(e.type) ? e.checked !== e.defaultChecked : e.value !== e.defaultValue;
  const isInUse = (e) =>
    e.nodeType === 1 &&
    (e.contains(document.activeElement) || e.matches("[data-stay]") || e.querySelector("[data-stay]") !== null ||
      [e, ...e.querySelectorAll("*")].some((each) => isField(each) && isChanged(each)));
  // A form belongs to the one thing it is about: what lies in it has ids, and these are what tells forms apart.
  const keyOf = (e) => (e.nodeType !== 1 ? "" : e.id || (e.tagName === "OPTION" ? e.value : e.querySelector("[id]")?.id || ""));
  const isSame = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

  function follow(old, fresh) {
    if (old.nodeType !== 1) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    const left = isField(old) ? ["open", "value", "checked", "selected"] : ["open", "selected"];
    for (const { name } of [...old.attributes])
      if (!fresh.hasAttribute(name) && !left.includes(name) && !("stay" in old.dataset)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes)
      if (!left.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    if ("keep" in old.dataset) addTo(old, fresh);
    else if (old.tagName !== "TEXTAREA") followChildren(old, fresh);
  }

  function followChildren(old, fresh) {
    const waiting = [...old.childNodes];
    let place = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      const index = waiting.findIndex((each) => isSame(each, wanted));
      if (index < 0) {
        old.insertBefore(wanted, place);
        continue;
      }
      const [found] = waiting.splice(index, 1);
      if (found.nodeType === 1 && found.contains(document.activeElement))
        // What is moved loses the focus, so the others make room.
        while (place !== found) {
          const next = place.nextSibling;
          old.insertBefore(place, found.nextSibling);
          place = next;
        }
      else if (found !== place) old.insertBefore(found, place);
      place = found.nextSibling;
      follow(found, wanted);
    }
    for (const gone of waiting) if (!isInUse(gone)) gone.remove();
  }

  // What was told stays until the page is left; how far work is, is told anew.
  function addTo(old, fresh) {
    const told = new Set([...old.children].map((each) => each.textContent));
    const still = new Set([...fresh.children].map((each) => each.textContent));
    for (const each of [...old.children]) if ("going" in each.dataset && !still.has(each.textContent)) each.remove();
    for (const each of [...fresh.children]) if (!told.has(each.textContent)) old.append(each);
  }

  async function look() {
    try {
      const answer = await fetch(page, { headers: { Accept: "text/html" }, redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect") {
        stale.textContent = "You were signed out, so this page is no longer up to date. What you typed is still here: sign in again in another tab.";
        return;
      }
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      followChildren(main, fresh);
      main.dataset.again = fresh.dataset.again || "";
      failures = 0;
      stale.textContent = "";
    } catch {
      failures += 1;
      if (failures > 2) stale.textContent = "The campus does not answer, so this page is no longer up to date. It tries again by itself.";
    }
    plan();
  }

  function plan() {
    clearTimeout(timer);
    const seconds = Number(main.dataset.again);
    if (seconds && !document.hidden) timer = setTimeout(look, 1000 * Math.min(60, seconds * 2 ** failures));
  }

  document.addEventListener("visibilitychange", plan);
  plan();
})();
