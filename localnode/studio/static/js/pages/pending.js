// What waits for a person: pending records with the steps to take, conflicts, what a system refused.

import { get } from "../core/api.js";
import { at, fill, h, refill } from "../core/dom.js";
import { ago, number, stamp } from "../core/format.js";
import { live } from "../core/live.js";
import { note, start } from "../core/shell.js";
import { entityLink, parameter, remember } from "../parts/links.js";
import { recordLinks } from "../parts/record_link.js";

const KINDS = { pending: "warn", conflict: "warn", rejected: "bad", quarantined: "bad", gone: "off" };
const MEANING = {
  pending: "A person has to do something in the other system first; it is linked by itself afterwards.",
  conflict: "Somebody changed the record while it was being written; the next sync decides again.",
  rejected: "The system refuses the values: correct the data.",
  quarantined: "Written too often within an hour: find out what keeps changing it.",
  gone: "The record was not there any more when it was to be changed.",
};
const state = { status: parameter("status") };
let pages = 1;
let known = "";

const filters = h("div", { class: "bar" });
const meaning = h("p", { class: "hint" });
const list = h("ol", { class: "cases" });
const foot = h("div", { class: "more" });

function choose(status) {
  state.status = status;
  pages = 1;
  remember({ status });
  show();
}

function card(row) {
  return h("li", { class: "card case" },
    h("div", { class: "head" },
      h("h2", {}, row.records.length ? recordLinks(row.records) : entityLink(row.dataset, row.id)),
      h("span", { class: "bar" }, h("span", { class: `pill ${KINDS[row.status] ?? "off"}` }, row.status), h("time", { class: "hint", title: stamp(row.ts) }, ago(row.ts)))),
    row.steps?.length ? h("ol", { class: "steps" }, row.steps.map((step) => h("li", {}, step))) : h("p", { class: "wrap" }, row.detail ?? row.title ?? ""),
    h("div", { class: "bar hint small" },
      row.name && h("button", { type: "button", class: "small", onclick: () => copy(row.name) }, `Copy “${row.name.length > 30 ? `${row.name.slice(0, 29)}…` : row.name}”`),
      row.field && h("span", {}, "field ", h("code", {}, row.field)), row.rule && h("span", {}, "rule ", h("code", {}, row.rule)),
      h("span", { class: "wrap" }, "in ", entityLink(row.dataset, row.id), ` of ${row.dataset}`)));
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
  const rows = [];
  let page = { cursor: null };
  for (let n = 0; n < pages && (n === 0 || page.cursor); n += 1) {
    page = await get("/studio/data/cases", { status: state.status, after: page.cursor });
    rows.push(...page.rows);
  }
  const total = Object.values(page.counts).reduce((sum, each) => sum + each, 0);
  if (!page.complete) setTimeout(show, 100);
  const kinds = Object.keys({ ...KINDS, ...page.counts }).filter((name) => page.counts[name] || name === state.status);
  const shape = JSON.stringify([rows, page.counts, page.complete, page.cursor, state.status]);
  if (shape === known) return;
  known = shape;
  refill(filters, [[null, "All", total], ...kinds.map((name) => [name, name, page.counts[name] ?? 0])].map(([name, label, figure]) =>
    h("button", { type: "button", class: "small", "aria-pressed": String(state.status === name), onclick: () => choose(name) }, `${label} ${number(figure)}`)),
  !page.complete && h("span", { class: "hint", role: "status" }, "still counting …"));
  fill(meaning, MEANING[state.status] ?? "");
  refill(list, rows.length ? rows.map(card) : h("li", { class: "card empty" }, h("strong", {}, "Nothing waits for you"), "Records that need a person appear here with what to do."));
  foot.hidden = !page.cursor;
  fill(foot, h("button", { type: "button", onclick: () => { pages += 1; show(); } }, "Show more"));
}

start();
fill(at("view"), filters, meaning, list, foot);
live(show, 3);
