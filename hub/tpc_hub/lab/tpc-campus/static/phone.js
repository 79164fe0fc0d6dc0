// On a narrow screen the notebook gets the room: JupyterLab opens with its file browser over most of it.

const NARROW = "(max-width: 760px)";

export default async () => ({
  id: "tpc-campus:phone",
  autoStart: true,
  activate: (app) => {
    const narrow = window.matchMedia(NARROW);
    const makeRoom = () => {
      if (!narrow.matches) return;
      app.shell.collapseLeft?.();
      app.shell.collapseRight?.();
    };
    void app.restored.then(makeRoom);
    narrow.addEventListener("change", makeRoom);
  },
});
