// What was written to the systems, what went wrong, and what the node said.

import { get } from "../core/api.js";
import { at, fill, h } from "../core/dom.js";
import { ago, stamp } from "../core/format.js";
import { live } from "../core/live.js";
import { start } from "../core/shell.js";
import { entityLink, parameter, pipeLink, remember } from "../parts/links.js";
import { recordName, recordPage } from "../parts/record_link.js";
import { segmented } from "../parts/segmented.js";
import { nothing, pagedTable } from "../parts/table.js";
import { changeList } from "../parts/values.js";

const KINDS = [["audit", "Writes"], ["trouble", "Trouble"], ["node", "Node log"], ["run", "Last sync"]];
const when = { title: "When", kind: "nowrap", cell: (row) => h("time", { title: stamp(row.ts) }, ago(row.ts)) };
const WORDS = { insert: ["created", "ok"], update: ["changed", "run"], delete: ["deleted", "bad"] };

const of = { day: /^\d{4}-\d\d-\d\d$/.test(parameter("day") ?? "") ? parameter("day") : "" };

/** A page of what was on the chosen day, or of everything. */
async function ofDay(path, before) {
  if (!of.day) return get(path, { before });
  const start = new Date(`${of.day}T00:00:00`);
  const end = new Date(start);
  end.setDate(end.getDate() + 1);
  const page = await get(path, { before: before ?? end.getTime() * 1000 });
  const rows = page.rows.filter((row) => row.ts >= start.getTime() * 1000);
  return { ...page, rows, cursor: rows.length === page.rows.length ? page.cursor : null };
}

function writes() {
  return pagedTable({
    caption: "Writes to the systems", load: (before) => ofDay("/studio/data/audit", before),
    empty: () => nothing(of.day ? "Nothing was written on that day" : "Nothing was written to a system yet"),
    columns: [
      when,
      { title: "What", cell: (row) => h("span", { class: `pill ${WORDS[row.operation][1]}` }, WORDS[row.operation][0]) },
      { title: "Record", head: true, kind: "wrap", cell: (row) => [row.record ? h("a", { href: recordPage(row.record) }, row.called || recordName(row.record)) : entityLink(row.dataset, row.id),
        h("div", { class: "hint small" }, row.record ? recordName(row.record) : row.dataset)] },
      { title: "Values", cell: (row) => (row.operation === "delete" ? "" : changeList(row.changes)) },
    ],
  });
}

function trouble() {
  return pagedTable({
    caption: "Trouble", load: (before) => ofDay("/studio/data/events", before),
    empty: () => nothing("No trouble", "No pump has failed and no entity was refused."),
    columns: [
      when,
      { title: "Pipe", head: true, cell: (row) => pipeLink(row.pipe) },
      { title: "What", cell: (row) => [h("span", { class: `pill ${row.resolved ? "ok" : "bad"}` }, row.resolved ? "settled" : row.kind), row.entity && h("div", { class: "hint wrap" }, row.entity)] },
      { title: "Message", kind: "wrap", cell: (row) => row.message },
    ],
  });
}

function lines(load, empty) {
  const list = h("ol", { class: "loglines", tabindex: "0", "aria-label": "Log lines" });
  let since = null;
  return {
    element: h("div", { class: "card flush" }, list),
    async reload() {
      const rows = await load(since);
      if (rows.length) since = rows.at(-1).mark;
      if (!list.children.length || list.firstChild.className === "hint") fill(list, rows.length ? "" : h("li", { class: "hint" }, empty));
      list.prepend(...rows.reverse().map((row) => h("li", { class: row.level }, `${stamp(row.ts)}  ${row.level}  ${row.text}`)));
    },
    shown: 0,
  };
}

const SHOWS = {
  audit: writes,
  trouble,
  node: () => lines(async (since) => (await get("/studio/data/log", { since })).rows.map((row) => ({ ...row, mark: row.number, text: `${row.logger}: ${row.message}` })), "The node has had nothing to say."),
  run: () => lines(async (since) => (await get("/api/pipes/get-run-all-pipes-log", { since })).map((row) => ({ ts: row.timestamp, mark: row.timestamp, level: row.loglevel, text: row.logdata })), "Nothing was synced by hand since the node started."),
};
let kind = parameter("kind") in SHOWS ? parameter("kind") : "audit";
let shown = null;
const place = h("div");

function show() {
  remember({ kind: kind === "audit" ? null : kind, day: of.day });
  shown = SHOWS[kind]();
  fill(place, shown.element);
  again();
}

start();
const date = h("input", { type: "date", "aria-label": "Day", value: of.day, onchange: () => { of.day = date.value; show(); } });
fill(at("view"), h("div", { class: "bar" }, segmented("Log", KINDS, kind, (value) => { kind = value; show(); }), h("label", {}, "of the day", date)), place);
shown = SHOWS[kind]();
fill(place, shown.element);
const again = live(() => (shown && shown.shown <= 50 ? shown.reload() : null), 4);
