// What a person can do about a case.

import { h } from "../core/dom.js";
import { action, decide, mark } from "./decide.js";
import { choose } from "./choose_record.js";
import { askNote } from "./note_dialog.js";
import { recordPage } from "./record_link.js";

export const RETRIED = ["rejected", "conflict", "gone", "quarantined"];

/** Buttons for a case of the list. */
export function caseActions(row, isIgnored) {
  const name = row.called || row.records[0]?.label || row.id;
  const here = { pipe: row.dataset, id: row.id };
  const [subject] = row.records;
  const systems = new Set(row.records.map((record) => record.system));
  if (isIgnored) return [action("Stop ignoring", () => mark({ action: "undo", ids: [`ignore:${row.dataset}:${row.id}`] }, `${name}: waits again`), `Stop ignoring ${name}`)];
  return [
    RETRIED.includes(row.status) && action("Retry", () => decide({ title: `Try ${name} again`, asked: { action: "retry", ...here }, agree: "Retry" }), `Retry ${name}`),
    subject && systems.size === 1 && action("Link to …", () => link(subject, name), `Link ${name} to another record`),
    subject && systems.size === 1 && row.rule !== "console-only" && action("Make new", () => decide({ title: `Make a new counterpart of ${name}`, asked: { action: "new", record: subject }, agree: "Make it" }), `Make a new counterpart of ${name}`),
    systems.size > 1 && action("Unlink", () => unlink(subject, name), `Unlink ${name}`),
    systems.size > 1 && h("a", { class: "button small", href: recordPage(subject), "aria-label": `Choose values of ${name}` }, "Choose values"),
    action("Ignore", () => mark({ action: "ignore", ...here }, `${name}: ignored until it changes`), `Ignore ${name}`),
    action(row.note ? "Change note" : "Note", () => takeNote(here, name, row.note), `Note on ${name}`),
  ];
}

/** Take a record apart from its counterparts. */
export const unlink = (record, name) => decide({ title: `Unlink ${name}`, asked: { action: "unlink", record }, agree: "Unlink" });

/** Choose the record that this one belongs together with. */
export async function link(record, name) {
  const other = await choose({ title: `What is the same as ${name}?`, record, text: name });
  if (other) await decide({ title: `Link ${name} to ${other.label}`, asked: { action: "link", record, other }, agree: "Link" });
}

async function takeNote(here, name, text) {
  const given = await askNote(name, text);
  if (given === null) return;
  await mark(given ? { action: "note", ...here, note: given } : { action: "undo", ids: [`note:${here.pipe}:${here.id}`] }, `Note on ${name}`);
}
