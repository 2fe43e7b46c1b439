// Runs before the first paint: the scheme that was chosen here, else the one the system asks for.
(() => {
  const chosen = localStorage.getItem("studio-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
// A page whose script did not come says so, instead of waiting for ever.
addEventListener("error", ({ target }) => {
  if (target?.tagName !== "SCRIPT") return;
  const view = document.querySelector("#view .loading");
  if (view) view.textContent = "A part of this page could not be loaded: reload it.";
}, true);
