// What did not go through: dead letters with another try, the retry queue, and what circuit breakers hold back.

import { address, get, post, remove } from "../core/api.js";
import { at, fill, h } from "../core/dom.js";
import { ago, number, plural, stamp } from "../core/format.js";
import { live } from "../core/live.js";
import { attempt, start } from "../core/shell.js";
import { confirmed } from "../parts/dialog.js";
import { held } from "../parts/held.js";
import { pipeLink } from "../parts/links.js";
import { nothing, pagedTable } from "../parts/table.js";
import { line } from "../parts/values.js";

const breakers = held();

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

async function waiting() {
  const { pipes } = await get("/studio/data/flow");
  return pipes.filter((pipe) => pipe.dead_letters > 0);
}

/** All of them at once, once their number was typed. `operate(pipe)` handles those of one pipe. */
async function all(title, agree, text, danger, operate) {
  const pipes = await waiting();
  const count = pipes.reduce((sum, pipe) => sum + pipe.dead_letters, 0);
  if (!count) return;
  const list = h("ul", {}, pipes.map((pipe) => h("li", {}, pipeLink(pipe.id), `: ${plural(pipe.dead_letters, "dead letter")}`)));
  if (!await confirmed({ title: `${title} ${plural(count, "dead letter")}`, body: [h("p", {}, text), list], agree: `${agree} ${number(count)}`, typed: count, danger })) return;
  for (const pipe of pipes) await attempt(() => operate(pipe), `${pipe.id}: ${plural(pipe.dead_letters, "dead letter")}, ${agree.toLowerCase()}: done`);
  await letters.reload();
}

const retryAll = () => all("Try again", "Retry", "Each is read again from the source, and goes through the pipe again.", false,
  (pipe) => post(address`/api/pipes/${pipe.id}/pump`, { operation: "retry-dead-letters" }));
const dropAll = () => all("Drop", "Drop", "They are forgotten, and what they held goes nowhere, until it changes in the source.", true,
  (pipe) => remove(address`/api/datasets/${pipe.dead_letter_dataset}`));

const together = h("div", { class: "bar", hidden: true },
  h("button", { type: "button", onclick: () => attempt(retryAll) }, "Retry all"), h("button", { type: "button", onclick: () => attempt(dropAll) }, "Drop all"));

start();
fill(at("view"), breakers.element,
  h("div", { class: "head" }, h("p", { class: "hint" }, "Correct the data where it comes from, or the pipe. Then retry: the entity is read again from the source."), together),
  letters.element, h("h2", {}, "To be retried by itself"), queue.element);
live(async () => {
  await breakers.load();
  together.hidden = (await waiting()).length === 0;
}, 5);
for (const table of [letters, queue]) live(() => (table.shown <= 50 ? table.reload() : null), 4);
