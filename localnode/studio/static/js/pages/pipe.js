// One pipe: its state, its pump, its runs, its trouble, its config.

import { address, get } from "../core/api.js";
import { at, fill, h, refill } from "../core/dom.js";
import { live } from "../core/live.js";
import { start, title } from "../core/shell.js";
import { runCharts } from "../parts/charts.js";
import { fromAddress } from "../parts/links.js";
import { pipeCard, pipeList } from "../parts/pipe_card.js";
import { mappingRows } from "../parts/mapping.js";
import { runTable } from "../parts/runs.js";
import { source } from "../parts/values.js";

const id = fromAddress("/studio/pipes/");
const card = h("section", { class: "card", "aria-label": "State" });
const config = h("section", { class: "card" });
const charts = runCharts({ pipe: id });
const table = runTable({ pipe: id });
let configText = "";

async function show() {
  const pipe = await get(address`/studio/data/pipes/${id}`);
  refill(card, h("div", { class: "pipelist" }, pipeCard(pipe, refresh),
    h("dl", { class: "pairs" }, h("dt", {}, "Read by"), h("dd", {}, pipeList(pipe.readers))),
    pipe.findings.map((finding) => h("p", { class: `notice ${finding.level === "error" ? "bad" : "warn"}` }, `${finding.elements ?? ""} ${finding.msg}`))));
  const text = JSON.stringify(pipe.config);
  if (text !== configText) fill(config, mappingRows(pipe.config), h("details", {}, h("summary", {}, "Config as uploaded"), source(pipe.config)));
  configText = text;
}

start();
title(id);
fill(at("view"), card, charts.element, h("h2", {}, "Runs"), table.element, config);
const refresh = live(async () => {
  try {
    await show();
  } catch (error) {
    if (error.status === 404) fill(at("view"), h("p", { class: "notice bad" }, error.message));
    throw error;
  }
}, 3);
live(() => charts.load(), 10);
live(() => (table.shown <= 50 ? table.reload() : null), 10);
