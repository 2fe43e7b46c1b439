// A row of buttons of which one is pressed.

import { h } from "../core/dom.js";

/** `options`: [[value, label]]; `choose(value)` is called when another one is pressed. */
export function segmented(label, options, value, choose) {
  const buttons = options.map(([name, text]) => h("button", { type: "button", "aria-pressed": String(name === value), onclick: (event) => {
    for (const each of buttons) each.setAttribute("aria-pressed", String(each === event.currentTarget));
    choose(name);
  } }, text));
  return h("div", { class: "segmented", role: "group", "aria-label": label }, buttons);
}
