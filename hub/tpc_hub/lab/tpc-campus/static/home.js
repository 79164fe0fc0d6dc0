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

export default async (lab) => leadToCampus((await lab("@jupyterlab/application")).JupyterFrontEnd);
