// The datasets.

import { get } from "../core/api.js";
import { at, fill, h } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { live } from "../core/live.js";
import { start } from "../core/shell.js";
import { datasetLink, parameter, pipeLink, remember } from "../parts/links.js";
import { nothing, pagedTable } from "../parts/table.js";

const state = { q: parameter("q") ?? "", internal: parameter("internal") === "yes" };
const columns = [
  { title: "Dataset", head: true, kind: "wrap", cell: (row) => datasetLink(row.id) },
  { title: "Entities", num: true, cell: (row) => number(row.live) },
  { title: "Deleted", num: true, cell: (row) => number(row.deleted) },
  { title: "Versions", num: true, cell: (row) => number(row.versions) },
  { title: "Written by", kind: "wrap", cell: (row) => (row.pipe ? pipeLink(row.pipe) : "–") },
  { title: "State", cell: (row) => (row.breaker ? h("span", { class: "pill bad" }, "breaker tripped")
    : h("span", { class: `pill ${row.populated ? "ok" : "warn"}` }, row.populated ? "populated" : "not populated")) },
];
const table = pagedTable({
  caption: "Datasets", columns, filters: false,
  load: (after) => get("/studio/data/datasets", { q: state.q, after, internal: state.internal || null }),
  empty: () => nothing(state.q ? `No dataset is called “${state.q}”` : "No datasets yet"),
  summary: (shown, page) => (shown < page.total ? `${number(shown)} of ${plural(page.total, "dataset")}` : plural(page.total, "dataset")),
});

function changed() {
  remember({ q: state.q, internal: state.internal ? "yes" : null });
  table.reload();
}

start();
fill(at("view"), h("div", { class: "bar" },
  h("span", { class: "fill" }, h("input", { type: "search", placeholder: "Part of a dataset's name", "aria-label": "Filter datasets", value: state.q, oninput: (event) => { state.q = event.target.value; changed(); } })),
  h("label", {}, h("input", { type: "checkbox", checked: state.internal, onchange: (event) => { state.internal = event.target.checked; changed(); } }), "internal ones too")),
table.element);
live(() => (table.shown <= 100 ? table.reload() : null), 5);
