// What needs attention, by one name on every page.

const NAMES = {
  "config-error": "config error", "not-runnable": "not runnable", breaker: "held back", "dead-letters": "dead letter", retries: "to be retried",
  behind: "on the way", waits: "not ready",
};
const SEVERAL = { "config-error": "config errors", "dead-letters": "dead letters" };
const OF_THE_NODE = ["disk-full", "not-scheduled"];

/** The name of a kind of finding, for `count` of them. */
export const findingName = (kind, count = 1) => (count === 1 ? NAMES[kind] : SEVERAL[kind] ?? NAMES[kind]) ?? kind.replaceAll("-", " ");

/** The same with the figure before it, unless it is about the node as a whole: there is only one. */
export const findingCount = (kind, count, figure) => (OF_THE_NODE.includes(kind) ? findingName(kind) : `${figure} ${findingName(kind, count)}`);
