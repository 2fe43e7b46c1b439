// What waits for a person: deletions held back, and cases by what they wait for, each with what can be done about it.

import { get, post } from "../core/api.js";
import { at, fill, h, refill } from "../core/dom.js";
import { ago, number, plural, stamp } from "../core/format.js";
import { live } from "../core/live.js";
import { attempt, note, start, startSync } from "../core/shell.js";
import { caseActions, RETRIED } from "../parts/case_actions.js";
import { saveCsv } from "../parts/csv.js";
import { undo } from "../parts/decide.js";
import { held } from "../parts/held.js";
import { entityLink, parameter, remember } from "../parts/links.js";
import { recordPage } from "../parts/record_link.js";
import { segmented } from "../parts/segmented.js";
import { nothing, pagedTable } from "../parts/table.js";
import { changeList, value } from "../parts/values.js";

const KINDS = { pending: "warn", conflict: "warn", rejected: "bad", quarantined: "bad", gone: "off" };
const MEANING = {
  pending: "A person has to do something first; the sync goes on by itself afterwards.",
  conflict: "Somebody changed the record while it was being written; the next sync decides again.",
  rejected: "The system refuses the values: correct the data.",
  quarantined: "Written too often within an hour: find out what keeps changing it.",
  gone: "The record was not there any more when it was to be changed.",
};
const SHOWS = [["waiting", "Waiting"], ["ignored", "Ignored"], ["decided", "Decided"]];
const FEW = 3;
const PAGE = 20;
const state = { q: parameter("q") ?? "", order: parameter("order") ?? "newest", show: parameter("show") ?? "waiting", status: parameter("status") };
const groups = new Map();
const breakers = held();
const told = h("p", { class: "hint", role: "status" });
const list = h("div", { class: "pipelist" });

const asked = (more) => ({ q: state.q, order: state.order, ignored: state.show === "ignored" || null, ...more });
const key = (group) => `${group.status} ${group.rule}`;

/** One status and rule: a line that opens, and its cases once it is open. */
function section(group) {
  const head = h("summary");
  const cases = h("ol", { class: "cases" });
  const foot = h("div", { class: "bar" });
  const element = h("details", { class: "card group" }, head, h("p", { class: "hint" }, MEANING[group.status] ?? ""), cases, foot);
  const own = { element, size: PAGE, shape: "", update, load };
  element.addEventListener("toggle", () => { if (element.open) load().catch(tell); });
  return own;

  function update(now) {
    own.group = now;
    fill(head, h("span", { class: `pill ${KINDS[now.status] ?? "off"}` }, now.status), h("b", {}, now.words),
      h("span", { class: "grow" }), h("span", {}, plural(now.count, "record")), h("span", { class: "hint" }, "oldest ", h("time", { title: stamp(now.oldest) }, ago(now.oldest))));
  }

  async function load() {
    if (!element.open) return;
    const page = await pages(own.group, own.size);
    const shape = JSON.stringify([page.rows, page.cursor, own.group.count]);
    if (shape === own.shape) return;
    own.shape = shape;
    refill(cases, page.rows.map(card), !page.rows.length && h("li", { class: "hint" }, state.q ? `None of these holds “${state.q}”.` : "Settled."));
    refill(foot, page.cursor !== null && h("button", { type: "button", class: "small", onclick: () => { own.size += PAGE; load().catch(tell); } }, "Show more"),
      own.group.count > 1 && RETRIED.includes(own.group.status) && h("button", { type: "button", class: "small", onclick: () => retryAll(own.group) }, `Retry all ${number(own.group.count)}`));
  }
}

const tell = (error) => document.dispatchEvent(new CustomEvent("studio-trouble", { detail: error }));

/** The first `size` cases of a group. */
async function pages(group, size) {
  const rows = [];
  let cursor = null;
  do {
    const page = await get("/studio/data/cases", asked({ status: group.status, rule: group.rule, after: cursor, limit: Math.min(200, size - rows.length) }), ["rule"]);
    rows.push(...page.rows);
    cursor = page.cursor;
  } while (cursor !== null && rows.length < size);
  return { rows, cursor };
}

async function retryAll(group) {
  const { rows } = await pages(group, Infinity);
  await attempt(() => post("/api/receivers/decisions/entities", rows.map((row) => ({ _id: `${row.dataset}:${row.id}`, decision: "retry" }))), `${plural(rows.length, "record")} tried again`);
  await startSync();
}

function card(row) {
  const subject = row.records[0];
  return h("li", { class: "case" },
    h("div", { class: "head" },
      h("h3", {}, row.called && [row.called, " "], h("span", { class: "hint small" }, row.about)),
      h("span", { class: "hint" }, "since ", h("time", { title: stamp(row.ts) }, ago(row.ts)))),
    row.value !== null && h("p", {}, h("span", { class: "hint" }, `${row.field} was refused: `), h("b", {}, value(row.value))),
    row.steps?.length ? h("ol", { class: "steps" }, row.steps.map((step) => h("li", {}, step))) : h("p", { class: "wrap" }, row.detail ?? row.title ?? ""),
    row.note && h("p", { class: "notice" }, h("b", {}, "Note: "), row.note),
    row.fields.length > 0 && h("details", {}, h("summary", {}, `What is to be written: ${plural(row.fields.length, "field")}`),
      changeList(row.fields.map((each) => ({ path: each.field, kind: each.before === null || each.before === undefined ? "added" : "changed", ...each })))),
    h("div", { class: "bar" }, caseActions(row, state.show === "ignored"), row.name && h("button", { type: "button", class: "small", onclick: () => copy(row.name) }, "Copy the name"),
      subject && h("span", { class: "hint small" }, row.records.map((record, n) => [n > 0 && " · ", h("a", { href: recordPage(record) }, record.label)])),
      !subject && h("span", { class: "hint small wrap" }, entityLink(row.dataset, row.id))));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    note(`Copied: ${text}`, "ok");
  } catch {
    note("The browser does not let this page use the clipboard.", "bad");
  }
}

