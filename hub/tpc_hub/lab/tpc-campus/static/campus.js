// An extension of JupyterLab, written as what a build would make of it: it needs nothing but Lab itself.
//
// Each module beside this one makes a plugin; it is handed `lab(name)`, which returns a module of Lab.
(() => {
  const here = document.currentScript.src;
  const modules = ["kernels", "tabs", "home", "presence", "handing-in", "phone"];
  let shared;

  /** Return a module that JupyterLab shares with its extensions; the only version there is. */
  async function lab(name) {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  }

  (window._JUPYTERLAB ??= {})["tpc-campus"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const made = modules.map(async (name) => (await import(new URL(`./${name}.js`, here))).default(lab));
      const plugins = await Promise.all(made);
      return () => ({ __esModule: true, default: plugins });
    },
  };
})();
