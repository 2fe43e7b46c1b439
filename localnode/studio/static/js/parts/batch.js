// A long list that is all at hand, shown a page at a time.

import { fill, h } from "../core/dom.js";
import { number } from "../core/format.js";

const PAGE = 50;

/** `items` as elements made by `one`, with a button for more. */
export function batch(items, one) {
  const list = h("div", { class: "pipelist" });
  const more = h("button", { type: "button", onclick: () => add() });
  let shown = 0;
  const add = () => {
    list.append(...items.slice(shown, shown + PAGE).map(one));
    shown = Math.min(items.length, shown + PAGE);
    more.hidden = shown >= items.length;
    fill(more, `Show more (${number(items.length - shown)} left)`);
  };
  add();
  return h("div", {}, list, h("div", { class: "more" }, more));
}
