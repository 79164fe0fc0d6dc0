// Tells the server that its person works here, and shows what the campus says before it stops the server.

const FIRST_SECONDS = 2;
const SIGNS = ["keydown", "pointerdown", "wheel"];

export default async (lab) => {
  const { Notification } = await lab("@jupyterlab/apputils");
  const { ServerConnection } = await lab("@jupyterlab/services");
  const settings = ServerConnection.makeSettings();
  let here = true; // the person came, or did something, since it was last told
  let shown = "";

  async function ask(method) {
    const answer = await ServerConnection.makeRequest(`${settings.baseUrl}tpc-campus/presence`, { method }, settings);
    return answer.ok ? answer.json() : {};
  }

  function show({ notice, campus }) {
    const actions = [
      { label: "Keep it running", displayType: "accent", callback: () => void ask("POST").then(show) },
      { label: "What runs", caption: "Opens the campus", callback: () => void window.open(campus, "_blank") },
    ];
    const options = { autoClose: false, actions };
    if (!notice) {
      if (shown) Notification.dismiss(shown);
      shown = "";
    } else if (shown && Notification.has(shown)) {
      Notification.update({ id: shown, message: notice, ...options });
    } else {
      shown = Notification.warning(notice, options);
    }
  }

  async function watch() {
    let seconds = 60; // where nobody answers
    try {
      const method = here ? "POST" : "GET";
      here = false;
      const told = await ask(method);
      seconds = told.every ?? seconds;
      show(told);
    } catch (error) {
      console.warn("The server did not say how long it is kept.", error); // asked again
    }
    setTimeout(watch, seconds * 1000);
  }

  function activate() {
    for (const sign of SIGNS) document.addEventListener(sign, () => (here = true), { capture: true, passive: true });
    setTimeout(watch, FIRST_SECONDS * 1000);
  }
  return { id: "tpc-campus:presence", autoStart: true, activate };
};
