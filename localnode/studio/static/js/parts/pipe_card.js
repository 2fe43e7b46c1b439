// One pipe in words: beside the flow, and on top of the pipe's own page.

import { h } from "../core/dom.js";
import { ago, due, duration, number, plural, stamp } from "../core/format.js";
import { datasetLink, pipeLink } from "./links.js";
import { pumpButtons } from "./pump.js";
import { badge } from "./state.js";

/** State, figures and buttons of a pipe card. */
export function pipeCard(pipe, after) {
  return [
    h("p", { class: "bar" }, badge(pipe.state), pipe.retries > 0 && h("span", { class: "pill warn" }, `${number(pipe.retries)} to retry`),
      pipe.dead_letters > 0 && h("a", { class: "pill bad", href: "/studio/dead-letters" }, plural(pipe.dead_letters, "dead letter")),
      pipe.breaker && h("span", { class: "pill bad" }, "circuit breaker tripped")),
    pipe.reason && h("p", { class: `notice ${pipe.state === "waiting" ? "warn" : "bad"}` }, pipe.reason),
    pipe.breaker && h("p", { class: "notice bad" }, pipe.breaker),
    pipe.comment && h("p", { class: "hint" }, pipe.comment),
    facts(pipe),
    pumpButtons(pipe, after),
  ];
}

function facts(pipe) {
  const rows = [
    ["Reads", pipe.from ? `system ${pipe.from}` : list(pipe.reads) ?? (pipe.source || "–")],
    ["Looks up", list(pipe.hops)],
    ["Writes", pipe.dataset ? [datasetLink(pipe.dataset), `, ${plural(pipe.live, "entity", "entities")}`] : pipe.sink],
    ["Calls", pipe.to && `system ${pipe.to}`],
    ["Deleted", pipe.deleted > 0 && plural(pipe.deleted, "entity", "entities")],
    ["Still to read", pipe.backlog > 0 && plural(pipe.backlog, "version")],
    ["Last run", pipe.last_run && h("span", { title: stamp(pipe.last_run) }, `${ago(pipe.last_run)}, took ${duration(pipe.seconds)}, ${plural(pipe.changes, "change")}`)],
    ["Next run", pipe.next_run && due(pipe.next_run)],
  ];
  return h("dl", { class: "pairs" }, rows.filter(([, content]) => content).map(([name, content]) => [h("dt", {}, name), h("dd", {}, content)]));
}

function list(datasets) {
  return datasets.length ? datasets.map((id, n) => [n > 0 && ", ", datasetLink(id)]) : null;
}

/** Pipe ids as links. */
export const pipeList = (ids) => (ids.length ? ids.map((id, n) => [n > 0 && ", ", pipeLink(id)]) : "–");
