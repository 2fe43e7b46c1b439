// The front page: what was synced, what waits, what failed, what is slow, what comes next, and what people were told.

import { get } from "../core/api.js";
import { at, h, refill } from "../core/dom.js";
import { findingName } from "../core/findings.js";
import { ago, day, due, duration, number, plural, stamp } from "../core/format.js";
import { live } from "../core/live.js";
import { start } from "../core/shell.js";
import { dayChart } from "../parts/charts.js";
import { pipeLink } from "../parts/links.js";
import { progressList, takesLong } from "../parts/progress.js";
import { nothing, plainTable } from "../parts/table.js";

const DAYS = 14;
const LOUD = { error: "bad", warning: "warn", note: "off" };
const PAGES = { breaker: "/studio/pending", rejected: "/studio/pending", quarantined: "/studio/pending", pending: "/studio/pending", conflict: "/studio/pending", gone: "/studio/pending",
  "dead-letters": "/studio/dead-letters", retries: "/studio/dead-letters" };
const FAILING = ["disk-full", "config-error", "not-runnable", "unreadable", "failed", "stalled"];
const WAITING = ["pending", "rejected", "quarantined", "breaker", "dead-letters"];

const tiles = h("div", { class: "tiles" });
const attention = h("section", { class: "card", "aria-label": "What needs attention" });
const told = h("section", { class: "card", "aria-label": "Alerts" });
const slow = h("section", { class: "card" });
const chart = dayChart("Synced by day");
const running = progressList(takesLong, (count) => { long.hidden = count === 0; });
const long = h("section", { class: "card", "aria-label": "Running now", hidden: true }, h("h2", {}, "Running now"), running.element);

/** When the last days begin where the reader is, in seconds. */
function starts() {
  const today = new Date();
  today.setHours(0, 0, 0, 0);
  return Array.from({ length: DAYS }, (_, n) => {
    const start = new Date(today);
    start.setDate(start.getDate() - (DAYS - 1 - n));
    return Math.floor(start.getTime() / 1000);
  });
}

const sum = (counts, kinds) => kinds.reduce((total, kind) => total + (counts[kind] ?? 0), 0);

function tile(name, content, href, kind = "") {
  const inner = [h("div", { class: `value ${kind}` }, content), h("div", { class: "name" }, name)];
  return href ? h("a", { class: "tile", href }, inner) : h("div", { class: "tile" }, inner);
}

function showTiles(seen) {
  const today = seen.days.at(-1);
  const failing = sum(seen.counts, FAILING);
  const waiting = sum(seen.counts, WAITING);
  const [slowest] = seen.slowest;
  refill(tiles,
    tile("synced today", number(today.insert + today.update + today.delete), `/studio/log?day=${day(today.start)}`),
    tile("waiting for a person", number(waiting), "/studio/pending", waiting ? "warn" : ""),
    tile("failing", number(failing), "/studio/flow?q=trouble&as=list", failing ? "bad" : ""),
    tile("slowest of the last runs", slowest ? duration(slowest.seconds) : "–", "/studio/runs"),
    tile("next run", seen.running ? "now" : seen.next ? due(seen.next.at) : "not scheduled", "/studio/runs"));
}

function showAttention(seen) {
  refill(attention, h("h2", {}, "What needs attention"), seen.findings.length
    ? plainTable({ caption: "What needs attention", rows: seen.findings, columns: [
      { title: "What", head: true, cell: (each) => h("span", { class: `pill ${LOUD[each.severity]}` }, findingName(each.kind, each.count)) },
      { title: "Where", cell: (each) => [each.about ?? "", each.pipe && h("div", { class: "small" }, pipeLink(each.pipe))] },
      { title: "Count", num: true, cell: (each) => number(each.count) },
      { title: "Why", kind: "wrap", cell: (each) => (each.kind in PAGES ? h("a", { href: PAGES[each.kind] }, each.detail) : each.detail) },
    ] }) : h("p", { class: "hint" }, "Nothing: all pumps do their work, and no record waits."));
}

function showTold(seen) {
  const alert = (each, isTold) => h("li", { class: `notice ${LOUD[each.severity]}` },
    h("b", {}, `${each.rule.replaceAll("-", " ")}: `), `${each.about ?? each.pipe ?? "the node"}: ${each.detail} `,
    h("div", { class: "small" }, isTold ? "alert since " : "no alert yet, since ", h("time", { title: stamp(each.told ?? each.since) }, ago(each.told ?? each.since))));
  const broken = seen.alerts.channels.filter((channel) => channel.error);
  refill(told, h("h2", {}, "Alerts"),
    broken.map((channel) => h("p", { class: "notice bad" }, h("b", {}, `${channel.id} gets nothing: `), channel.error)),
    seen.alerts.channels.length === 0 && h("p", { class: "hint" }, "They are shown here only: no e-mail address and no hook is set up (NODE_ALERTS)."),
    seen.alerts.firing.length + seen.alerts.coming.length
    ? h("ul", { class: "pipelist" }, seen.alerts.firing.map((each) => alert(each, true)), seen.alerts.coming.map((each) => alert(each, false)))
    : h("p", { class: "hint" }, "No alert."));
}

function showSlow(seen) {
  refill(slow, h("h2", {}, "Slowest of the last runs"), seen.slowest.length
    ? plainTable({ caption: "Slowest runs", rows: seen.slowest, columns: [
      { title: "Pipe", head: true, kind: "wrap", cell: (each) => pipeLink(each.pipe) },
      { title: "Took", num: true, cell: (each) => duration(each.seconds) },
      { title: "Ended", kind: "nowrap", cell: (each) => h("time", { title: stamp(each.ended) }, ago(each.ended)) },
    ] }) : h("div", { class: "empty" }, nothing("No pipe has run yet")));
}

start();
live(async () => {
  const seen = await get("/studio/data/overview", { days: starts().join(",") });
  if (!tiles.isConnected) at("view").replaceChildren(tiles, long, h("div", { class: "grid broad" }, attention, told), h("div", { class: "grid" }, chart.element, slow));
  showTiles(seen);
  showAttention(seen);
  showTold(seen);
  showSlow(seen);
  const total = seen.days.reduce((all, each) => all + each.insert + each.update + each.delete, 0);
  chart.show(seen.days, `${plural(total, "record")} written in ${DAYS} days.${seen.complete ? "" : " Only the latest are counted, there were too many."}`);
}, 5);
live(running.load, 2);
