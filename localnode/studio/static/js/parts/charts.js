// What the pumps did, over time: changes by stage, runs that worked and failed, the slowest run.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { clockTime, day, dayAndMonth, duration, number, plural, short } from "../core/format.js";
import { plainTable } from "./table.js";

const HEIGHT = 200;
const DAY = 24 * 3600;
// Colours that people tell apart who see no red and green: the palette of Okabe and Ito, "Color Universal Design".
const COLOURS = { all: "#8c8c8c", event: "#cc79a7", loaded: "#7b5ea7", deletes: "#8a5a2b", collect: "#0072b2", enrich: "#009e73", global: "#f0e442", transform: "#e69f00", share: "#d55e00" };
const OTHER = "#56b4e9";
const GOOD = "#0072b2";
const BAD = "#d55e00";

/** Three charts of the runs of one `pipe` or all. Returns { element, load(), window(seconds) }. */
export function runCharts({ pipe = null } = {}) {
  const places = { changes: box("Entities changed"), runs: box("Runs"), slowest: box("Slowest run") };
  const figures = h("details", { class: "card" }, h("summary", {}, "The same as a table"));
  const element = h("div", { class: "grid" }, Object.values(places).map((place) => place.card));
  const outer = h("div", { class: "pipelist" }, element, figures);
  let seconds = 3600;
  let latest = null;
  let loaded = 0;

  const show = () => {
    if (!latest) return;
    const times = latest.completed.map((_, n) => latest.start + n * latest.width);
    const stages = Object.entries(latest.stages);
    paint(places.changes, times, piled(stages), short);
    paint(places.runs, times, [
      { label: "worked", values: latest.completed, colour: GOOD },
      { label: "failed", values: latest.failed, colour: BAD, dash: [6, 3] },
    ], number);
    paint(places.slowest, times, [{ label: "seconds", values: latest.slowest, colour: "#009e73" }], duration);
    describe(places, latest);
    table(figures, times, latest);
  };
  document.addEventListener("studio-scheme", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  let width = 0;
  new ResizeObserver(() => {
    if (element.clientWidth !== width) show();
    width = element.clientWidth;
  }).observe(element);
  return {
    element: outer,
    async load() {
      if (Date.now() - loaded < seconds * 4) return;
      loaded = Date.now();
      latest = await get("/studio/data/runs/chart", { window: seconds, buckets: 60, pipe });
      show();
    },
    window(value) {
      seconds = value;
      loaded = 0;
    },
  };
}

/** Stages on top of each other: each series is the sum of its own and all later ones, drawn from the highest on. */
function piled(stages) {
  let below = null;
  return stages.reverse().map(([name, values, colour]) => {
    below = values.map((value, n) => value + (below?.[n] ?? 0));
    return { label: name, values: below, colour: colour ?? COLOURS[name] ?? OTHER, solid: true };
  }).reverse();
}

/** Writes by day, as bars of text for those who cannot see them. Returns { element, show(days, note) }. */
export function dayChart(text) {
  const place = box(text);
  const figures = h("details", {}, h("summary", {}, "The same as a table"));
  place.card.append(figures);
  let latest = null;
  const draw = () => {
    if (!latest) return;
    const [made, changed, deleted] = ["insert", "update", "delete"].map((name) => latest.map((each) => each[name]));
    paint(place, latest.map((each) => each.start), piled([["deleted", deleted, BAD], ["changed", changed, GOOD], ["made", made, "#009e73"]]), short, DAY);
  };
  document.addEventListener("studio-scheme", draw);
  new ResizeObserver(draw).observe(place.plot);
  return {
    element: place.card,
    show(days, note) {
      if (JSON.stringify(days) === JSON.stringify(latest)) return;
      latest = days;
      fill(place.note, note);
      place.plot.setAttribute("aria-label", `${text}. ${note}`);
      draw();
      const columns = [{ title: "Day", head: true, cell: (each) => h("a", { href: `/studio/log?day=${day(each.start)}` }, new Date(each.start * 1000).toLocaleDateString()) },
        ...[["insert", "Made"], ["update", "Changed"], ["delete", "Deleted"]].map(([name, title]) => ({ title, num: true, cell: (each) => number(each[name]) }))];
      figures.replaceChildren(figures.firstElementChild, plainTable({ caption: text, columns, rows: days.toReversed(), stack: false }));
    },
  };
}

function box(text) {
  const plot = h("div", { class: "chart", role: "img" });
  const note = h("p", { class: "hint" });
  return { card: h("section", { class: "card" }, h("h2", {}, text), plot, note), plot, note, text };
}

/** `bar`: how many seconds each value is for, where they are drawn as bars. */
function paint(place, times, series, text, bar = 0) {
  const width = place.plot.clientWidth;
  if (!width) return;
  const style = getComputedStyle(document.documentElement);
  const probe = h("span", { hidden: true });
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const [ink, grid] = [colour("--muted"), colour("--line")];
  probe.remove();
  const font = `12px ${style.getPropertyValue("--sans")}`;
  const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  const widest = (_, labels) => Math.max(40, 22 + 7 * Math.max(0, ...(labels ?? []).map((label) => label.length)));
  const shown = series.length ? series : [{ label: "nothing", values: times.map(() => 0), colour: ink }];
  const options = {
    width, height: HEIGHT, legend: { live: false }, cursor: { show: false },
    scales: { x: { range: (_, first, last) => [first - bar / 2, last + bar / 2] }, y: { range: (_, low, high) => [0, Math.max(1, high * 1.08)] } },
    axes: [{ ...axis, space: 70, values: (_, ticks, index, space, step) => ticks.map((tick) => (step < DAY ? clockTime(tick) : dayAndMonth(tick))) },
      { ...axis, size: widest, values: (_, ticks) => ticks.map((tick) => text(tick)) }],
    series: [{}, ...shown.map((each) => ({
      label: each.label, stroke: each.colour, fill: each.solid ? each.colour : `${each.colour}33`, width: each.solid ? 1 : 2, dash: each.dash,
      paths: bar ? uPlot.paths.bars({ size: [0.7, 60] }) : uPlot.paths.stepped({ align: 1 }), points: { show: false },
    }))],
  };
  place.plot.replaceChildren();
  new uPlot(options, [times, ...shown.map((each) => each.values)], place.plot);
}

const total = (values) => values.reduce((sum, value) => sum + value, 0);

function describe(places, data) {
  const changes = Object.entries(data.stages).map(([name, values]) => `${name} ${number(total(values))}`);
  const cut = data.complete ? "" : " Only the latest runs are counted, there were too many.";
  fill(places.changes.note, changes.length ? `${changes.join(" · ")}.${cut}` : "Nothing changed.");
  fill(places.runs.note, `${plural(total(data.completed), "run")} with changes or errors, ${number(total(data.failed))} failed.`);
  fill(places.slowest.note, `At most ${duration(Math.max(0, ...data.slowest))}.`);
  for (const place of Object.values(places)) place.plot.setAttribute("aria-label", `${place.text} over time. ${place.note.textContent}`);
}

function table(figures, times, data) {
  const rows = times.map((time, n) => ({ time, n })).filter(({ n }) => data.completed[n] || data.failed[n]).reverse();
  const columns = [
    { title: "From", head: true, cell: ({ time }) => new Date(time * 1000).toLocaleTimeString() },
    { title: "Worked", num: true, cell: ({ n }) => number(data.completed[n]) },
    { title: "Failed", num: true, cell: ({ n }) => number(data.failed[n]) },
    ...Object.entries(data.stages).map(([name, values]) => ({ title: name, num: true, cell: ({ n }) => number(values[n]) })),
    { title: "Slowest", num: true, cell: ({ n }) => duration(data.slowest[n]) },
  ];
  figures.replaceChildren(figures.firstElementChild, plainTable({ caption: "Runs over time", columns, rows, stack: false }));
}
