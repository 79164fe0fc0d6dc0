// What Mermaid says by colour alone, said by letters and borders too.
import { resolve } from "./npm.mjs";
import { declared } from "./styles.mjs";

// Which slice is which, said beside its colour too; Mermaid leaves out the smallest and keeps their order.
export function lettered(svg) {
  const slices = [...svg.querySelectorAll(".pieCircle")], signs = [...svg.querySelectorAll("text.slice")], rows = [...svg.querySelectorAll(".legend")];
  if (!slices.length) return;
  const fills = rows.map((row) => resolve(declared(row.querySelector("rect").getAttribute("style")).fill));
  let at = -1;
  slices.forEach((slice, index) => {
    at = fills.indexOf(resolve(slice.getAttribute("fill")), at + 1);
    if (at < 0) return;
    const letter = String.fromCodePoint(65 + (at % 26)), text = rows[at].querySelector("text");
    text.textContent = `${letter}  ${text.textContent} ${signs[index].textContent}`;
    signs[index].textContent = letter;
  });
  const [left, top, width, height] = svg.getAttribute("viewBox").split(" ");
  svg.setAttribute("viewBox", [left, top, Number(width) + 80, height].join(" "));
}

// What is done, under way or urgent in a plan, said by its border beside the colour.
export function bordered(svg) {
  const signs = { done: "stroke-dasharray:2 3", active: "stroke-dasharray:8 3", crit: "stroke-width:4px" };
  for (const [name, style] of Object.entries(signs))
    for (const task of svg.querySelectorAll(`rect.task[class*=" ${name}"]`)) task.setAttribute("style", style);
}
