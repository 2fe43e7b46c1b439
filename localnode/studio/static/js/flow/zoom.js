// Pan and zoom of an SVG: drag, Ctrl + wheel or pinch on a touchpad, buttons, + − 0 keys.

import { h, s } from "../core/dom.js";

const MIN = 0.3;
const MAX = 2.5;
/** At this scale the smallest text of a drawing, 16 units high, is 12 pixels high. */
const READABLE = 0.75;

/** A frame around `drawing` ({ element, width, height }). Returns { element, show(drawing), fit() }. */
export function zoomable(label) {
  const svg = s("svg", { class: "flow", role: "group", "aria-label": label });
  const view = { x: 0, y: 0, scale: 1, fitted: false };
  let drawing = null;

  const apply = () => {
    if (drawing) svg.setAttribute("viewBox", `${view.x} ${view.y} ${svg.clientWidth / view.scale} ${svg.clientHeight / view.scale}`);
  };
  const fit = () => {
    if (!drawing || !svg.clientWidth) return;
    view.scale = Math.min(1.15, Math.max(READABLE, svg.clientWidth / drawing.width));
    svg.style.height = `${Math.min(drawing.height * view.scale, Math.max(420, innerHeight * 0.82))}px`;
    Object.assign(view, { x: Math.min(-4, (drawing.width - svg.clientWidth / view.scale) / 2), y: -4, fitted: true });
    apply();
  };
  const zoom = (factor, at = [svg.clientWidth / 2, svg.clientHeight / 2]) => {
    const scale = Math.min(MAX, Math.max(MIN, view.scale * factor));
    view.x += at[0] / view.scale - at[0] / scale;
    view.y += at[1] / view.scale - at[1] / scale;
    view.scale = scale;
    view.fitted = false;
    apply();
  };

  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 240), [event.offsetX, event.offsetY]);
  }, { passive: false });
  svg.addEventListener("keydown", (event) => {
    const factor = { "+": 1.2, "=": 1.2, "-": 1 / 1.2 }[event.key];
    if (factor) zoom(factor);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });
  drag(svg, view, apply);
  reveal(svg, view, apply);
  let width = 0;
  new ResizeObserver(() => {
    if (view.fitted && svg.clientWidth !== width) fit();
    else apply();
    width = svg.clientWidth;
  }).observe(svg);

  const button = (text, name, action) => h("button", { type: "button", class: "small", "aria-label": name, onclick: action }, text);
  const element = h("div", { class: "stagebox" }, svg,
    h("div", { class: "zoom" }, button("+", "Zoom in", () => zoom(1.25)), button("−", "Zoom out", () => zoom(0.8)), button("Fit", "Fit the flow into view", fit)));
  return {
    element,
    show(next) {
      drawing = next;
      svg.replaceChildren(next.element);
      fit();
    },
    fit,
  };
}

function drag(svg, view, apply) {
  let from = null;
  svg.addEventListener("pointerdown", (event) => { if (event.button === 0) from = { x: event.clientX, y: event.clientY, view: { ...view }, moved: false }; });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    if (!from.moved && Math.hypot(dx, dy) < 5) return;
    from.moved = true;
    view.fitted = false;
    svg.setPointerCapture(event.pointerId);
    svg.classList.add("dragging");
    view.x = from.view.x - dx / view.scale;
    view.y = from.view.y - dy / view.scale;
    apply();
  });
  const end = () => {
    if (from?.moved) swallowClick(svg);
    from = null;
    svg.classList.remove("dragging");
  };
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
  svg.addEventListener("dragstart", (event) => event.preventDefault());
}

/** The click that ends a drag chooses nothing. */
function swallowClick(svg) {
  const swallow = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  svg.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => svg.removeEventListener("click", swallow, { capture: true }), 0);
}

/** A pipe that gets the focus out of sight is brought into sight. */
function reveal(svg, view, apply) {
  svg.addEventListener("focusin", (event) => {
    if (!event.target.matches(":focus-visible")) return;
    const box = event.target.getBoundingClientRect();
    const frame = svg.getBoundingClientRect();
    const dx = Math.max(0, box.right + 12 - frame.right) || Math.min(0, box.left - 12 - frame.left);
    const dy = Math.max(0, box.bottom + 12 - frame.bottom) || Math.min(0, box.top - 12 - frame.top);
    if (!dx && !dy) return;
    view.x += dx / view.scale;
    view.y += dy / view.scale;
    apply();
  });
}
