// How far the runs under way have come, how fast they go, and how long they still take.

import { get } from "../core/api.js";
import { h, refill } from "../core/dom.js";
import { duration, number } from "../core/format.js";
import { pipeLink } from "./links.js";

const SHOWN = 5;
const SHORTEST_S = 5;

/** A list of the runs that take long, none while all are quick. `isWanted(run)` chooses among them; `after()` is told how many. */
export function progressList(isWanted, after = () => {}) {
  const element = h("ul", { class: "progress", "aria-label": "Progress", hidden: true });
  let round = 0;
  const show = (runs) => {
    const more = runs.length - SHOWN;
    element.hidden = runs.length === 0;
    refill(element, runs.slice(0, SHOWN).map(line), more > 0 && h("li", { class: "hint" }, `and ${number(more)} more ${more === 1 ? "pipe" : "pipes"}`));
    after(runs.length);
  };
  return {
    element,
    clear() {
      round += 1;
      show([]);
    },
    async load() {
      const mine = ++round;
      const runs = await get("/api/progress");
      if (mine === round) show(runs.filter(isWanted));
    },
  };
}

/** Whether a run of the node's own has taken long enough to be worth a word. */
export const takesLong = (run) => !run.dry_run && run.seconds >= SHORTEST_S;

/** Whether it is a run of the plan or the comparison that is being made. */
export const isDryRun = (run) => run.dry_run === true;

function line({ pipe, read, left, per_minute: rate, seconds_left: seconds }) {
  const all = left === null ? null : read + left;
  const words = [all === null ? `${number(read)} read` : `${number(read)} of ${number(all)}`,
    rate && (rate < 6000 ? `${number(Math.round(rate))} a minute` : `${number(Math.round(rate / 60))} a second`),
    left > 0 && seconds !== null && `${duration(Math.ceil(seconds))} left`].filter(Boolean).join(", ");
  return h("li", {}, pipeLink(pipe), " ", h("span", { class: "hint" }, words),
    all > 0 && h("progress", { max: all, value: read, "aria-label": `${pipe}: ${words}` }));
}
