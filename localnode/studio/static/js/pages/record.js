// Records: find one in any system; one record beside its counterparts, with why each value is what it is.

import { get } from "../core/api.js";
import { at, fill, h, refill } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { live } from "../core/live.js";
import { start, title } from "../core/shell.js";
import { parameter, remember } from "../parts/links.js";
import { comparison } from "../parts/comparison.js";
import { explainPath, kindName, recordName, recordPage } from "../parts/record_link.js";
import { endSearch, search } from "../parts/search.js";
import { nothing, pagedTable, plainTable } from "../parts/table.js";
import { line } from "../parts/values.js";

const ENOUGH = 20;
const record = { system: parameter("system"), datatype: parameter("datatype"), id: parameter("id") };

function columns(kindOf) {
  return [
    { title: "Record", head: true, kind: "wrap", cell: (row) => [h("a", { href: recordPage({ ...kindOf(row), id: row.id }) }, row.id), row.deleted && [" ", h("span", { class: "pill off" }, "deleted")]] },
    { title: "Of", cell: (row) => kindName(kindOf(row)) },
    { title: "Values", cell: (row) => line(row.values) },
  ];
}

function finder(kinds) {
  const known = new Map(kinds.map((kind) => [kind.dataset, kind]));
  const state = { q: parameter("q") ?? "", kind: known.has(parameter("in")) ? parameter("in") : "" };
  const told = h("p", { class: "hint", role: "status" });
  const place = h("div");
  const field = h("input", { type: "search", placeholder: "A name, an e-mail address, a number …", "aria-label": "Find a record", value: state.q });
  const choice = h("select", { "aria-label": "Kind of record" }, h("option", { value: "" }, "everything"),
    kinds.map((kind) => h("option", { value: kind.dataset, selected: kind.dataset === state.kind }, `${kindName(kind)} (${number(kind.live)})`)));

  const find = async () => {
    const rows = [];
    const where = state.kind ? [state.kind] : kinds.map((kind) => kind.dataset);
    fill(place);
    fill(told, "Searching …");
    await search(where, state.q, (part) => {
      rows.push(...part.rows.map((row) => ({ ...row, dataset: part.dataset })));
      if (rows.length) fill(place, h("div", { class: "card flush" }, plainTable({ caption: "Found", columns: columns((row) => known.get(row.dataset)), rows })));
      fill(told, `Searching ${part.dataset} …`);
    }, ENOUGH);
    fill(told, rows.length ? `${plural(rows.length, "record")} found` : "");
    if (!rows.length) fill(place, h("div", { class: "card empty" }, nothing(`No record holds “${state.q}”`)));
  };
  const browse = () => {
    endSearch();
    const kind = known.get(state.kind) ?? kinds.toSorted((one, other) => other.live - one.live)[0];
    fill(told, `The newest of ${kindName(kind)}; type to search everywhere.`);
    const table = pagedTable({
      caption: kindName(kind), columns: columns(() => kind), empty: () => nothing("No records collected yet"), filters: false,
      load: (before) => get(`/studio/data/datasets/${encodeURIComponent(kind.dataset)}/entities`, { before, limit: ENOUGH }),
    });
    fill(place, table.element);
    table.reload();
  };
  const show = () => {
    state.q = field.value.trim();
    state.kind = choice.value;
    remember({ q: state.q, in: state.kind });
    (state.q ? find() : Promise.resolve(browse())).catch((error) => fill(told, error.message));
  };
  let typing = 0;
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(show, 350);
  });
  choice.addEventListener("change", show);
  show();
  return [h("div", { class: "bar" }, h("span", { class: "fill" }, field), choice), told, place];
}

async function showFinder() {
  const kinds = await get("/studio/data/kinds");
  if (!kinds.length) return fill(at("view"), h("div", { class: "card empty" }, nothing("No records yet", "No pipe of this node collects records of a system.")));
  return fill(at("view"), finder(kinds));
}

let shown = "";

async function showRecord() {
  if (!shown) title(recordName(record));
  const main = await get(explainPath(record));
  if (main.name) title(`${main.name} (${recordName(record)})`);
  const others = await Promise.all(main.counterparts.map((other) => get(explainPath(other)).catch(() => null)));
  const explained = [main, ...others.filter(Boolean)];
  const shape = JSON.stringify(explained);
  if (shape === shown || at("view").querySelector("details[open]")) return;
  shown = shape;
  refill(at("view"), comparison(explained));
}

function refuse(error) {
  fill(at("view"), h("p", { class: "notice bad", role: "alert" }, error.message), h("p", {}, h("a", { href: "/studio/record" }, "Find another record")));
}

start();
if (record.id === null) showFinder().catch(refuse);
else live(() => showRecord().catch((error) => {
  if (error.status !== 404 && shown) throw error;
  refuse(error);
}), 5);
