// Values as people read them.

const NUMBER = new Intl.NumberFormat();
const SHORT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const STAMP = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY_AND_MONTH = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const STEPS = [[60, "s", 1], [3600, "min", 60], [86400, "h", 3600], [Infinity, "d", 86400]];

export const number = (value) => (value === null || value === undefined ? "–" : NUMBER.format(value));
export const short = (value) => (value === null || value === undefined ? "–" : SHORT.format(value));

/** Seconds as a duration. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds === 0) return "0 s";
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Milliseconds since the epoch from ISO text or from µs. */
export function millis(moment) {
  return typeof moment === "number" ? moment / 1000 : Date.parse(moment);
}

/** How long ago, or how far ahead. */
export function ago(moment) {
  if (moment === null || moment === undefined) return "never";
  const away = (Date.now() - millis(moment)) / 1000;
  const [, unit, size] = STEPS.find(([limit]) => Math.abs(away) < limit);
  const count = Math.round(Math.abs(away) / size);
  if (count === 0) return "now";
  return away >= 0 ? `${count} ${unit} ago` : `in ${count} ${unit}`;
}

/** When something planned happens. */
export const due = (moment) => (millis(moment) <= Date.now() ? "due" : ago(moment));

/** Date and time in the reader's own zone. */
export const stamp = (moment) => (moment === null || moment === undefined ? "–" : STAMP.format(new Date(millis(moment))));

/** A moment in seconds as a time of day, and as a day without its year: the marks of a chart. */
export const clockTime = (seconds) => TIME.format(new Date(seconds * 1000));
export const dayAndMonth = (seconds) => DAY_AND_MONTH.format(new Date(seconds * 1000));

/** The day of a moment in seconds where the reader is, as a date field has it. */
export function day(seconds) {
  const moment = new Date(seconds * 1000);
  return [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** One plain value as text; Sesam's "~:", "~t" and "~r" marks are dropped. */
export function plain(value) {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return value.replace(/^~[:trfbu]/, "");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const several = (one) => one.replace(/([^aeiou])y$/, "$1ie").replace(/$/, "s");

export const plural = (count, one, many = several(one)) => `${number(count)} ${count === 1 ? one : many}`;
