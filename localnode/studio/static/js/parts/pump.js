// Buttons of a pump.

import { address, ApiError, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { attempt } from "../core/shell.js";

const BUTTONS = [
  ["start", "Start", "started"],
  ["stop", "Stop", "stopped"],
  ["start-rescan", "Rescan", "rescan started"],
  ["disable", "Disable", "disabled"],
  ["enable", "Enable", "enabled"],
];

/** Start, stop, rescan, disable or enable, as far as the pipe's pump can do it now. `pipe`: a card of the flow. */
export function pumpButtons(pipe, after = () => {}) {
  const fits = {
    start: pipe.has_pump && !pipe.disabled && pipe.state !== "running",
    stop: pipe.state === "running",
    "start-rescan": pipe.has_pump && !pipe.disabled && pipe.state !== "running",
    disable: !pipe.disabled,
    enable: pipe.disabled,
  };
  return h("div", { class: "bar" }, BUTTONS.filter(([operation]) => fits[operation]).map(([operation, label, done]) =>
    h("button", { type: "button", class: operation === "start" ? "primary" : null, onclick: () => operate(pipe.id, operation, done).then(after) }, label)));
}

function operate(pipe, operation, done) {
  return attempt(async () => {
    try {
      await post(address`/api/pipes/${pipe}/pump`, { operation });
    } catch (error) {
      if (error instanceof ApiError && error.status === 409 && operation.startsWith("start")) throw new ApiError(409, `${pipe} is running already.`);
      throw error;
    }
  }, `${pipe}: ${done}`);
}
