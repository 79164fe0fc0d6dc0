// Colours of diagrams: those of the book, for both schemes; an author's own get one for the dark page.
import { resolve } from "./npm.mjs";

// Of each token, the colour on a light page and the one on a dark page.
const TOKENS = JSON.parse(process.argv[3]);
const DARK = new Map(Object.values(TOKENS).reverse());
const [paper, panel, ink, quiet, line, accent] = ["paper", "panel", "ink", "quiet", "line", "accent"].map((name) => TOKENS[name][0]);
// Hues that are told apart in both; what they mean is said in words as well.
const HUES = ["scaling", "data", "evaluation", "good", "bad", "quiet"].map((name) => TOKENS[name][0]);
const series = (name, first, colours = HUES) => Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`${name}${index + first}`, colours[index % colours.length]]));
export const THEME = {
  background: paper, primaryColor: panel, primaryTextColor: ink, primaryBorderColor: accent, secondaryColor: panel, secondaryTextColor: ink,
  secondaryBorderColor: quiet, tertiaryColor: panel, tertiaryTextColor: ink, tertiaryBorderColor: quiet, lineColor: quiet, textColor: ink,
  noteBkgColor: panel, noteTextColor: ink, noteBorderColor: quiet, edgeLabelBackground: paper, clusterBkg: paper, clusterBorder: quiet,
  errorTextColor: TOKENS.bad[0], fontSize: "15px", sequenceNumberColor: paper, gridColor: line, taskBkgColor: panel, taskBorderColor: accent, taskTextColor: ink,
  taskTextDarkColor: ink, taskTextOutsideColor: ink, activeTaskBkgColor: panel, activeTaskBorderColor: accent, doneTaskBkgColor: panel, doneTaskBorderColor: quiet,
  critBkgColor: panel, critBorderColor: TOKENS.bad[0], quadrantPointFill: accent, quadrantPointTextFill: ink,
  ...series("pie", 1), pieSectionTextColor: paper, pieStrokeColor: paper, pieOuterStrokeColor: paper, pieOpacity: "1", pieLegendTextColor: ink, pieTitleTextColor: ink,
  ...series("cScale", 0), ...series("cScaleLabel", 0, [paper]), ...series("git", 0), ...series("gitBranchLabel", 0, [paper]),
  xyChart: { plotColorPalette: HUES.join() },
};
export const COLOURS = ["fill", "stroke", "color", "stop-color"];

// A colour is readable on the dark page too: a token's is known, another is as light there as it is dark here.
export function told(name, value) {
  if (!COLOURS.includes(name)) return `${name}:${value}`;
  if (name === "color") return "";
  if (/^(none|inherit|currentcolor|context-\w+|url\(.*)$/i.test(value)) return `${name}:${value}`;
  const [red, green, blue, alpha = 1] = (resolve(value).match(/[\d.]+/g) || []).map(Number);
  if (!alpha || blue === undefined) return /^transparent$|[(#]/.test(value) ? `${name}:none` : "";
  const write = (...parts) => `#${parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
  const hex = write(red, green, blue), seen = alpha < 1 ? [alpha * 255] : [];
  const least = Math.min(red, green, blue), shift = 255 - Math.max(red, green, blue) - least;
  const other = [red, green, blue].map((part) => Math.min(255, Math.max(0, Math.round((part + shift) * 0.92 + 20))));
  const pair = alpha === 1 && DARK.has(hex) ? [hex, DARK.get(hex)] : [write(red, green, blue, ...seen), write(...other, ...seen)];
  return `${name}:${alpha < 1 ? value : hex};${name}:light-dark(${pair.join(", ")})`;
}
