// Keeps a page current: asks again every few seconds while it can be seen, more slowly while the node is away.

/** Run `work` now and every `seconds` after it has ended; returns a function that asks at once. */
export function live(work, seconds = 2) {
  let timer = 0;
  let busy = false;
  let asked = false;
  let failures = 0;
  const round = async () => {
    clearTimeout(timer);
    if (busy) {
      asked = true;
      return;
    }
    busy = true;
    asked = false;
    try {
      if (!document.hidden) await work();
      if (failures) document.dispatchEvent(new Event("studio-fine"));
      failures = 0;
    } catch (error) {
      failures += 1;
      document.dispatchEvent(new CustomEvent("studio-trouble", { detail: error }));
    }
    busy = false;
    timer = setTimeout(round, asked ? 0 : 1000 * Math.min(30, seconds * 2 ** Math.min(failures, 4)));
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) round(); });
  document.addEventListener("studio-changed", round);
  round();
  return round;
}

/** Something was changed from this page: everything live asks again. */
export function changed() {
  document.dispatchEvent(new Event("studio-changed"));
}
