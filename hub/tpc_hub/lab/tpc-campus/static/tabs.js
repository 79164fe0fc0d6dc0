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

export default async (lab) => nameTabs(await lab("@jupyterlab/notebook"));
