// A table that the node pages: the first page is shown at once, further ones when asked for.

import { fill, h, keepFocus } from "../core/dom.js";
import { saveCsv } from "./csv.js";

const ENOUGH = 20;
const MOST_PAGES = 20;
const MOST_ROWS = 20000;

/**
 * `columns`: [{ title, cell(row) → child, num, head }]; `load(cursor)` → { rows, cursor }; `key(row)` names a row.
 * Every list can be filtered (`filters`: unless the page has a search of its own) and exported.
 * Returns { element, reload(), rows }. `reload` replaces what is shown by the first page.
 */
export function pagedTable({ caption, columns, load, empty, stack = true, summary = () => "", filters = true }) {
  const body = h("tbody");
  const field = h("input", { type: "search", placeholder: `Filter ${caption.toLowerCase()}`, "aria-label": `Filter the list: ${caption}`, oninput: () => {
    clearTimeout(typing);
    typing = setTimeout(() => show(null, true).catch(tell), 300);
  } });
  const save = h("button", { type: "button", class: "small", "aria-label": `Export ${caption} as CSV`, onclick: () => exported().catch(tell) }, "Export CSV");
  const tools = h("div", { class: "bar tools" }, filters && h("span", { class: "fill" }, field), save);
  let typing = 0;
  const foot = h("div", { class: "more" });
  const nothing = h("div", { class: "empty", hidden: true });
  const table = h("table", { class: stack ? "stack" : null, "aria-label": caption },
    h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.num ? "num" : null }, column.title)))), body);
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${caption}, table` }, table);
  const element = h("div", { class: "card flush" }, tools, scroll, nothing, foot);
  let shown = 0;
  let round = 0;

  const text = () => field.value.trim().toLowerCase();

  /** A page; with a filter, what matches in as many pages as it takes to find some. */
  async function matching(cursor, isWanted) {
    let page = await load(cursor);
    const wanted = text();
    if (!wanted) return page;
    const rows = [];
    for (let pages = 1; ; pages += 1) {
      rows.push(...page.rows.map((row) => ({ ...row, element: line(columns, row) })).filter((row) => row.element.textContent.toLowerCase().includes(wanted)));
      if (rows.length >= ENOUGH || pages >= MOST_PAGES || page.cursor === null || page.cursor === undefined || !isWanted()) return { ...page, rows };
      page = await load(page.cursor);
    }
  }

  async function exported() {
    const rows = [];
    let cursor = null;
    do {
      const page = await matching(cursor, () => true);
      rows.push(...page.rows.map((row) => [...(row.element ?? line(columns, row)).children].map((each) => each.textContent.trim())));
      cursor = page.cursor ?? null;
    } while (cursor !== null && rows.length < MOST_ROWS);
    saveCsv(caption.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"), columns.map((column) => column.title), rows);
  }

  async function show(cursor, first) {
    const mine = ++round;
    const page = await matching(cursor, () => mine === round);
    if (mine !== round) return;
    const back = keepFocus(element);
    if (first) {
      body.replaceChildren();
      shown = 0;
    }
    for (const row of page.rows) body.append(row.element ?? line(columns, row));
    shown += page.rows.length;
    const isEmpty = shown === 0;
    scroll.hidden = isEmpty;
    nothing.hidden = !isEmpty;
    tools.hidden = isEmpty && !text();
    if (isEmpty) fill(nothing, text() ? [h("strong", {}, `None holds “${field.value.trim()}”`)] : empty());
    const more = page.cursor !== null && page.cursor !== undefined;
    const figures = text() ? "" : summary(shown, page);
    foot.hidden = !more && !figures;
    fill(foot, figures && h("span", {}, figures), more && h("button", { type: "button", class: "small", onclick: () => show(page.cursor, false).catch(tell) }, "Show more"));
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
