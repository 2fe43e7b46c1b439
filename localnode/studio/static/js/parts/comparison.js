// One record and its counterparts side by side, property by property, and why each value is what it is.

import { fill, h } from "../core/dom.js";
import { ago, number, plain, stamp } from "../core/format.js";
import { link, unlink } from "./case_actions.js";
import { action, decide } from "./decide.js";
import { entityPage } from "./links.js";
import { recordLink, recordName } from "./record_link.js";
import { changeList, momentOr, source, value } from "./values.js";

/** `explained`: answers of explain, the record itself first. */
export function comparison(explained) {
  const [main] = explained;
  const rows = merged(explained);
  const state = { empty: false, differing: false };
  const body = h("tbody");
  const show = () => {
    const visible = rows.filter((row) => (state.empty || !row.unset) && (!state.differing || row.apart));
    fill(body, visible.map((row) => property(row, explained)),
      !visible.length && h("tr", {}, h("td", { colspan: explained.length + 2, class: "empty" }, "Nothing to show: every value is the same on all sides.")));
  };
  const box = (name, text) => h("label", {}, h("input", { type: "checkbox", onchange: (event) => { state[name] = event.target.checked; show(); } }), text);
  show();
  return [
    intro(main, explained),
    main.open.map(openCase),
    h("div", { class: "head" }, h("h2", {}, "Values, and why"), h("div", { class: "bar" }, box("differing", "only what differs"), box("empty", "empty ones, too"))),
    h("div", { class: "card flush" }, h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Values, table" },
      h("table", { class: "compare stack", "aria-label": "Values of all sides" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Property"), explained.map((side) => h("th", { scope: "col" }, recordName(side))), h("th", { scope: "col" }, "Why"))),
        body))),
    h("h2", {}, "Writes"),
    h("div", { class: "grid" }, explained.map(writes)),
    h("h2", {}, "As collected"),
    h("div", { class: "grid" }, explained.map((side) => h("details", { class: "card" }, h("summary", {}, recordName(side)), source(side.record)))),
  ];
}

function intro(main, explained) {
  const together = explained.length > 1
    ? [`The same ${main.concept?.replace(/^global-/, "") ?? "record"} as `, explained.slice(1).map((other, n) => [n > 0 && ", ", recordLink(other)]), "."]
    : main.concept ? "No counterpart in another system." : "It is not part of any golden record.";
  return h("div", { class: "bar" },
    main.deleted && h("span", { class: "pill bad" }, "deleted"),
    main.ambiguous && h("span", { class: "pill warn" }, "ambiguous: a person must say which records belong together"),
    h("span", {}, together),
    h("span", { class: "hint" }, "changed ", h("time", { title: stamp(main.modified) }, ago(main.modified))),
    main.golden && h("a", { href: entityPage(main.concept, main.golden) }, "golden record"),
    !main.deleted && main.concept && (explained.length > 1
      ? action("Unlink", () => unlink(main, recordName(main))) : action("Link to …", () => link(main, recordName(main)))),
    h("a", { href: "/studio/record" }, "find another"));
}

function openCase(open) {
  return h("p", { class: "notice warn" }, h("b", {}, `${open.status}: `), open.detail ?? open.rule ?? "");
}

/** One row per shared property: what each side says, and one explanation. */
function merged(explained) {
  const names = [...new Set(explained.flatMap((side) => side.properties.map((each) => each.property)))].sort();
  return names.map((name) => {
    const sides = explained.map((side) => side.properties.find((each) => each.property === name));
    const known = sides.find(Boolean);
    return { name, sides, known, unset: known.rule.name === "unset", apart: sides.some((side) => side && !side.in_sync) };
  });
}

function property(row, explained) {
  return h("tr", { class: row.apart ? "apart" : null },
    h("th", { scope: "row" }, row.name),
    row.sides.map((side, n) => h("td", { "data-label": recordName(explained[n]) }, side ? cell(side, explained[n], row.apart) : "")),
    h("td", { "data-label": "Why", class: "why" }, why(row, explained)));
}

function cell(side, record, apart) {
  const kept = side.fields.length > 0;
  const won = side.source.system === record.system && side.source.datatype === record.datatype && side.source.id === record.id && side.rule.name !== "unset";
  return [
    kept || side.here !== null ? h("span", { class: side.in_sync ? null : "differs" }, momentOr(side.property, side.here)) : h("span", { class: "null" }, "this field is not synced to this record"),
    won && h("span", { class: "pill ok won" }, "from here"),
    apart && kept && side.here !== null && h("div", {}, action("Choose this value", () => decide({
      title: `Choose ${plain(side.here)} for ${side.property}`, asked: { action: "choose", record, property: side.property }, agree: "Choose it" }),
    `Choose ${plain(side.here)} of ${recordName(record)} for ${side.property}`)),
    kept && h("div", { class: "field mono" }, side.fields.join(", ").split(/(?<=[._])/).map((part) => [part, h("wbr")])),
    side.note && kept && h("div", { class: "field" }, side.note),
  ];
}

function why({ known, sides }, explained) {
  return h("details", {}, h("summary", {}, known.rule.text),
    h("dl", { class: "pairs" },
      term("Value", momentOr(known.property, known.value)),
      term("Changed", known.clock ? h("time", { title: known.clock }, stamp(known.clock)) : "never, as far as is known"),
      known.rule.name !== "unset" && term("Source", [recordLink(known.source), known.source.field && [", field ", h("code", {}, known.source.field)],
        known.source.version !== null && [", ", h("a", { href: entityPage(known.source.dataset, known.source.id) }, `version ${known.source.version}`), ` of ${stamp(known.source.stored)}`]]),
      known.losers.map((loser) => term("Lost", [h("b", {}, plain(loser.value)), " of ", recordLink(loser), loser.clock && ` (${stamp(loser.clock)})`, `: ${loser.why}`])),
      sides.map((side, n) => side?.written && term("Written", [`to ${recordName(explained[n])}, `, h("time", { title: side.written.at }, stamp(side.written.at)), " by ", h("code", {}, side.written.call ?? side.written.pipe), ": ",
        changeList([{ path: "", kind: "changed", before: side.written.before, after: side.written.after }])]))));
}

const term = (name, ...content) => [h("dt", {}, name), h("dd", {}, content)];

function writes(side) {
  return h("section", { class: "card" }, h("h3", {}, `To ${recordName(side)}`),
    side.writes.length ? h("div", { class: "versions" }, side.writes.slice(0, 10).map((write) => h("article", { class: "version" },
      h("div", { class: "bar" }, h("b", {}, stamp(write.at)), h("span", { class: "pill run" }, write.operation), h("code", {}, write.call ?? write.pipe)),
      changeList(write.changes.map((change) => ({ path: change.field, kind: change.before === null || change.before === undefined ? "added" : "changed", ...change }))))))
      : h("p", { class: "hint" }, "The sync has written nothing to it."),
    side.writes.length > 10 && h("p", { class: "hint" }, `and ${number(side.writes.length - 10)} earlier ones`));
}
