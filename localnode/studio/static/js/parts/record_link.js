// Links to records of the systems, and their names.

import { address, get } from "../core/api.js";
import { h } from "../core/dom.js";

/** The page of a record { system, datatype, id }. */
export function recordPage({ system, datatype, id }) {
  const query = new URLSearchParams({ system, datatype, id });
  return `/studio/record?${query}`;
}

/** What people call the systems, by id. */
const systems = await get("/studio/data/systems").catch(() => ({}));

/** `ERP`. */
export const systemName = (id) => systems[id] ?? id;

/** `ERP contact`. */
export const kindName = ({ system, datatype }) => `${systemName(system)} ${datatype.replaceAll("_", " ")}`;

/** `ERP contact CT-1`. */
export const recordName = (record) => `${kindName(record)} ${record.id}`;

export const recordLink = (record) => h("a", { href: recordPage(record) }, recordName(record));

/** A list of records as links with commas. */
export const recordLinks = (records) => records.map((record, n) => [n > 0 && ", ", recordLink(record)]);

export const explainPath = ({ system, datatype, id }) => address`/api/diagnostics/explain/${system}/${datatype}/${id}`;

/** Namespaced identifiers "~:system-datatype:id" as records. */
export function parsed(identifiers) {
  return identifiers.map((each) => /^~:([^-:]+)-([^:]+):(.+)$/s.exec(each)).filter(Boolean).map(([, system, datatype, id]) => ({ system, datatype, id }));
}
