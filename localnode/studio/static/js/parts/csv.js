// Saves a list as a CSV file that spreadsheets open.

import { h } from "../core/dom.js";

const FORMULA = /^[=+\-@\t\r]/;

/** A cell: quoted where it must be; what a spreadsheet would take for a formula is kept as text. */
function cell(content) {
  if (content === null || content === undefined) return "";
  const plain = typeof content === "object" ? JSON.stringify(content) : String(content);
  const text = typeof content === "string" && FORMULA.test(plain) && Number.isNaN(Number(plain)) ? `'${plain}` : plain;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Save `rows`, lists of values, below `columns`. The byte order mark tells spreadsheets that it is UTF-8. */
export function saveCsv(name, columns, rows) {
  const text = [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
  saveFile(`${name}-${new Date().toISOString().slice(0, 10)}.csv`, `\uFEFF${text}\r\n`, "text/csv");
}

/** Save text as a file. */
export function saveFile(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
