// Lists of entities: a dataset page by page, and what a search found in it.

import { address, get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { ago, number, plural, stamp } from "../core/format.js";
import { entityLink } from "./links.js";
import { search } from "./search.js";
import { nothing, pagedTable, plainTable } from "./table.js";
import { line } from "./values.js";

function columns(dataset) {
  return [
    { title: "Id", head: true, kind: "wrap", cell: (row) => [entityLink(dataset, row.id), row.deleted && [" ", h("span", { class: "pill off" }, "deleted")]] },
    { title: "Values", cell: (row) => line(row.values) },
    { title: "Written", kind: "nowrap", cell: (row) => h("time", { title: stamp(row.ts) }, ago(row.ts)) },
    { title: "Version", num: true, cell: (row) => row.updated },
  ];
}

/** Entities of a dataset, "newest" first or by "id". */
export function entityTable(dataset, order) {
  return pagedTable({
    caption: "Entities", columns: columns(dataset),
    load: (cursor) => get(address`/studio/data/datasets/${dataset}/entities`, order === "id" ? { order, after: cursor } : { before: cursor }),
    empty: () => nothing("No entities"), filters: false,
  });
}

/** What a search finds, filled while it goes on. */
export function foundTable(dataset, text) {
  const state = h("p", { class: "hint", role: "status" }, "Searching …");
  const place = h("div");
  const rows = [];
  search([dataset], text, (part) => {
    rows.push(...part.rows);
    if (rows.length) fill(place, h("div", { class: "card flush" }, plainTable({ caption: "Found", columns: columns(dataset), rows })));
    const where = part.searched < part.total ? `in the newest ${number(part.searched)} of ${plural(part.total, "version")}` : `in all ${plural(part.total, "version")}`;
    fill(state, part.done ? "" : "Searching … ", `${number(rows.length)}${part.more !== null && part.done ? " or more" : ""} found ${where}`);
    if (!rows.length && part.done) fill(place, h("div", { class: "card empty" }, nothing(`Nothing holds “${text}”`)));
  }).catch((error) => fill(state, error.message));
  return h("div", { class: "pipelist" }, state, place);
}
