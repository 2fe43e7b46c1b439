// Builds elements. Text only ever becomes text nodes, so nothing that an entity holds can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `props`: attributes; `on…` functions are listeners; null and false leave an attribute out. */
export function h(tag, props = {}, ...children) {
  return build(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function s(tag, props = {}, ...children) {
  return build(document.createElementNS(SVG, tag), props, children);
}

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replace what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** The same for what is shown again and again: who has the focus within keeps it. */
export function refill(element, ...children) {
  const back = keepFocus(element);
  fill(element, ...children);
  back();
  return element;
}

/** Remember who has the focus within `element`; returns a function that gives it back after a change. */
export function keepFocus(element) {
  const active = document.activeElement;
  if (active === element || !element.contains(active)) return () => {};
  const name = label(active);
  return () => {
    if (element.contains(document.activeElement)) return;
    const all = [...element.querySelectorAll("a[href], button, summary, input, select, [tabindex]")];
    (all.find((each) => label(each) === name) ?? all.find((each) => each.tagName === active.tagName) ?? element).focus({ preventScroll: true });
  };
}

const label = (element) => [element.tagName, element.getAttribute("href") ?? element.getAttribute("aria-label") ?? element.textContent].join(" ");

/** The element of an id. */
export function at(id) {
  return document.getElementById(id);
}
