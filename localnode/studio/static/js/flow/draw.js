// The flow as SVG: bands, lines, and a link for every pipe, which are redrawn only when the pipes change.

import { s } from "../core/dom.js";
import { short } from "../core/format.js";
import { pipePage } from "../parts/links.js";
import { systemName } from "../parts/record_link.js";
import { glyph, STATES, trouble } from "../parts/state.js";
import { isBeside, lines, NODE, place } from "./layout.js";

const ROOM = 20;

/** Draw `pipes`; `choose(id)` is called for a plain click. Returns { element, width, height, update(pipes), mark(id) }. */
export function draw(pipes, { groupBy, hops, choose }) {
  const plan = place(pipes, groupBy);
  const heads = new Map(plan.heads.map((head) => [head.x, head.title]));
  const nodes = new Map(pipes.map((pipe) => {
    const here = plan.nodes.get(pipe.id);
    return [pipe.id, node(pipe, here, heads.get(here.x) ?? pipe.stage, choose)];
  }));
  const ends = new Set(pipes.filter(isBeside).map((pipe) => pipe.id));
  const drawn = lines(pipes, hops).map((line) => ({ ...line, quiet: ends.has(line.to), element: path(line, plan, ends.has(line.to)) }));
  const root = s("g", {},
    plan.bands.map((band) => [
      s("rect", { class: "band", x: band.x, y: band.y, width: band.width, height: band.height, rx: 14 }),
      s("text", { class: "band-title", x: band.x + 16, y: band.y + 23 }, band.title),
    ]),
    plan.heads.map((head) => s("text", { class: "stage", x: head.x, y: 20 }, head.title)),
    s("g", {}, drawn.map((line) => line.element)),
    s("g", {}, [...nodes.values()].map((each) => each.element)));
  const update = (fresh) => {
    for (const pipe of fresh) nodes.get(pipe.id)?.update(pipe);
    const running = new Set(fresh.filter((pipe) => pipe.state === "running").map((pipe) => pipe.id));
    for (const line of drawn) line.element.classList.toggle("moving", running.has(line.to));
  };
  const mark = (id) => {
    for (const [name, each] of nodes) each.element.classList.toggle("chosen", name === id);
    for (const line of drawn) line.element.classList.toggle("touched", line.to === id || (line.from === id && !line.quiet));
  };
  for (const [id, each] of nodes) each.element.addEventListener("keydown", (event) => walk(event, id, plan, nodes, drawn));
  update(pipes);
  return { element: root, width: plan.width + ROOM, height: plan.height, update, mark };
}

function node(pipe, at, head, choose) {
  const icon = glyph(pipe.state);
  const bar = s("rect", { class: "state", x: 0, y: 0, width: 28, height: NODE.height, rx: 9 });
  const name = s("text", { class: "name", x: 34, y: 25 }, label(pipe));
  const figure = s("text", { class: "figure", x: 34, y: 46 });
  const hint = s("title");
  const element = s("a", { class: "node", href: pipePage(pipe.id), transform: `translate(${at.x} ${at.y})`,
    onclick: (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      choose(pipe.id);
    } },
  hint, s("rect", { class: "box", width: NODE.width, height: NODE.height, rx: 9 }), bar,
  s("g", { class: "icon", transform: "translate(8 23)" }, icon), name, figure);
  const update = (now) => {
    const { label: word, kind, path: shape } = STATES[now.state];
    icon.setAttribute("d", shape);
    const loud = trouble(now);
    element.setAttribute("class", `node ${loud || kind}${element.classList.contains("chosen") ? " chosen" : ""}`);
    figure.textContent = figures(now, head);
    const text = `${now.id}: ${word}. ${now.live} entities${now.reason ? `. ${now.reason}` : ""}`;
    element.setAttribute("aria-label", text);
    hint.textContent = text;
  };
  return { element, update };
}

const TEXT = NODE.width - 40;
const pen = document.createElement("canvas").getContext("2d");

/** As much of a text as fits into a node. */
function cut(text, font) {
  pen.font = `${font} ${getComputedStyle(document.documentElement).getPropertyValue("--sans")}`;
  if (pen.measureText(text).width <= TEXT) return text;
  let length = text.length;
  while (length > 1 && pen.measureText(`${text.slice(0, length)}…`).width > TEXT) length -= 1;
  return `${text.slice(0, length)}…`;
}

/** What a card is called: its datatype, else what its name says beyond its band's or its system's. */
function name(pipe) {
  const before = [pipe.concept, pipe.system].find((each) => each && pipe.id.startsWith(`${each}-`));
  return pipe.datatype || (before ? pipe.id.slice(before.length + 1) : pipe.id);
}

const label = (pipe) => cut(name(pipe).replaceAll("_", " "), "600 16px");

/** System, or the stage where the head of the column does not say it, and what there is. */
function figures(pipe, head) {
  const odd = pipe.stage !== head && pipe.stage !== "endpoint";
  const busy = pipe.dead_letters || pipe.retries || pipe.backlog;
  const parts = [odd ? pipe.stage : busy ? "" : systemName(pipe.system) || (pipe.stage === "global" ? "golden" : "")];
  if (pipe.dataset) parts.push(short(pipe.live));
  if (pipe.dead_letters) parts.push(`${short(pipe.dead_letters)} dead`);
  else if (pipe.retries) parts.push(`${short(pipe.retries)} retry`);
  else if (pipe.backlog) parts.push(`${short(pipe.backlog)} waiting`);
  return cut(parts.filter(Boolean).join(" · "), "16px");
}

function path(line, plan, quiet) {
  const from = plan.nodes.get(line.from);
  const to = plan.nodes.get(line.to);
  const start = plan.vertical ? [from.x + NODE.width / 2, from.y + NODE.height] : [from.x + NODE.width, from.y + NODE.height / 2];
  const end = plan.vertical ? [to.x + NODE.width / 2, to.y] : [to.x, to.y + NODE.height / 2];
  const bend = Math.max(22, Math.abs(plan.vertical ? end[1] - start[1] : end[0] - start[0]) / 2);
  const [one, other] = plan.vertical
    ? [[start[0], start[1] + bend], [end[0], end[1] - bend]]
    : [[start[0] + bend, start[1]], [end[0] - bend, end[1]]];
  return s("path", { class: `line ${line.kind}${quiet ? " quiet" : ""}`, d: `M${start} C${one} ${other} ${end}` });
}

/** Arrow keys go to the nearest pipe in that direction; left and right follow the lines where there are any. */
function walk(event, id, plan, nodes, drawn) {
  const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
  if (!step) return;
  event.preventDefault();
  const linked = new Set(drawn.flatMap((line) => (line.quiet ? [] : line.from === id ? [line.to] : line.to === id ? [line.from] : [])));
  const next = nearest(id, step, plan, (name) => step[0] !== 0 && linked.has(name)) ?? nearest(id, step, plan, () => true);
  nodes.get(next)?.element.focus();
}

function nearest(id, step, plan, fits) {
  const here = plan.nodes.get(id);
  let best = null;
  let shortest = Infinity;
  for (const [name, there] of plan.nodes) {
    const along = (there.x - here.x) * step[0] + (there.y - here.y) * step[1];
    const aside = Math.abs((there.x - here.x) * step[1]) + Math.abs((there.y - here.y) * step[0]);
    if (fits(name) && along > 1 && along + aside * 2 < shortest) [best, shortest] = [name, along + aside * 2];
  }
  return best;
}
