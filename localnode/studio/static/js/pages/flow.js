// The flow: every pipe with its state and count, as a graph or a list, with one pipe in words beside it.

import { get } from "../core/api.js";
import { at, fill, h, refill } from "../core/dom.js";
import { plural, short } from "../core/format.js";
import { live } from "../core/live.js";
import { start } from "../core/shell.js";
import { draw } from "../flow/draw.js";
import { isBeside } from "../flow/layout.js";
import { zoomable } from "../flow/zoom.js";
import { parameter, pipePage, remember } from "../parts/links.js";
import { pipeCard } from "../parts/pipe_card.js";
import { badge, trouble } from "../parts/state.js";
import { segmented } from "../parts/segmented.js";

const GROUPS = [["concept", "Concept"], ["system", "System"], ["stage", "Stage"]];
const wide = matchMedia("(min-width: 52rem)");
const state = {
  as: parameter("as") ?? (wide.matches ? "graph" : "list"),
  groupBy: GROUPS.some(([name]) => name === parameter("group")) ? parameter("group") : "concept",
  hops: parameter("hops") === "yes",
  text: parameter("q") ?? "",
  chosen: parameter("pipe"),
};
let pipes = [];
let drawn = "";
let drawing = null;

const frame = zoomable("The flow: pipes and what they read");
const panel = h("aside", { class: "card panel", "aria-label": "Chosen pipe", hidden: true });
const list = h("div", { class: "pipelist" });
const page = h("div", { class: "flowpage" }, h("div", {}, frame.element, list), panel);
const summary = h("span", { class: "hint" });
const refresh = { now: () => {} };

function shown() {
  const text = state.text.trim().toLowerCase();
  if (!text) return pipes;
  if (text === "trouble") return pipes.filter(trouble);
  return pipes.filter((pipe) => pipe.id.toLowerCase().includes(text) || pipe.state.includes(text));
}

function show() {
  const visible = shown();
  const asGraph = state.as === "graph" && visible.length > 0;
  frame.element.hidden = !asGraph;
  list.hidden = asGraph;
  if (asGraph) showGraph(visible);
  else showList(visible);
  const loud = pipes.filter((pipe) => trouble(pipe) === "bad").length;
  fill(summary, `${plural(pipes.length, "pipe")}${loud ? `, ${loud} with errors` : ""}`);
  showPanel();
}

function showGraph(visible) {
  const shape = JSON.stringify([state.groupBy, state.hops, visible.map((pipe) => [pipe.id, pipe.reads, pipe.hops, pipe.concept])]);
  if (shape === drawn) return drawing.update(visible);
  drawn = shape;
  drawing = draw(visible, { groupBy: state.groupBy, hops: state.hops, choose });
  frame.show(drawing);
  drawing.mark(state.chosen);
  return undefined;
}

function showList(visible) {
  const inner = visible.filter((pipe) => !isBeside(pipe));
  const groups = Map.groupBy([...inner, ...visible.filter(isBeside)], (pipe) => pipe[state.groupBy] || "other");
  const cards = [...groups].map(([name, members]) => h("section", {}, h("h2", {}, name), h("div", { class: "cards" }, members.map((pipe) =>
    h("a", { href: pipePage(pipe.id) }, h("b", {}, pipe.id),
      h("span", { class: "row" }, badge(pipe.state), pipe.dataset ? plural(pipe.live, "entity", "entities") : pipe.sink))))));
  refill(list, cards.length ? cards : pipes.length ? h("p", { class: "card empty" }, `No pipe is called “${state.text}”.`)
    : h("div", { class: "card empty" }, h("strong", {}, "This node has no pipes yet"), "Upload a configuration, for example with “make upload”."));
}

function choose(id) {
  state.chosen = state.chosen === id ? null : id;
  remember({ pipe: state.chosen });
  drawing?.mark(state.chosen);
  showPanel();
  if (!panel.hidden && !wide.matches) panel.scrollIntoView({ block: "nearest" });
}

function showPanel() {
  const pipe = pipes.find((each) => each.id === state.chosen);
  panel.hidden = !pipe;
  page.classList.toggle("open", !panel.hidden);
  if (panel.hidden) return;
  refill(panel, h("div", { class: "head" }, h("h2", {}, h("a", { href: pipePage(pipe.id) }, pipe.id)),
    h("button", { type: "button", class: "quiet small", onclick: () => choose(pipe.id) }, "Close")), pipeCard(pipe, () => refresh.now()));
}

function controls() {
  const set = (name) => (value) => {
    state[name] = value;
    remember({ as: state.as, group: state.groupBy, hops: state.hops ? "yes" : null, q: state.text });
    show();
  };
  const hops = h("input", { type: "checkbox", checked: state.hops, onchange: (event) => set("hops")(event.target.checked) });
  return h("div", { class: "bar" },
    segmented("View", [["graph", "Graph"], ["list", "List"]], state.as, set("as")),
    h("span", { class: "together" }, h("span", { class: "hint" }, "by"), segmented("Group by", GROUPS, state.groupBy, set("groupBy"))),
    h("label", {}, hops, "show look-ups"),
    h("span", { class: "fill" }, h("input", { type: "search", placeholder: "Filter: a name, a state or trouble", "aria-label": "Filter pipes", value: state.text, oninput: (event) => set("text")(event.target.value) })),
    summary);
}

start();
fill(at("view"), controls(), page);
refresh.now = live(async () => {
  ({ pipes } = await get("/studio/data/flow"));
  const entities = pipes.reduce((sum, pipe) => sum + pipe.live, 0);
  show();
  summary.append(`, ${short(entities)} entities`);
}, 2);
