// Runs and throughput over time.

import { at, fill, h } from "../core/dom.js";
import { live } from "../core/live.js";
import { start } from "../core/shell.js";
import { runCharts } from "../parts/charts.js";
import { parameter, remember } from "../parts/links.js";
import { runTable } from "../parts/runs.js";
import { segmented } from "../parts/segmented.js";

const WINDOWS = [["900", "15 min"], ["3600", "1 hour"], ["21600", "6 hours"], ["86400", "1 day"], ["604800", "7 days"]];
const state = { window: WINDOWS.some(([name]) => name === parameter("window")) ? parameter("window") : "3600", failed: parameter("failed") === "yes" };
const charts = runCharts();
const table = runTable({ filter: () => ({ failed: state.failed || null }) });
charts.window(Number(state.window));

function keep() {
  remember({ window: state.window, failed: state.failed ? "yes" : null });
}

const chosen = segmented("Time", WINDOWS, state.window, (value) => {
  state.window = value;
  keep();
  charts.window(Number(value));
  charts.load();
});
const failed = h("input", { type: "checkbox", checked: state.failed, onchange: (event) => {
  state.failed = event.target.checked;
  keep();
  table.reload();
} });

start();
fill(at("view"), h("div", { class: "bar" }, chosen), charts.element,
  h("div", { class: "head" }, h("h2", {}, "Latest runs"), h("label", {}, failed, "only with errors")), table.element);
live(() => charts.load(), 5);
live(() => (table.shown <= 50 ? table.reload() : null), 5);
