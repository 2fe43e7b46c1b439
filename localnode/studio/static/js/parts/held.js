// What circuit breakers hold back: shown, let through or dropped. What cannot be taken back asks for its number.

import { address, get, post } from "../core/api.js";
import { h, refill } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { attempt, startSync } from "../core/shell.js";
import { effects } from "./decide.js";
import { confirmed } from "./dialog.js";
import { datasetLink } from "./links.js";

const SHOWN = 20;

/** The cards of all tripped breakers. Returns { element, load() }. */
export function held() {
  const element = h("div", { class: "pipelist", hidden: true });
  let known = "";
  return {
    element,
    async load() {
      const tripped = await get("/studio/data/breakers");
      const shape = JSON.stringify(tripped);
      if (shape === known) return;
      known = shape;
      element.hidden = tripped.length === 0;
      const cards = await Promise.all(tripped.map(card));
      refill(element, cards.length > 0 && h("h2", {}, "Held back"), cards);
    },
  };
}

/** What it is about, and what letting it through would do. */
function words(tripped) {
  const { held: count, deletions, about } = tripped;
  if (!about) return { what: `${plural(count, "change")} of ${tripped.dataset} ${count === 1 ? "is" : "are"} held back`, agree: `Let ${number(count)} through`, title: "Let them through" };
  const follows = { archive: "is about to be archived", delete: "is about to be deleted", ignore: "stays as it is" }[deletions] ?? "is about to change";
  const verb = { archive: "Archive", delete: "Delete", ignore: "Let through" }[deletions] ?? "Let through";
  return {
    what: `${plural(count, about)} ${count === 1 ? "is" : "are"} gone: what belongs to ${count === 1 ? "it" : "them"} elsewhere ${follows}`,
    agree: `${verb} ${number(count)}`, title: `${verb} the counterparts of ${plural(count, about)}`,
  };
}

async function card(tripped) {
  const { rows } = await get("/studio/data/breakers/held", { dataset: tripped.dataset, limit: SHOWN });
  const said = words(tripped);
  return h("section", { class: "card case held", "aria-label": said.what },
    h("h3", {}, said.what),
    h("p", { class: "notice bad" }, tripped.reason),
    h("details", {}, h("summary", {}, `Show ${tripped.held > rows.length ? `the first ${number(rows.length)} of ${number(tripped.held)}` : plural(tripped.held, "record")}`),
      h("ul", { class: "heldlist" }, rows.map((row) => h("li", {}, row.name && h("b", {}, `${row.name} `), h("span", { class: "hint" }, row.id))))),
    h("div", { class: "bar" },
      h("button", { type: "button", class: "danger", onclick: () => publish(tripped, said) }, said.agree),
      h("button", { type: "button", onclick: () => keep(tripped) }, "Keep them"),
      h("span", { class: "hint small" }, "in ", datasetLink(tripped.dataset), "; a deletion that still holds is found again after it was kept.")));
}

async function publish(tripped, said) {
  const ok = await confirmed({
    title: said.title, agree: said.agree, danger: true, typed: tripped.held,
    load: async () => effects((await post("/api/diagnostics/decisions", { action: "commit", dataset: tripped.dataset })).effects),
  });
  if (ok) await operate(tripped, "commit-circuit-breaker", `${tripped.dataset}: let through`);
}

async function keep(tripped) {
  const ok = await confirmed({
    title: `Keep ${plural(tripped.held, "record")}`, agree: "Keep them", typed: tripped.held,
    body: h("p", {}, "What is held back is dropped, and nothing is written because of it. Do this once the system shows its records again: what is still gone then is found again, and held back again."),
  });
  if (ok) await operate(tripped, "rollback-circuit-breaker", `${tripped.dataset}: kept`);
}

async function operate(tripped, operation, done) {
  await attempt(() => post(address`/api/datasets/${tripped.dataset}`, { operation }), done);
  await startSync();
}
