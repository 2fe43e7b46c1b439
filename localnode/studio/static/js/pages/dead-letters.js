// What did not go through: dead letters with another try, the retry queue, and what circuit breakers hold back.

import { address, get, post } from "../core/api.js";
import { at, fill, h, refill } from "../core/dom.js";
import { ago, number, plural, stamp } from "../core/format.js";
import { live } from "../core/live.js";
import { attempt, start } from "../core/shell.js";
import { datasetLink, pipeLink } from "../parts/links.js";
import { nothing, pagedTable } from "../parts/table.js";
import { line } from "../parts/values.js";

const breakers = h("div", { class: "pipelist" });

const letters = pagedTable({
  caption: "Dead letters",
  load: (before) => get("/studio/data/letters", { before }),
  empty: () => nothing("No dead letters", "No pipe has given up an entity."),
  columns: [
    { title: "Entity", head: true, kind: "wrap", cell: (row) => [row.id, h("div", { class: "hint small" }, line(row.values))] },
    { title: "Pipe", cell: (row) => pipeLink(row.pipe) },
    { title: "Why", kind: "wrap", cell: (row) => row.error },
    { title: "Retries", num: true, cell: (row) => number(row.attempts) },
    { title: "Given up", kind: "nowrap", cell: (row) => h("time", { title: stamp(row.ts) }, ago(row.ts)) },
    { title: "", cell: (row) => h("button", { type: "button", class: "small", "aria-label": `Retry ${row.id}`, onclick: () => retry(row.pipe, row.id) }, "Retry") },
  ],
});

const queue = pagedTable({
  caption: "To be retried",
  load: (after) => get("/studio/data/retries", { after }),
  empty: () => nothing("Nothing waits to be retried"),
  columns: [
    { title: "Entity", head: true, kind: "wrap", cell: (row) => row.id },
    { title: "Pipe", cell: (row) => pipeLink(row.pipe) },
    { title: "Why", kind: "wrap", cell: (row) => row.error },
    { title: "Retries", num: true, cell: (row) => number(row.attempts) },
    { title: "Since", kind: "nowrap", cell: (row) => h("time", { title: stamp(row.ts) }, ago(row.ts)) },
  ],
});

async function retry(pipe, id) {
  await attempt(() => post(address`/api/pipes/${pipe}/pump`, { operation: "retry-dead-letters", entity_id: id }), `${id} is tried again`);
  await letters.reload();
}

async function retryAll() {
  const { pipes } = await get("/studio/data/flow");
  const waiting = pipes.filter((pipe) => pipe.dead_letters > 0);
  for (const pipe of waiting) await attempt(() => post(address`/api/pipes/${pipe.id}/pump`, { operation: "retry-dead-letters" }), `${pipe.id}: ${plural(pipe.dead_letters, "dead letter")} tried again`);
  await letters.reload();
}

async function showBreakers() {
  const tripped = await get("/studio/data/breakers");
  refill(breakers, tripped.length > 0 && h("h2", {}, "Held back by a circuit breaker"), await Promise.all(tripped.map(breaker)));
}

async function breaker(tripped) {
  const { rows } = await get("/studio/data/breakers/held", { dataset: tripped.dataset, limit: 20 });
  const decide = (operation, done) => attempt(() => post(address`/api/datasets/${tripped.dataset}`, { operation }), `${tripped.dataset}: ${done}`).then(showBreakers);
  const deleted = rows.filter((row) => row.deleted).length;
  return h("section", { class: "card case" },
    h("h3", {}, datasetLink(tripped.dataset), ` holds ${plural(tripped.held, "change")} back`),
    h("p", { class: "notice bad" }, tripped.reason),
    h("p", { class: "values wrap" }, deleted === rows.length ? "Deletions: " : "", rows.map((row) => row.id).join(", "), tripped.held > rows.length && " …"),
    h("div", { class: "bar" },
      h("button", { type: "button", onclick: () => decide("commit-circuit-breaker", "published") }, "Publish them"),
      h("button", { type: "button", onclick: () => decide("rollback-circuit-breaker", "dropped") }, "Drop them"),
      h("span", { class: "hint" }, "What still stands in the source comes again after a drop.")));
}

start();
fill(at("view"), breakers,
  h("div", { class: "head" }, h("p", { class: "hint" }, "Correct the data where it comes from, or the pipe; then let the entity be tried again. It is read again from the source."),
    h("button", { type: "button", onclick: retryAll }, "Retry all")),
  letters.element, h("h2", {}, "To be retried by itself"), queue.element);
live(showBreakers, 5);
for (const table of [letters, queue]) live(() => (table.shown <= 50 ? table.reload() : null), 4);
