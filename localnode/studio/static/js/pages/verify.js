// Whether both sides agree: everything is read again and compared; a report that can be handed on.

import { post } from "../core/api.js";
import { at, fill, h } from "../core/dom.js";
import { duration, number, plural, stamp } from "../core/format.js";
import { start } from "../core/shell.js";
import { pipeLink } from "../parts/links.js";
import { saveFile } from "../parts/csv.js";
import { batch } from "../parts/batch.js";
import { isDryRun, progressList } from "../parts/progress.js";
import { kindName, parsed, recordLink, recordLinks } from "../parts/record_link.js";
import { plainTable } from "../parts/table.js";
import { changeList } from "../parts/values.js";

const LIMIT = 2000;
const OUTCOMES = {
  agree: ["ok", "Both sides agree", "Every record has what it should have, and every link holds."],
  differ: ["warn", "The two sides differ", "A sync mends most of it; edits that have not been synced yet are differences, too."],
  failed: ["bad", "Not everything could be read", ""],
};
const FAULTS = {
  missing: "counterpart gone", extra: "on one side only", differing: "fields differ", unlinked: "not linked", "wrong-link": "linked to another",
  "broken-link": "link leads nowhere", twin: "twins", undecided: "needs a person", surplus: "should be deleted",
};
const told = h("p", { class: "hint", role: "status" });
const progress = progressList(isDryRun);
const result = h("div", { class: "pipelist" });
const button = h("button", { type: "button", class: "primary", onclick: verify }, "Compare both sides");
const save = h("button", { type: "button", hidden: true }, "Save the report");
let report = null;

async function verify() {
  button.disabled = true;
  save.hidden = true;
  fill(result);
  const started = Date.now();
  const say = () => {
    fill(told, `Reading everything again … ${Math.round((Date.now() - started) / 1000)} s. Nothing is written.`);
    progress.load().catch(() => {});
  };
  const tick = setInterval(say, 1000);
  say();
  try {
    report = await post(`/api/diagnostics/verify?limit=${LIMIT}`);
    show();
  } catch (error) {
    fill(told);
    fill(result, h("p", { class: "notice bad" }, error.message));
  } finally {
    clearInterval(tick);
    progress.clear();
    button.disabled = false;
  }
}

function show() {
  const [kind, head, text] = OUTCOMES[report.status];
  save.hidden = false;
  fill(told, `Compared in ${duration(report.seconds)}, ${stamp(report.at)}.`);
  fill(result, h("div", { class: `notice ${kind}` }, h("b", {}, head), text && ` ${text}`),
    report.failed_pipes.map((each) => h("p", { class: "notice bad" }, pipeLink(each.pipe), `: ${each.reason}`)),
    tiles(), h("div", { class: "card flush" }, plainTable({ caption: "Records", columns: COUNTS, rows: report.counts })),
    report.faults.length > 0 && h("section", { class: "pipelist" }, h("h2", {}, "What is wrong"), batch(report.faults, fault)),
    report.open.length > 0 && h("p", { class: "hint" }, `${plural(report.open.length, "record")} ${report.open.length === 1 ? "waits" : "wait"} for a person; that is no fault. `, h("a", { href: "/studio/pending" }, "See what to do")));
}

const COUNTS = [
  { title: "Records of", head: true, cell: (row) => kindName(row) },
  { title: "Live", num: true, cell: (row) => number(row.live) },
  { title: "Linked", num: true, cell: (row) => number(row.linked) },
  { title: "Deleted", num: true, cell: (row) => number(row.deleted) },
];

function tiles() {
  return h("div", { class: "tiles" }, Object.entries(report.fault_counts).map(([name, count]) =>
    h("div", { class: "tile" }, h("div", { class: "value" }, number(count)), h("div", { class: "name" }, FAULTS[name] ?? name))));
}

function fault(each) {
  const changes = each.fields.map((field) => ({ path: field.field, kind: "changed", before: field.is, after: field.should }));
  return h("article", { class: "card case" },
    h("div", { class: "head" }, h("h3", {}, each.id ? recordLink(each) : "Records"), h("span", { class: "pill warn" }, FAULTS[each.fault] ?? each.fault)),
    h("p", { class: "wrap" }, each.detail),
    each.records.length > 0 && h("p", { class: "hint" }, "with ", recordLinks(parsed(each.records))),
    changes.length > 0 && changeList(changes));
}

save.addEventListener("click", () => {
  saveFile(`verify-${report.at.slice(0, 19).replaceAll(":", "")}.json`, JSON.stringify(report, null, 2), "application/json");
});

start();
fill(at("view"), h("p", { class: "hint" }, "Both systems are read from the beginning and compared, whatever was collected before. Nothing is written."),
  h("div", { class: "bar" }, button, save, told), progress.element, result);
