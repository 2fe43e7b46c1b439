// Where each pipe of the flow stands. dagre puts pipes into columns and orders them so that few lines cross;
// the columns are then cut into bands, one for each group.

import dagreModule from "../../vendor/dagre-3.1.3/dagre.esm.js";

const dagre = dagreModule.default ?? dagreModule;
export const NODE = { width: 190, height: 58 };
const GAP = { x: 24, y: 14, band: 34, pad: 16 };
const PER_ROW = 6;

/** Lines of the flow: [{ from, to, kind: "read" | "hop" }] between pipes. */
export function lines(pipes, withHops) {
  const writer = new Map(pipes.filter((pipe) => pipe.dataset).map((pipe) => [pipe.dataset, pipe.id]));
  const found = [];
  for (const pipe of pipes) {
    for (const name of pipe.reads) if (writer.has(name)) found.push({ from: writer.get(name), to: pipe.id, kind: "read" });
    if (!withHops) continue;
    for (const name of pipe.hops) {
      if (writer.has(name) && writer.get(name) !== pipe.id && !pipe.reads.includes(name)) found.push({ from: writer.get(name), to: pipe.id, kind: "hop" });
    }
  }
  return found;
}

/** `{ nodes: Map id → {x, y}, bands: [{title, x, y, width, height}], heads: [{title, x}], width, height, vertical }`. */
export function place(pipes, groupBy) {
  const ranked = rank(pipes);
  return groupBy === "stage" ? rows(pipes, ranked) : columns(pipes, ranked, (pipe) => pipe[groupBy] || (pipe.stage === "global" ? "golden records" : "other"));
}

/** What stands beside the flow: pipes that read from everywhere, or belong to nothing. */
export const isBeside = (pipe) => pipe.stage === "endpoint" || pipe.concept === "other";

function rank(pipes) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP.y, ranksep: GAP.x });
  graph.setDefaultEdgeLabel(() => ({}));
  const inner = pipes.filter((pipe) => !isBeside(pipe));
  for (const pipe of inner) graph.setNode(pipe.id, { ...NODE });
  for (const line of lines(inner, false)) graph.setEdge(line.from, line.to);
  dagre.layout(graph);
  const xs = [...new Set(inner.map((pipe) => Math.round(graph.node(pipe.id).x)))].sort((a, b) => a - b);
  const result = new Map(inner.map((pipe) => {
    const { x, y } = graph.node(pipe.id);
    return [pipe.id, { column: xs.indexOf(Math.round(x)), order: y }];
  }));
  const outer = pipes.filter(isBeside);
  outer.forEach((pipe, n) => result.set(pipe.id, { column: n % Math.max(1, xs.length), order: 1e9 + n }));
  return result;
}

function groups(pipes, ranked, key) {
  const found = new Map();
  for (const pipe of pipes) {
    const name = isBeside(pipe) ? "endpoints and others" : key(pipe);
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(pipe);
  }
  const middle = (members) => members.reduce((sum, pipe) => sum + ranked.get(pipe.id).order, 0) / members.length;
  // What is about no datatype, such as a receiver of webhooks, comes after the records.
  const last = (members) => Number(!members.some((pipe) => pipe.datatype));
  return [...found].sort(([, one], [, other]) => last(one) - last(other) || middle(one) - middle(other));
}

function columns(pipes, ranked, key) {
  const nodes = new Map();
  const bands = [];
  const count = 1 + Math.max(0, ...[...ranked.values()].map((place) => place.column));
  const width = GAP.pad * 2 + count * NODE.width + (count - 1) * GAP.x;
  let top = GAP.band;
  for (const [name, members] of groups(pipes, ranked, key)) {
    const stacks = new Map();
    for (const pipe of members) {
      const { column } = ranked.get(pipe.id);
      stacks.set(column, [...(stacks.get(column) ?? []), pipe]);
    }
    const tallest = Math.max(...[...stacks.values()].map((stack) => stack.length));
    const inner = tallest * NODE.height + (tallest - 1) * GAP.y;
    const height = inner + GAP.pad * 2 + 20;
    for (const [column, stack] of stacks) {
      stack.sort((one, other) => ranked.get(one.id).order - ranked.get(other.id).order);
      const taken = stack.length * NODE.height + (stack.length - 1) * GAP.y;
      stack.forEach((pipe, n) => nodes.set(pipe.id, {
        x: GAP.pad + column * (NODE.width + GAP.x),
        y: top + GAP.pad + 20 + (inner - taken) / 2 + n * (NODE.height + GAP.y),
      }));
    }
    bands.push({ title: name, x: 0, y: top, width, height });
    top += height + GAP.y;
  }
  return { nodes, bands, heads: heads(pipes, ranked, count), width, height: top, vertical: false };
}

/** The stage that most pipes of a column have. */
function heads(pipes, ranked, count) {
  return Array.from({ length: count }, (_, column) => {
    const tally = new Map();
    for (const pipe of pipes) if (ranked.get(pipe.id).column === column && pipe.stage && !isBeside(pipe)) tally.set(pipe.stage, (tally.get(pipe.stage) ?? 0) + 1);
    const [best] = [...tally].sort(([, one], [, other]) => other - one);
    return { title: best?.[0] ?? "", x: GAP.pad + column * (NODE.width + GAP.x) };
  });
}

function rows(pipes, ranked) {
  const nodes = new Map();
  const bands = [];
  const stages = ["all", "event", "loaded", "deletes", "collect", "enrich", "global", "transform", "share"];
  const rowOf = (pipe) => (stages.includes(pipe.stage) ? stages.indexOf(pipe.stage) : stages.length);
  const width = GAP.pad * 2 + PER_ROW * NODE.width + (PER_ROW - 1) * 20;
  let top = 0;
  const found = new Map();
  for (const pipe of pipes) {
    const name = pipe.stage || "other";
    found.set(name, [...(found.get(name) ?? []), pipe]);
  }
  for (const [name, members] of [...found].sort(([, [one]], [, [other]]) => rowOf(one) - rowOf(other))) {
    members.sort((one, other) => ranked.get(one.id).order - ranked.get(other.id).order);
    const height = Math.ceil(members.length / PER_ROW) * (NODE.height + GAP.y) + GAP.pad + 20;
    members.forEach((pipe, n) => nodes.set(pipe.id, {
      x: GAP.pad + (n % PER_ROW) * (NODE.width + 20),
      y: top + GAP.pad + 20 + Math.floor(n / PER_ROW) * (NODE.height + GAP.y),
    }));
    bands.push({ title: name, x: 0, y: top, width, height });
    top += height + 26;
  }
  return { nodes, bands, heads: [], width, height: top, vertical: true };
}
