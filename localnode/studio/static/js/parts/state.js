// How a pipe is: a word, a shape and a colour, never a colour alone.

import { h, s } from "../core/dom.js";

export const STATES = {
  running: { label: "running", kind: "run", path: "M3 2 L10 6 L3 10 Z" },
  failed: { label: "failed", kind: "bad", path: "M2.5 2.5 L9.5 9.5 M9.5 2.5 L2.5 9.5" },
  invalid: { label: "config error", kind: "bad", path: "M6 1.5 V7 M6 9.5 V10.5" },
  blocked: { label: "blocked", kind: "bad", path: "M2 6 H10" },
  "not-runnable": { label: "not runnable here", kind: "off", path: "M2.5 9.5 L9.5 2.5" },
  waiting: { label: "waiting", kind: "warn", path: "M3 2 H9 L3 10 H9 Z" },
  disabled: { label: "disabled", kind: "off", path: "M4 2.5 V9.5 M8 2.5 V9.5" },
  never: { label: "not run yet", kind: "off", path: "M6 6 H6.01" },
  ready: { label: "ready", kind: "ok", path: "M2 6.5 L5 9.5 L10 3" },
};

/** The shape of a state, 12 by 12. */
export function glyph(state, props = {}) {
  return s("path", { d: STATES[state].path, fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round", ...props });
}

/** A state as a small badge. */
export function badge(state) {
  const { label, kind } = STATES[state];
  return h("span", { class: `pill ${kind}` }, s("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" }, glyph(state)), label);
}

/** What keeps a pipe from being well, loudest first; "" when nothing does. */
export function trouble(pipe) {
  if (["failed", "invalid", "blocked"].includes(pipe.state)) return "bad";
  if (pipe.state === "waiting" || pipe.retries || pipe.dead_letters || pipe.breaker) return "warn";
  return "";
}
