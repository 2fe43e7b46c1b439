// Addresses of pages, and links to them.

import { address } from "../core/api.js";
import { h } from "../core/dom.js";

export const pipePage = (id) => address`/studio/pipes/${id}`;
export const datasetPage = (id) => address`/studio/datasets/${id}`;
export const entityPage = (dataset, id) => `${datasetPage(dataset)}?entity=${encodeURIComponent(id)}`;

export const pipeLink = (id) => h("a", { href: pipePage(id) }, id);
export const datasetLink = (id) => h("a", { href: datasetPage(id) }, id);
export const entityLink = (dataset, id) => h("a", { href: entityPage(dataset, id) }, id);

/** The part of this page's address after `prefix`. */
export function fromAddress(prefix) {
  return decodeURIComponent(location.pathname.slice(prefix.length));
}

/** A parameter of this page's address. */
export const parameter = (name) => new URLSearchParams(location.search).get(name);

/** Change parameters of the address without loading the page; null and "" remove one. */
export function remember(parameters) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === undefined || value === "" || value === false) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, "", text ? `?${text}` : location.pathname);
}
