// What every page has: the node's state, the sync button, the colour scheme, the menu, short notes.

import { get, post } from "./api.js";
import { at, fill, h } from "./dom.js";
import { findingCount } from "./findings.js";
import { number, plural, stamp } from "./format.js";
import { changed, live } from "./live.js";

const RUN_ALL = "/api/pipes/run-all-pipes?request_mode=async&reset_pipes_and_delete_sink_datasets=False";
let syncing = false;

/** Show `text` in a corner for a while; `kind` is "", "ok" or "bad". */
export function note(text, kind = "") {
  const element = h("div", { class: `note ${kind}` }, text);
  at("notes").append(element);
  setTimeout(() => element.remove(), kind === "bad" ? 12000 : 5000);
}

/** Do `work` and say how it went: `done` when it did, the error when not. */
export async function attempt(work, done = "") {
  try {
    const value = await work();
    if (done) note(done, "ok");
    return value;
  } catch (error) {
    note(error.message, "bad");
    return undefined;
  } finally {
    changed();
  }
}

/** Set the heading and the tab's title. */
export function title(text) {
  fill(at("title"), text);
  document.title = `${text} · Studio`;
}

const QUIET = ["behind", "waits", "conflict", "gone"];

/** The gravest first, two at most: the overview has them all. */
function showNode(node) {
  const pill = at("node-state");
  const loud = Object.entries(node.counts).filter(([kind]) => !QUIET.includes(kind));
  const parts = loud.slice(0, 2).map(([kind, figure]) => findingCount(kind, figure, number(figure)));
  if (loud.length > 2) parts.push(`${loud.length - 2} more`);
  if (node.running.length) parts.unshift(`${number(node.running.length)} running`);
  pill.className = `pill ${{ error: "bad", warning: "warn" }[node.state] ?? (node.running.length ? "run" : "ok")}`;
  fill(pill, parts.join(" · ") || "all well");
  pill.title = `${plural(node.pipes, "pipe")}, started ${stamp(node.started)}`;
  count("dead-letters", node.dead_letters + node.retries, "bad");
  count("pending", node.open + (node.counts.breaker ?? 0), node.counts.rejected || node.counts.breaker ? "bad" : "");
  syncState(node.run_all === "running");
}

/** A figure beside a section's name; none for 0. */
export function count(section, value, kind = "") {
  const element = document.querySelector(`[data-count="${section}"]`);
  if (!element) return;
  element.hidden = !value;
  element.className = `count ${kind}`;
  fill(element, number(value));
}

function syncState(running) {
  const button = at("sync");
  button.disabled = running;
  fill(button, running ? "Syncing …" : "Sync now");
  if (syncing && !running) finished();
  syncing = running;
}

async function finished() {
  const result = await get("/api/pipes/get-pipe-runner-status");
  if (result.status === "success") note(`Synced: ${plural(result.additional_info.changes, "change")}`, "ok");
  else if (!["not-running", "running"].includes(result.status)) note(`The sync ${result.status}: ${reasons(result)}`, "bad");
}

function reasons(result) {
  const info = result.additional_info ?? {};
  return [info.message, ...(info.failed_pipes ?? []).map((each) => `${each.pipe}: ${each.reason}`)].filter(Boolean).slice(0, 3).join("; ");
}

function scheme() {
  const button = at("theme");
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const label = () => fill(button, dark() ? "Light" : "Dark");
  button.title = "Change the colour scheme";
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    localStorage.setItem("studio-theme", document.documentElement.dataset.theme);
    label();
    document.dispatchEvent(new Event("studio-scheme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  label();
}

function menu() {
  const button = at("menu");
  button.addEventListener("click", () => {
    const open = at("sections").classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
}

/** Run all pipes until nothing moves, without resetting anything; after the run under way, if there is one. */
export function startSync() {
  syncState(true);
  return attempt(async () => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await post(RUN_ALL);
      } catch (error) {
        if (error.status !== 409 || tries > 120) throw error;
        await new Promise((resolve) => { setTimeout(resolve, 500); });
      }
    }
  });
}

/** What cannot be shown says why, on top of the page, until it can be again. */
function failed(message) {
  const retry = h("button", { type: "button", class: "small", onclick: () => location.reload() }, "Try again");
  const banner = h("div", { class: "notice bad", role: "alert", id: "trouble" }, h("b", {}, "Not everything can be shown: "), message || "the node gave no reason.", " ", retry);
  if (at("trouble")?.textContent === banner.textContent) return;
  at("trouble")?.remove();
  at("view").querySelector(".loading")?.remove();
  at("view").before(banner);
}

/** Start the frame of a page. */
export function start() {
  scheme();
  menu();
  at("sync").addEventListener("click", startSync);
  document.addEventListener("studio-trouble", ({ detail }) => {
    const pill = at("node-state");
    pill.className = "pill bad";
    fill(pill, detail?.status === 0 ? "no answer" : "trouble");
    pill.title = detail?.message ?? "";
    failed(detail?.message);
  });
  document.addEventListener("studio-fine", () => at("trouble")?.remove());
  addEventListener("unhandledrejection", ({ reason }) => failed(reason?.message));
  live(async () => showNode(await get("/studio/data/node")), 2);
}
