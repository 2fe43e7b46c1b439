// Choose a record of another system.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { recordName } from "./record_link.js";
import { endSearch, search } from "./search.js";
import { line } from "./values.js";

/** Ask for a record of another system that could be the same thing as `record`; null when the person gives up. */
export function choose({ title, record, text }) {
  return new Promise((resolve) => {
    let chosen = null;
    const found = h("ul", { class: "choices" });
    const told = h("p", { class: "hint", role: "status" });
    const field = h("input", { type: "search", "aria-label": "Find a record", value: text, oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(find, 300);
    } });
    let typing = 0;
    const dialog = h("dialog", { class: "wide", "aria-labelledby": "choose-title" },
      h("form", { method: "dialog", onsubmit: (event) => event.preventDefault() }, h("h2", { id: "choose-title" }, title), field, told, found,
        h("div", { class: "bar end" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"))));
    dialog.addEventListener("close", () => {
      endSearch();
      dialog.remove();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
    let kinds = null;
    find();

    async function find() {
      const wanted = field.value.trim();
      fill(found);
      if (!wanted) return fill(told, "Type a name, an address or a number.");
      fill(told, "Searching …");
      try {
        kinds ??= alike(await get("/studio/data/kinds"), record);
        const known = new Map(kinds.map((kind) => [kind.dataset, kind]));
        await search([...known.keys()], wanted, (part) => {
          const kind = known.get(part.dataset);
          found.append(...part.rows.filter((row) => !row.deleted).map((row) => one({ system: kind.system, datatype: kind.datatype, id: row.id }, row.values)));
        }, 10);
        return fill(told, found.children.length ? "" : `No record of another system holds “${wanted}”.`);
      } catch (error) {
        return fill(told, error.message);
      }
    }

    function one(record, values) {
      const label = recordName(record);
      return h("li", {}, h("button", { type: "button", onclick: () => {
        chosen = { ...record, label };
        dialog.close();
      } }, h("b", {}, label), line(values)));
    }
  });
}

/** The kinds of other systems that are merged with the record's own. */
function alike(kinds, record) {
  const own = kinds.find((kind) => kind.system === record.system && kind.datatype === record.datatype);
  return kinds.filter((kind) => kind.system !== record.system && kind.concept === own?.concept);
}
