// Calls to the node this page came from, with the token if a person had to give one.

import { h } from "./dom.js";

const TOKEN = "studio-token";

/** What a call answered instead of a result; `status` is 0 when nothing answered. */
export class ApiError extends Error {
  constructor(status, message, detail = {}) {
    super(message);
    this.status = status;
    this.detail = detail;
  }
}

/** GET `path` with `params` (null and empty ones are left out, but for those in `keep`); the JSON of the answer. */
export function get(path, params = {}, keep = []) {
  const given = Object.entries(params).filter(([name, value]) => value !== null && value !== undefined && (value !== "" || keep.includes(name)));
  const query = new URLSearchParams(given).toString();
  return call("GET", query ? `${path}?${query}` : path);
}

/** POST `body` as JSON. */
export function post(path, body = {}) {
  return call("POST", path, body);
}

/** DELETE what is at `path`. */
export function remove(path) {
  return call("DELETE", path);
}

/** A path with its parts encoded: address`/studio/data/pipes/${id}`. */
export function address(parts, ...values) {
  return parts.reduce((path, part, n) => path + encodeURIComponent(values[n - 1]) + part);
}

async function call(method, path, body) {
  const headers = { Accept: "application/json", "X-Requested-With": "studio" };
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new ApiError(0, "The node does not answer.");
  }
  if (answer.status === 401) {
    await askForToken();
    return call(method, path, body);
  }
  const text = await answer.text();
  const value = parse(text);
  if (!answer.ok) throw new ApiError(answer.status, value?.detail ?? value?.title ?? `The node answered ${answer.status}.`, value ?? {});
  return value;
}

/** JSON with integers beyond 2^53 kept as text, so that no digit is lost on the way to the screen. */
function parse(text) {
  if (!text) return null;
  try {
    return JSON.parse(text, (key, value, context) =>
      typeof value === "number" && context?.source && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source) ? context.source : value);
  } catch {
    return null;
  }
}

let asking = null;

function askForToken() {
  asking ??= new Promise((resolve) => {
    const field = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
    const refused = sessionStorage.getItem(TOKEN) !== null;
    const dialog = h("dialog", { "aria-labelledby": "token-title" },
      h("form", { method: "dialog" },
        h("h2", { id: "token-title" }, "This node asks for its token"),
        refused && h("p", { class: "notice bad" }, "That was not this node's token."),
        h("p", { class: "hint" }, "It was printed when the node started, and is in its .syncconfig file as JWT."),
        h("label", { for: "token" }, "Token"), field,
        h("button", { class: "primary", type: "submit" }, "Go on")));
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(TOKEN, field.value.trim());
      dialog.remove();
      asking = null;
      resolve();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}
