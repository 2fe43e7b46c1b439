// A note on a case.

import { h } from "../core/dom.js";
import { confirmed } from "./dialog.js";

/** Ask for a note; "" takes it away, null leaves it as it is. */
export async function askNote(name, text) {
  const field = h("textarea", { id: "note-text", rows: 3, maxlength: 500 }, text ?? "");
  const ok = await confirmed({ title: `Note on ${name}`, agree: "Keep", body: [
    h("label", { class: "stacked", for: "note-text" }, "Who looks after it, what was agreed; empty takes it away", field)] });
  return ok ? field.value.trim() : null;
}
