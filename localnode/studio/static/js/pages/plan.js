// A plan: what a sync would do, field by field and side by side, before it is done.

import { post } from "../core/api.js";
import { at, fill, h } from "../core/dom.js";
import { duration, number, plural } from "../core/format.js";
import { startSync, start } from "../core/shell.js";
import { batch } from "../parts/batch.js";
import { entityLink, pipeLink } from "../parts/links.js";
import { isDryRun, progressList } from "../parts/progress.js";
import { parsed, recordLink, recordLinks, recordName } from "../parts/record_link.js";
import { changeList } from "../parts/values.js";

const LIMIT = 2000;
const WORDS = { insert: ["create", "ok"], update: ["change", "run"], delete: ["delete", "bad"] };
const result = h("div", { class: "pipelist", "aria-live": "polite" });
const planButton = h("button", { type: "button", class: "primary", onclick: make }, "Make a plan");
const runButton = h("button", { type: "button", class: "primary", hidden: true, onclick: run }, "Run it");
const told = h("p", { class: "hint", role: "status" });
const progress = progressList(isDryRun);

async function make() {
  planButton.disabled = true;
  runButton.hidden = true;
  fill(result);
  const started = Date.now();
  const say = () => {
    fill(told, `Planning … ${Math.round((Date.now() - started) / 1000)} s. The systems are read again; nothing is written.`);
    progress.load().catch(() => {});
  };
  const tick = setInterval(say, 1000);
  say();
  try {
    show(await post(`/api/diagnostics/plan?limit=${LIMIT}`));
  } catch (error) {
    fill(told);
    fill(result, h("p", { class: "notice bad" }, error.message));
  } finally {
    clearInterval(tick);
    progress.clear();
    planButton.disabled = false;
    fill(planButton, "Plan again");
  }
}

async function run() {
  runButton.hidden = true;
  fill(told, "Running. What is written appears in the ", h("a", { href: "/studio/log" }, "log"), ".");
  await startSync();
}

function show(plan) {
  const { counts } = plan;
  const moves = counts.insert + counts.update + counts.delete;
  fill(told, `Planned in ${duration(plan.seconds)}. `, moves ? "Nothing has been written yet." : "");
  runButton.hidden = plan.status === "nothing";
  fill(result,
    plan.status === "nothing" && h("div", { class: "card empty" }, h("strong", {}, "There is nothing to do"), "Both sides agree; a sync would write nothing."),
    tiles(counts), failed(plan.failed_pipes),
    systems(plan.writes), links(plan.links), open(plan.open),
    plan.writes.length >= plan.limit && h("p", { class: "notice warn" }, `Only the first ${number(plan.limit)} of each kind are shown; the figures above count all.`));
}

function tiles(counts) {
  const names = { insert: "to create", update: "to change", delete: "to delete", link: "to link", open: "wait for a person" };
  return h("div", { class: "tiles" }, Object.entries(names).map(([name, text]) =>
    h("div", { class: "tile" }, h("div", { class: "value" }, number(counts[name])), h("div", { class: "name" }, text))));
}

function failed(pipes) {
  return pipes.map((each) => h("p", { class: "notice bad" }, "Not foreseen: ", pipeLink(each.pipe), `: ${each.reason}`));
}

/** The systems beside each other, each with the writes it would get. */
function systems(writes) {
  const sides = Map.groupBy(writes, (write) => write.system);
  return sides.size > 0 && h("div", { class: "grid sides" }, [...sides].map(([system, own]) => h("section", {},
    h("h2", {}, system, " ", h("span", { class: "hint" }, plural(own.length, "record"))), batch(own, write))));
}

function write(each) {
  const [word, kind] = WORDS[each.operation];
  const changes = each.fields.map((field) => ({ path: field.field, kind: each.operation === "insert" ? "added" : "changed", before: field.before, after: field.after }));
  const name = each.operation === "insert" ? recordName(each) : recordLink(each);
  return h("article", { class: "card case" },
    h("div", { class: "head" }, h("h3", {}, name), h("span", { class: `pill ${kind}` }, word)),
    each.origin && each.operation === "insert" && h("p", { class: "hint" }, "made from ", recordLinks(parsed([each.origin]))),
    changes.length > 0 && (changes.length > 12
      ? h("details", {}, h("summary", {}, plural(changes.length, "field")), changeList(changes)) : changeList(changes)));
}

function links(found) {
  return found.length > 0 && h("section", { class: "card" }, h("h2", {}, "The same from now on"),
    batch(found, (link) => h("p", {}, recordLinks(parsed(link.records)))));
}

function open(cases) {
  const fresh = cases.filter((each) => each.is_new);
  if (!cases.length) return false;
  return h("section", { class: "card" }, h("h2", {}, `Waits for a person: ${fresh.length ? `${number(fresh.length)} new, ` : ""}${number(cases.length - fresh.length)} as before`),
    batch(fresh, (each) => h("p", { class: "notice warn" }, h("b", {}, `${each.status}: `), each.records.length ? recordLinks(parsed(each.records)) : entityLink(each.pipe, each._id), ` ${each.detail ?? ""}`)),
    h("a", { href: "/studio/pending" }, "See all of them"));
}

start();
fill(at("view"), h("p", { class: "hint" }, "A plan reads both systems and runs the real pipes over a copy of the datasets. It shows what a sync would write, and writes nothing."),
  h("div", { class: "bar" }, planButton, runButton, told), progress.element, result);
