// One dataset: its entities page by page, search, and one entity with its versions.

import { address, get } from "../core/api.js";
import { at, fill, h, refill } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { live } from "../core/live.js";
import { start, title } from "../core/shell.js";
import { entityView } from "../parts/entity.js";
import { entityTable, foundTable } from "../parts/entities.js";
import { fromAddress, parameter, remember } from "../parts/links.js";
import { pipeList } from "../parts/pipe_card.js";
import { segmented } from "../parts/segmented.js";

const id = fromAddress("/studio/datasets/");
const entity = parameter("entity");
const state = { order: parameter("order") === "id" ? "id" : "newest", q: parameter("q") ?? "" };

function tiles(info) {
  const tile = (name, value) => h("div", { class: "tile" }, h("div", { class: "value" }, value), h("div", { class: "name" }, name));
  return [
    h("div", { class: "tiles" }, tile("entities", number(info.live)), tile("deleted", number(info.deleted)), tile("versions", number(info.versions))),
    info.breaker && h("p", { class: "notice bad" }, info.breaker),
    h("dl", { class: "pairs" }, h("dt", {}, "Written by"), h("dd", {}, pipeList(info.writer)), h("dt", {}, "Read by"), h("dd", {}, pipeList(info.readers)),
      h("dt", {}, "Looked up by"), h("dd", {}, pipeList(info.hoppers))),
  ];
}

function browser() {
  const place = h("div");
  let table;
  const show = () => {
    remember({ q: state.q.trim(), order: state.order === "id" ? "id" : null });
    if (state.q.trim()) {
      table = null;
      fill(place, foundTable(id, state.q.trim()));
      return;
    }
    table = entityTable(id, state.order);
    fill(place, table.element);
    table.reload();
  };
  let typing = 0;
  const field = h("input", { type: "search", placeholder: "The beginning of an id, or any text", "aria-label": "Search entities", value: state.q, oninput: () => {
    state.q = field.value;
    clearTimeout(typing);
    typing = setTimeout(show, 300);
  } });
  show();
  live(() => (table && table.shown <= 50 ? table.reload() : null), 5);
  return [h("div", { class: "bar" }, h("span", { class: "fill" }, field),
    segmented("Order", [["newest", "Newest first"], ["id", "By id"]], state.order, (value) => { state.order = value; show(); })), place];
}

start();
if (entity === null) {
  title(id);
  const facts = h("section", { class: "pipelist", "aria-label": "Figures" });
  fill(at("view"), facts, browser());
  live(async () => {
    try {
      const info = await get(address`/studio/data/datasets/${id}/info`);
      refill(facts, tiles(info));
    } catch (error) {
      if (error.status === 404) fill(at("view"), h("p", { class: "notice bad" }, error.message));
      throw error;
    }
  }, 5);
} else {
  title(entity);
  fill(at("view"), entityView(id, entity));
}
