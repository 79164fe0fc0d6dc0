// An extension of JupyterLab, written as what a build would make of it: it needs nothing but Lab itself.
//
// A cell that runs while its notebook is still getting a kernel makes JupyterLab start a second one: the two
// starts get into each other's way, and Lab asks "Select Kernel", or the cell is lost. Here it waits.
(() => {
  let shared;
  const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  /** Return a module that JupyterLab shares with its extensions; the only version there is. */
  async function lab(name) {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  }

  function waitForKernels({ SessionContext }) {
    const sessions = SessionContext.prototype;
    const { startKernel, _startIfNecessary: startFirst } = sessions;
    let starting = null; // whose own first start is calling

    sessions._startIfNecessary = async function () {
      await this.specsManager.ready; // without the list of kernels, Lab would ask for one
      starting = this;
      try {
        return startFirst.call(this);
      } finally {
        starting = null;
      }
    };
    // Who finds a notebook without a kernel, such as a cell that runs, waits for the first start. Lab shows a
    // notebook a moment before it begins with that.
    sessions.startKernel = async function () {
      for (let tries = 0; tries < 50 && !this._initializing; tries++) await sleep(100);
      if (starting !== this && this._initializing) {
        await this.initialize(); // what is under way, not another one
        if (this.session?.kernel) return false;
      }
      return startKernel.call(this);
    };
    // Lab takes a kernel that is only asked for as one that is there, and sends it the cell.
    Object.defineProperty(sessions, "hasNoKernel", {
      get() {
        return !this.session?.kernel;
      },
    });
  }

  (window._JUPYTERLAB ??= {})["tpc-campus"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const apputils = await lab("@jupyterlab/apputils");
      const plugin = { id: "tpc-campus:patience", autoStart: true, activate: () => waitForKernels(apputils) };
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
