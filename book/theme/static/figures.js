// Live figures without a kernel: each is an anywidget module with the state that the notebook saved.
{
  const data = JSON.parse(document.getElementById("models").textContent);
  const loaded = new Map();

  // A page on a disk may not import a file, but it may import what it holds already.
  function load(name) {
    if (!loaded.has(name)) {
      const source = data.modules[name];
      const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      loaded.set(name, import(address).catch(() => import(`data:text/javascript;charset=utf-8,${encodeURIComponent(source)}`)));
    }
    return loaded.get(name);
  }

  // What a figure may ask of its model: a small part of the widget protocol, all of it in this page.
  class Model extends EventTarget {
    constructor(state) {
      super();
      this.state = state;
      this.handlers = new Map();
    }
    get(key) { return this.state[key]; }
    set(key, value) {
      if (typeof key === "object") return Object.entries(key).forEach(([k, v]) => this.set(k, v));
      if (Object.is(this.state[key], value)) return;
      this.state[key] = value;
      this.emit(`change:${key}`);
      this.emit("change");
    }
    emit(event) { for (const handler of this.handlers.get(event) ?? []) handler(this); }
    on(events, handler) {
      for (const event of events.split(" ")) this.handlers.set(event, [...(this.handlers.get(event) ?? []), handler]);
    }
    off(events, handler) {
      for (const event of (events ?? [...this.handlers.keys()].join(" ")).split(" "))
        this.handlers.set(event, handler ? (this.handlers.get(event) ?? []).filter((h) => h !== handler) : []);
    }
    save_changes() { saveToAddress(this); }
    send() { /* nobody listens: there is no kernel */ }
  }

  function withBuffers(state, buffers) {
    for (const { path, data: text } of buffers ?? []) {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      let place = state;
      for (const key of path.slice(0, -1)) place = place[key];
      place[path.at(-1)] = new DataView(bytes.buffer);
    }
    return state;
  }

  // The setting of a figure is in the address, so that a teacher can link to it: ?figure-2=bands:20,rows:5
  const places = [...document.querySelectorAll(".figure-live")];
  const models = new Map();
  const simple = (value) => ["number", "string", "boolean"].includes(typeof value);

  function saveToAddress(model) {
    const address = new URL(location.href);
    const changed = Object.entries(model.state).filter(([key, value]) => simple(value) && value !== model.start[key]);
    const setting = changed.map(([key, value]) => `${key}:${encodeURIComponent(value)}`).join(",");
    if (setting) address.searchParams.set(model.parameter, setting);
    else address.searchParams.delete(model.parameter);
    try { history.replaceState(null, "", address); } catch { /* a page on a disk keeps its address */ }
  }

  function fromAddress(parameter, start) {
    const given = new URLSearchParams(location.search).get(parameter) ?? "";
    const state = {};
    for (const pair of given.split(",")) {
      const [key, text] = [pair.slice(0, pair.indexOf(":")), decodeURIComponent(pair.slice(pair.indexOf(":") + 1))];
      if (!Object.hasOwn(start, key) || !simple(start[key])) continue;
      const value = typeof start[key] === "number" ? Number(text) : typeof start[key] === "boolean" ? text === "true" : text;
      if (!Number.isNaN(value)) state[key] = value;
    }
    return state;
  }

  function modelOf(name, index) {
    if (!models.has(name)) {
      const { state, buffers } = data.models[name];
      const model = new Model(withBuffers(structuredClone(state), buffers));
      model.start = { ...state };
      model.parameter = `figure-${index + 1}`;
      Object.assign(model.state, fromAddress(model.parameter, state));
      models.set(name, model);
    }
    return models.get(name);
  }

  async function start(place, index) {
    const name = place.dataset.model;
    const { module, css } = data.models[name];
    const model = modelOf(name, index);
    let widget = (await load(module)).default;
    if (typeof widget === "function") widget = await widget();
    const el = document.createElement("div");
    if (css) place.append(Object.assign(document.createElement("style"), { textContent: css }));
    await widget.initialize?.({ model });
    await widget.render({ model, el });
    // Only now does the drawing without a script go, so that a figure that fails leaves it there.
    place.replaceChildren(...place.querySelectorAll(":scope > style"), el);
    place.classList.add("ready");
  }

  places.forEach((place, index) => {
    start(place, index).catch((error) => {
      place.classList.add("failed");
      console.warn("A figure stays as drawn:", error);
    });
  });
}
