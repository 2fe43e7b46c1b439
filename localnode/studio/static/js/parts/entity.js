// One entity: the latest version, and every version with what it changed.

import { address, get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { number, stamp } from "../core/format.js";
import { datasetLink } from "./links.js";
import { changeList, source } from "./values.js";

/** An entity of a dataset with its history. */
export function entityView(dataset, id) {
  const versions = h("div", { class: "versions" });
  const more = h("div", { class: "more" });
  const latest = h("section", { class: "card" });
  const show = async (offset) => {
    const page = await get(address`/studio/data/datasets/${dataset}/versions`, { id, at: offset });
    if (offset === null) fill(latest, h("h2", {}, "Latest version"), source(page.rows[0].entity));
    versions.append(...page.rows.map(version));
    fill(more, page.cursor !== null && h("button", { type: "button", class: "small", onclick: () => show(page.cursor) }, "Show older versions"));
  };
  show(null).catch((error) => fill(latest, h("p", { class: "notice bad" }, error.message)));
  return [h("p", { class: "hint" }, "in dataset ", datasetLink(dataset)),
    h("section", { class: "card" }, h("h2", {}, "History"), versions, more), latest];
}

function version(row) {
  const what = row.deleted ? "deleted" : row.first ? "first version" : `${number(row.changes.length)} changed`;
  const changes = row.first ? h("details", {}, h("summary", {}, "What it said"), changeList(row.changes)) : changeList(row.changes);
  return h("article", { class: "version" },
    h("div", { class: "bar" }, h("b", {}, stamp(row.ts)), h("span", { class: `pill ${row.deleted ? "bad" : row.first ? "ok" : "run"}` }, what), h("span", { class: "hint" }, `version ${row.updated}`)),
    changes);
}
