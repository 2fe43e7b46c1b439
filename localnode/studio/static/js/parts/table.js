// A table that the node pages: the first page is shown at once, further ones when asked for.

import { fill, h, keepFocus } from "../core/dom.js";

/**
 * `columns`: [{ title, cell(row) → child, num, head }]; `load(cursor)` → { rows, cursor }; `key(row)` names a row.
 * Returns { element, reload(), rows }. `reload` replaces what is shown by the first page.
 */
export function pagedTable({ caption, columns, load, empty, stack = true, summary = () => "" }) {
  const body = h("tbody");
  const foot = h("div", { class: "more" });
  const nothing = h("div", { class: "empty", hidden: true });
  const table = h("table", { class: stack ? "stack" : null, "aria-label": caption },
    h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.num ? "num" : null }, column.title)))), body);
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${caption}, table` }, table);
  const element = h("div", { class: "card flush" }, scroll, nothing, foot);
  let shown = 0;
  let round = 0;

  async function show(cursor, first) {
    const mine = ++round;
    const page = await load(cursor);
    if (mine !== round) return;
    const back = keepFocus(element);
    if (first) {
      body.replaceChildren();
      shown = 0;
    }
    for (const row of page.rows) body.append(line(columns, row));
    shown += page.rows.length;
    const isEmpty = shown === 0;
    scroll.hidden = isEmpty;
    nothing.hidden = !isEmpty;
    if (isEmpty) fill(nothing, empty());
    const more = page.cursor !== null && page.cursor !== undefined;
    const text = summary(shown, page);
    foot.hidden = !more && !text;
    fill(foot, text && h("span", {}, text), more && h("button", { type: "button", class: "small", onclick: () => show(page.cursor, false).catch(tell) }, "Show more"));
    back();
  }

  return { element, reload: () => show(null, true).catch(tell), get shown() { return shown; } };
}

const tell = (error) => document.dispatchEvent(new CustomEvent("studio-trouble", { detail: error }));

/** A table of rows that are all at hand. */
export function plainTable({ caption, columns, rows, stack = true }) {
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${caption}, table` },
    h("table", { class: stack ? "stack" : null, "aria-label": caption },
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.num ? "num" : null }, column.title)))),
      h("tbody", {}, rows.map((row) => line(columns, row)))));
}

function line(columns, row) {
  return h("tr", {}, columns.map((column) => h(column.head ? "th" : "td",
    { scope: column.head ? "row" : null, class: [column.num && "num", column.kind].filter(Boolean).join(" ") || null, "data-label": column.head ? null : column.title },
    column.cell(row))));
}

/** A text in bold and a line below it: what an empty table says. */
export const nothing = (head, text = "") => [h("strong", {}, head), text];
