// Looks for a text in datasets. The node searches a window at a time, so that it stays free for its work; this goes
// on from window to window until enough is found, everything is searched, or another search begins.

import { address, get } from "../core/api.js";

let current = 0;

/**
 * Search `datasets` one after the other for `text`. `report({ dataset, rows, searched, total, done })` is called for
 * every window; `enough` rows per dataset end its search.
 */
export async function search(datasets, text, report, enough = 50) {
  const mine = ++current;
  for (const dataset of datasets) {
    let before = null;
    let found = 0;
    do {
      const page = await get(address`/studio/data/datasets/${dataset}/search`, { q: text, before, limit: Math.max(1, enough - found) });
      if (mine !== current) return;
      found += page.rows.length;
      before = page.cursor;
      report({ dataset, rows: page.rows, searched: page.searched, total: page.total, more: before, done: before === null || found >= enough });
    } while (before !== null && found < enough);
  }
}

/** End the search under way. */
export function endSearch() {
  current += 1;
}
