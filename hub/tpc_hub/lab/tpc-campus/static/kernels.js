// A cell that runs while its notebook is still getting a kernel makes JupyterLab start a second one: the two
// starts get into each other's way, and Lab asks "Select Kernel", or the cell is lost. Here it waits.

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

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

export default async (lab) => {
  const apputils = await lab("@jupyterlab/apputils");
  return { id: "tpc-campus:patience", autoStart: true, activate: () => waitForKernels(apputils) };
};
