export default {
  render({ model, el }) {
    const table = document.createElement("table");
    const count = document.createElement("td");
    const button = document.createElement("button");
    const show = () => { count.textContent = String(model.get("count")); };
    button.textContent = "Add one";
    button.setAttribute("class", "button");
    button.addEventListener("click", () => { model.set("count", model.get("count") + 1); model.save_changes(); });
    model.on("change:count", show);
    show();
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.textContent = "Count";
    row.append(head, count);
    table.append(row);
    el.append(table, button);
  },
};
