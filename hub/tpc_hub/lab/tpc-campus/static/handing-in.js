// *Submit* in nbgrader's list of assignments hands in what lies on disk and says nothing. Here what is open and
// not saved is saved first, nothing is handed in when that fails, and the campus's receipt is shown.

const ACTION = /\/assignments\/(submit|fetch|fetch_feedback)(\?|$)/;
const AREAS = ["main", "left", "right", "down", "header", "top", "bottom", "menu"];

export default async (lab) => {
  const { Dialog, showDialog } = await lab("@jupyterlab/apputils");
  const { ServerConnection } = await lab("@jupyterlab/services");
  const { IDocumentManager } = await lab("@jupyterlab/docmanager");
  const { Widget } = await lab("@lumino/widgets");

  /** Save every open document of a folder; returns a sentence for each that could not be saved. */
  async function save(app, documents, folder) {
    const contexts = new Set();
    for (const area of AREAS) {
      for (const widget of app.shell.widgets(area) ?? []) contexts.add(documents.contextForWidget(widget));
    }
    const faults = [];
    for (const context of contexts) {
      if (!context?.localPath.startsWith(`${folder}/`) || !context.model.dirty) continue;
      const reason = await context.save().then(
        () => "",
        (error) => (error?.name?.startsWith("Modal") ? "" : error?.message ?? ""),
      );
      if (context.model.dirty) faults.push(`${context.localPath} could not be saved${reason ? `: ${reason}` : "."}`);
    }
    return faults;
  }

  /** Show sentences of the campus, the first as the title; `link` leads to the page on the campus. */
  function tell({ title, lines, link, label }) {
    const node = document.createElement("div");
    node.className = "tpc-campus-told";
    for (const line of lines) {
      node.appendChild(document.createElement("p")).textContent = line;
    }
    if (link) {
      const anchor = node.appendChild(document.createElement("p")).appendChild(document.createElement("a"));
      Object.assign(anchor, { href: link, target: "_blank", rel: "noopener", textContent: label });
      anchor.style.textDecoration = "underline";
    }
    return showDialog({ title, body: new Widget({ node }), buttons: [Dialog.okButton()] });
  }

  function activate(app, documents) {
    const ask = ServerConnection.makeRequest;
    ServerConnection.makeRequest = async (url, init, settings) => {
      const action = init?.method === "POST" && ACTION.exec(url)?.[1];
      if (!action) return ask(url, init, settings);
      if (action === "submit") {
        const { course_id: course, assignment_id: exercise } = JSON.parse(init.body);
        const faults = await save(app, documents, `${course}/${exercise}`);
        if (faults.length) {
          const value = [...faults, "Nothing was handed in. Save the file, then submit again."].join("\n");
          return new Response(JSON.stringify({ success: false, value }));
        }
      }
      const answer = await ask(url, init, settings);
      const { told } = await answer.clone().json().catch(() => ({}));
      if (told) void tell(told);
      return answer;
    };
  }
  return { id: "tpc-campus:handing-in", autoStart: true, requires: [IDocumentManager], activate };
};