async function show() {
  if (state.show === "decided") return;
  const page = await get("/studio/data/cases", asked({ limit: 1 }));
  if (state.show === "decided") return;
  if (!page.complete) setTimeout(() => show().catch(tell), 100);
  const shown = page.groups.filter((group) => !state.status || group.status === state.status);
  const total = shown.reduce((sum, group) => sum + group.count, 0);
  fill(told, page.complete ? (total ? `${plural(total, "record")} of ${plural(shown.length, "kind")}${shown.length > 1 ? ", the odd ones first" : ""}.` : "") : "still counting …",
    page.ignored > 0 && state.show === "waiting" && ` ${number(page.ignored)} ignored.`);
  for (const group of shown) {
    const isNew = !groups.has(key(group));
    if (isNew) groups.set(key(group), section(group));
    const own = groups.get(key(group));
    own.update(group);
    if (isNew) own.element.open = group.count <= FEW || state.q !== "";
  }
  const wanted = shown.map((group) => groups.get(key(group)).element);
  const same = wanted.length === list.children.length && wanted.every((element, n) => list.children[n] === element);
  if (!same || !wanted.length) {
    list.replaceChildren(...wanted);
    if (!wanted.length) list.append(h("div", { class: "card empty" }, state.show === "ignored" ? nothing("Nothing is ignored") : nothing("Nothing waits for you", "Records that need a person appear here with what to do.")));
  }
  await Promise.all(shown.map((group) => groups.get(key(group)).load()));
}

const decided = pagedTable({
  caption: "Decisions", load: (after) => get("/studio/data/decisions", { after }),
  empty: () => nothing("Nothing was decided yet"),
  columns: [
    { title: "When", kind: "nowrap", cell: (row) => h("time", { title: stamp(row.at?.slice(2)) }, ago(row.at?.slice(2))) },
    { title: "Decision", head: true, cell: (row) => [row.decision, row.property && ` ${row.property}`] },
    { title: "About", kind: "wrap", cell: (row) => (row.row ? entityLink(row.row.dataset, row.row.id)
      : row.records.map((record, n) => [n > 0 && " and ", h("a", { href: recordPage(record) }, record.name ? `${record.name} (${record.label})` : record.label)])) },
    { title: "Note", kind: "wrap", cell: (row) => row.note ?? "" },
    { title: "", cell: (row) => (["retry", "choose"].includes(row.decision) ? ""
      : h("button", { type: "button", class: "small", "aria-label": `Undo: ${row.decision} ${row.records.map((record) => record.label).join(" and ")}`, onclick: () => undo([row.id]).then(() => decided.reload()) }, "Undo")) },
  ],
});

function again() {
  remember({ q: state.q, order: state.order === "newest" ? null : state.order, show: state.show === "waiting" ? null : state.show });
  groups.clear();
  list.replaceChildren();
  fill(told);
  if (state.show === "decided") {
    list.append(decided.element);
    decided.reload();
  } else show().catch(tell);
}

async function save() {
  const found = await get("/studio/data/cases", asked({ limit: 1 }));
  const rows = (await Promise.all(found.groups.map((group) => pages(group, Infinity)))).flatMap((page) => page.rows);
  saveCsv("pending", ["status", "rule", "name", "kind", "record", "since", "field", "refused value", "what to do", "note", "row"], rows.map((row) => [
    row.status, row.rule, row.called, row.about, row.records.map((record) => record.label).join(", "), new Date(row.ts / 1000).toISOString(),
    row.field, row.value, row.steps?.join(" ") ?? row.detail, row.note, `${row.dataset}:${row.id}`]));
}

start();
let typing = 0;
fill(at("view"), breakers.element,
  h("div", { class: "bar" },
    h("span", { class: "fill" }, h("input", { type: "search", placeholder: "A name, a value, a rule …", "aria-label": "Filter what waits", value: state.q, oninput: (event) => {
      clearTimeout(typing);
      state.q = event.target.value.trim();
      typing = setTimeout(again, 300);
    } })),
    segmented("Show", SHOWS, state.show, (chosen) => { state.show = chosen; again(); }),
    h("select", { "aria-label": "Order", onchange: (event) => { state.order = event.target.value; again(); } },
      [["newest", "newest first"], ["oldest", "oldest first"], ["record", "by record"]].map(([name, label]) => h("option", { value: name, selected: name === state.order }, label))),
    h("button", { type: "button", onclick: () => attempt(save) }, "Export CSV")),
  told, list);
if (state.show === "decided") again();
live(() => Promise.all([show(), breakers.load()]), 3);
