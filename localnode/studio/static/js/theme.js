// Runs before the first paint: the scheme that was chosen here, else the one the system asks for.
(() => {
  const chosen = localStorage.getItem("studio-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
