// Values of entities: short lines, differences, whole entities.

import { h } from "../core/dom.js";
import { number, plain, stamp } from "../core/format.js";

const LONG = 240;

/** One value; null is told apart from an empty text. */
export function value(content) {
  if (content === null || content === undefined) return h("span", { class: "null" }, "nothing");
  if (content === "") return h("span", { class: "null" }, "empty text");
  if (typeof content === "object") return h("code", {}, cut(JSON.stringify(content)));
  if (typeof content === "string" && content.startsWith("~t")) return h("time", { title: content.slice(2) }, stamp(content.slice(2)));
  return cut(plain(content));
}

/** The same of a property; Unix seconds, which its name gives away, are shown as the moment that they mean. */
export function momentOr(property, content) {
  if (!/_(at|on|date)$/.test(property) || !Number.isInteger(content)) return value(content);
  return h("time", { title: String(content) }, stamp(content * 1e6));
}

function cut(text) {
  if (text.length <= LONG) return text;
  return h("details", {}, h("summary", {}, `${text.slice(0, 80)}…`), text);
}

/** A few values of an entity in one line. */
export function line(values) {
  const parts = Object.entries(values);
  return h("span", { class: "values" }, parts.map(([name, content], n) => [n > 0 && " · ", `${name} `, h("b", {}, plain(content))]));
}

/** What changed, property by property. */
export function changeList(changes) {
  return h("dl", { class: "pairs" }, changes.map((change) => [
    h("dt", { class: "mono" }, change.path),
    h("dd", {},
      change.kind !== "added" && h("del", {}, text(change.before)), change.kind === "changed" && " ",
      change.kind !== "removed" && h("ins", {}, text(change.after))),
  ]));
}

function text(content) {
  if (content === null || content === undefined) return "nothing";
  if (content === "") return "empty text";
  const shown = plain(content);
  if (shown.length <= LONG) return shown;
  return h("details", { class: "long" }, h("summary", {}, `${number(shown.length)} characters`), shown);
}

/** An entity as indented JSON. */
export function source(entity) {
  return h("pre", { class: "code", tabindex: "0", role: "group", "aria-label": "JSON" }, JSON.stringify(entity, null, 2));
}
