// The list of runs.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { ago, duration, number, stamp } from "../core/format.js";
import { pipeLink } from "./links.js";
import { nothing, pagedTable } from "./table.js";

const OUTCOMES = { worked: "ok", failed: "bad", stopped: "off" };

/** Runs of one `pipe` or all, newest first. `filter()` → further parameters. */
export function runTable({ pipe = null, filter = () => ({}) } = {}) {
  const columns = [
    { title: "Pipe", head: true, cell: (run) => pipeLink(run.pipe) },
    { title: "Ended", cell: (run) => h("time", { title: stamp(run.ts) }, ago(run.ts)), kind: "nowrap" },
    { title: "Outcome", cell: (run) => [h("span", { class: `pill ${OUTCOMES[run.outcome]}` }, run.outcome), run.outcome === "failed" && h("div", { class: "wrap" }, run.error)] },
    { title: "Kind", cell: (run) => run.kind },
    { title: "Took", num: true, cell: (run) => duration(run.seconds) },
    { title: "Read", num: true, cell: (run) => number(run.read) },
    { title: "Changed", num: true, cell: (run) => number(run.changes) },
    { title: "Errors", num: true, cell: (run) => number(run.failures) },
  ];
  return pagedTable({
    caption: "Runs", columns: pipe ? columns.slice(1) : columns,
    load: (before) => get("/studio/data/runs", { before, pipe, ...filter() }),
    empty: () => nothing("No runs to show", "Runs that found nothing to do are not kept."),
  });
}
