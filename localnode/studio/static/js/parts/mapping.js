// The rows of a mapping file that a pipe is made of, where its `metadata.mapping` has them.

import { h } from "../core/dom.js";
import { value } from "./values.js";

/** A table: one row a property, one column for each kind of record that has it; nothing for pipes without rows. */
export function mappingRows(config) {
  const mapping = config.metadata?.mapping;
  if (!Array.isArray(mapping?.rows)) return null;
  const records = Object.entries(mapping.records ?? {}).filter(([alias]) => mapping.rows.some((row) => alias in row));
  return h("div", {}, h("h2", {}, "Mapping"),
    h("p", {}, "What this pipe is made of: the rows of ", h("code", {}, mapping.file), ". A change of a row, and “make pipes”, changes this pipe and those around it."),
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Mapping, table" }, h("table", { "aria-label": "Mapping" },
      h("thead", {}, h("tr", {}, ["property", ...records.map(([, type]) => type), "how"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, mapping.rows.map((row) => h("tr", {}, h("th", { scope: "row", class: "mono" }, row.name),
        records.map(([alias]) => h("td", {}, cell(row[alias]))), h("td", {}, rest(row, ["name", ...records.map(([alias]) => alias)]))))))));
}

function cell(given) {
  if (given === undefined) return null;
  if (typeof given === "string") return h("code", {}, given);
  return [h("code", {}, given.path), " ", rest(given, ["path"])];
}

function rest(given, known) {
  const more = Object.entries(given).filter(([name]) => !known.includes(name));
  return more.map(([name, content], n) => [n > 0 && " · ", `${name.replaceAll("_", " ")} `, value(content)]);
}
