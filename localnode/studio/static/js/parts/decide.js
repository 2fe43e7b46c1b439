// A person decides about records: first what would follow is shown, then it is sent to the node, and synced.

import { post } from "../core/api.js";
import { at, h } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { changed } from "../core/live.js";
import { attempt, note, startSync } from "../core/shell.js";
import { confirmed } from "./dialog.js";
import { recordPage } from "./record_link.js";
import { changeList } from "./values.js";

const WORDS = { insert: ["make", "ok"], update: ["change", "run"], delete: ["delete", "bad"] };
const RECEIVER = "/api/receivers/decisions/entities";

/** Ask the node what `asked` comes to, show it, and carry it out if the person agrees. True when it was done. */
export async function decide({ title, asked, agree, body = [] }) {
  let found = [];
  const words = noteField();
  const ok = await confirmed({
    title, agree, body: [body, words.element],
    load: async () => {
      const answer = await post("/api/diagnostics/decisions", asked);
      found = answer.decisions;
      return effects(answer.effects);
    },
  });
  return ok && send(found.map((each) => ({ ...each, ...(words.text() && !each._deleted ? { note: words.text() } : {}) })), title);
}

/** The same without a look ahead, for what writes nothing. */
export async function mark(asked, done) {
  const { decisions } = await post("/api/diagnostics/decisions?effects=false", asked);
  return send(decisions, done, false);
}

/** Hand decisions to the node; the sync that carries them out follows at once. */
async function send(decisions, done, sync = true) {
  const sent = await attempt(async () => {
    await post(RECEIVER, decisions);
    return true;
  });
  if (!sent) return false;
  undoable(done, decisions);
  if (sync) await startSync();
  changed();
  return true;
}

function undoable(done, decisions) {
  if (decisions.some((each) => each._deleted || each.decision === "retry" || each.decision === "choose")) return note(`${done}: done`, "ok");
  const ids = decisions.map((each) => each._id);
  const element = h("div", { class: "note ok" }, `${done}: done `, h("button", { type: "button", class: "small", onclick: () => {
    element.remove();
    undo(ids);
  } }, "Undo"));
  at("notes").append(element);
  setTimeout(() => element.remove(), 30000);
  return undefined;
}

/** Take decisions back. */
export function undo(ids) {
  return decide({ title: "Take the decision back", asked: { action: "undo", ids }, agree: "Take it back" });
}

function noteField() {
  const field = h("input", { type: "text", id: "decision-note", maxlength: 500, placeholder: "Why, for those who ask later" });
  return { element: h("label", { class: "stacked", for: "decision-note" }, "Note", field), text: () => field.value.trim() };
}

/** What would follow, in words. */
export function effects(found) {
  const total = Object.values(found.counts).reduce((sum, each) => sum + each, 0);
  const parts = Object.entries(found.counts).filter(([, count]) => count).map(([name, count]) => `${WORDS[name][0]} ${number(count)}`);
  return [
    h("p", { class: total ? "notice warn" : "notice" }, total ? `The sync would then ${parts.join(", ")} ${total === 1 ? "record" : "records"}.` : "Nothing is written to a system because of it."),
    found.settled.length > 0 && h("p", {}, `${plural(found.settled.length, "case")} would be settled.`),
    found.opened.length > 0 && h("p", { class: "notice warn" }, `New: ${found.opened.map((each) => each.detail ?? each.rule ?? each.status).slice(0, 3).join(" ")}`),
    found.failed_pipes.map((each) => h("p", { class: "notice bad" }, `${each.pipe}: ${each.reason}`)),
    h("div", { class: "effects" }, found.writes.slice(0, 20).map((write) => h("div", {},
      h("span", { class: `pill ${WORDS[write.operation][1]}` }, WORDS[write.operation][0]), " ",
      h("a", { href: recordPage(write), target: "_blank" }, `${write.label} ${write.name || write.id}`),
      write.fields.length > 0 && changeList(write.fields.map((each) => ({ path: each.field, kind: each.before === null || each.before === undefined ? "added" : "changed", ...each }))))),
    total > 20 && h("p", { class: "hint" }, `and ${number(total - 20)} more`)),
  ];
}

/** A button that stays as wide as its word. */
export const action = (label, run, name = label) => h("button", { type: "button", class: "small", "aria-label": name, onclick: run }, label);
