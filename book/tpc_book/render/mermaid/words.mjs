// What a diagram says, for those who do not see it.
import { JSDOM } from "./npm.mjs";

// Its own words, else who leads to whom, else all that stands in it.
export function words(diagram, svg) {
  const own = [svg.querySelector("title"), svg.querySelector("desc")].map((each) => each?.textContent.trim()).filter(Boolean);
  svg.querySelectorAll("title, desc").forEach((each) => each.remove());
  if (own.length) return own.join(". ");
  const steps = led(diagram);
  const all = [...svg.querySelectorAll("text")].map((each) => [...each.querySelectorAll(":scope > tspan")].map((line) => line.textContent).join(" ") || each.textContent);
  const plain = (text) => new JSDOM(text.replace(/<[^>]*>/g, " ")).window.document.body.textContent.replace(/\s+/g, " ").trim();
  return (steps.length ? steps : all).map(plain).filter(Boolean).join(". ");
}

function led({ db, type }) {
  const step = (from, to, label) => `${from} to ${to}${label ? ` (${label})` : ""}`;
  if (type.startsWith("flowchart")) {
    const boxes = db.getVertices(), called = (name) => db.getSubGraphs().find((each) => each.id === name)?.title || boxes.get(name)?.text || name;
    return db.getEdges().map((edge) => step(called(edge.start), called(edge.end), edge.text));
  }
  if (type === "sequence") {
    const people = db.getActors(), called = (name) => people.get(name)?.description || name;
    return db.getMessages().filter((each) => typeof each.message === "string" && each.message)
      .map((each) => (each.from && each.to && each.from !== each.to ? `${called(each.from)} to ${called(each.to)}: ${each.message}` : each.message));
  }
  if (type.startsWith("class")) return db.getRelations().map((each) => step(each.id1, each.id2, each.title));
  if (type === "er") {
    const called = (id) => [...db.getEntities()].find(([, each]) => each.id === id)?.[0] || id;
    return db.getRelationships().map((each) => step(called(each.entityA), called(each.entityB), each.roleA));
  }
  if (type === "pie") {
    const parts = [...db.getSections()], all = parts.reduce((sum, [, value]) => sum + value, 0);
    return [db.getDiagramTitle(), ...parts.map(([label, value]) => `${label} ${((value / all) * 100).toFixed(0)}%`)];
  }
  return [];
}
