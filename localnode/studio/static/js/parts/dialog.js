// A question with two answers. Whatever changes more than a little says what it will do before it does it.

import { fill, h } from "../core/dom.js";
import { number } from "../core/format.js";

/**
 * Ask; resolves with true when the person agrees. `load()` → what the body shows, once it is known: until then nobody can agree.
 * `typed`: a number that has to be typed first, for what cannot be taken back.
 */
export function confirmed({ title, body = [], load = null, agree, typed = null, danger = false }) {
  return new Promise((resolve) => {
    const place = h("div", { class: "pipelist" });
    const yes = h("button", { type: "submit", class: danger ? "danger" : "primary", disabled: load !== null || typed !== null }, agree);
    const no = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const field = typed !== null && h("input", { type: "text", inputmode: "numeric", autocomplete: "off", size: 6, id: "typed" });
    let loaded = load === null;
    const check = () => { yes.disabled = !loaded || (typed !== null && field.value.trim().replaceAll(/[\s,.]/g, "") !== String(typed)); };
    const dialog = h("dialog", { "aria-labelledby": "dialog-title", class: "wide" },
      h("form", { method: "dialog" },
        h("h2", { id: "dialog-title", tabindex: "-1", autofocus: true }, title), body, place,
        h("div", { class: "bar end" }, typed !== null && h("label", { for: "typed", id: "typed-hint" }, `Type ${number(typed)} to go on`, field), no, yes)));
    let agreed = false;
    dialog.addEventListener("submit", (event) => {
      if (yes.disabled) event.preventDefault();
      else agreed = true;
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(agreed);
    });
    field?.addEventListener?.("input", check);
    document.body.append(dialog);
    dialog.showModal();
    if (!load) return;
    fill(place, h("p", { class: "hint", role: "status" }, "Working out what would be written …"));
    load().then((shown) => {
      loaded = true;
      fill(place, shown);
    }, (error) => fill(place, h("p", { class: "notice bad", role: "alert" }, error.message))).finally(check);
  });
}
