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

  /** Say in tabs which notebook is a lesson and which an exercise: their files share a name. */
  function nameTabs({ INotebookTracker }) {
    const kindOf = ({ context, model }) => {
      if (/^lessons\//.test(context.localPath)) return "lesson";
      return [...(model?.cells ?? [])].some((cell) => cell.getMetadata("nbgrader")) ? "exercise" : "";
    };
    // The name of a tab is that of its file: Lab renames the file when it changes. So the word is drawn beside it.
    const style = document.createElement("style");
    style.textContent = ".lm-TabBar-tab[data-campus='lesson'] .lm-TabBar-tabLabel::after { content: ' (lesson)'; }" +
      ".lm-TabBar-tab[data-campus='exercise'] .lm-TabBar-tabLabel::after { content: ' (exercise)'; }";
    const activate = (app, notebooks) => {
      document.head.append(style);
      notebooks.widgetAdded.connect(async (_, panel) => {
        await panel.context.ready;
        panel.title.dataset = { ...panel.title.dataset, campus: kindOf(panel) };
      });
    };
    return { id: "tpc-campus:tabs", autoStart: true, requires: [INotebookTracker], activate };
  }

  /** Lead from "Hub Control Panel" to the campus: the hub's first page does, for who is signed in. */
  function leadToCampus({ IPaths }) {
    const activate = (app, { urls }) => {
      app.restored.then(() => {
        const command = app.commands._commands?.get("hub:control-panel"); // the registry lets nobody replace one
        if (command) command.execute = () => void window.open(`${urls.hubHost ?? ""}${urls.hubPrefix}`, "_blank");
      });
    };
    return { id: "tpc-campus:home", autoStart: true, requires: [IPaths], activate };
  }

  (window._JUPYTERLAB ??= {})["tpc-campus"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const apputils = await lab("@jupyterlab/apputils");
      const plugin = { id: "tpc-campus:patience", autoStart: true, activate: () => waitForKernels(apputils) };
      const plugins = [
        plugin,
        nameTabs(await lab("@jupyterlab/notebook")),
        leadToCampus((await lab("@jupyterlab/application")).JupyterFrontEnd),
      ];
      return () => ({ __esModule: true, default: plugins });
    },
  };
})();
