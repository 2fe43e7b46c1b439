"""Figures of a benchmark run: collected from the processes that measure, kept per release, compared.

`bench/results/<release>.json` is a list of `{"name", "value", "unit", "better"}`, `better` being `more` or
`less`.
Shares of a floor measured in the same run hold on any machine, all else only on the same one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "BENCH_FIGURES"
RESULTS = Path(__file__).with_name("results")
FELL = 1.15
"""Worse by this factor is more than the difference between two runs."""


@dataclass(frozen=True)
class Figure:
    """One measured value."""

    name: str
    value: float
    unit: str
    better: str

    def worse_than(self, before: Figure) -> float:
        """Return by which factor it is worse; below 1 if it is better."""
        if not self.value or not before.value:
            return 1.0
        return before.value / self.value if self.better == "more" else self.value / before.value


def note(name: str, value: float, unit: str, better: str = "more") -> None:
    """Keep a figure for the table of `python -m bench`; nothing when a benchmark runs alone."""
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(Figure(name, round(value, 4), unit, better))) + "\n")


def noted(path: Path) -> list[Figure]:
    """Return what was noted in a run."""
    return [Figure(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def last_release() -> tuple[str, dict[str, Figure]]:
    """Return the latest release that has figures, and those by name; ("", {}) if there is none."""
    kept = sorted(RESULTS.glob("*.json"), key=lambda path: _version(path.stem))
    return (kept[-1].stem, _kept(kept[-1])) if kept else ("", {})


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in name.split("."))


def keep(release: str, figures: Iterable[Figure]) -> Path:
    """Write the figures of a release; those that were not measured this time stay as they were kept."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{release}.json"
    found = _kept(path) | {figure.name: figure for figure in figures}
    text = json.dumps([asdict(figure) for figure in found.values()], indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _kept(path: Path) -> dict[str, Figure]:
    """Return the figures in a file by name; none if there is no such file."""
    if not path.exists():
        return {}
    figures = (Figure(**each) for each in json.loads(path.read_text(encoding="utf-8")))
    return {figure.name: figure for figure in figures}


def table(figures: Iterable[Figure], release: str, before: Mapping[str, Figure]) -> list[str]:
    """Return the lines of the comparison with the last release, and last which figures fell."""
    lines = [f"{'':<58}{release or 'no release':>14}{'today':>14}  unit"]
    fell = []
    for figure in figures:
        old = before.get(figure.name)
        worse = figure.worse_than(old) if old else 1.0
        mark = "  FELL" if worse > FELL else ""
        if mark:
            fell.append(f"{figure.name}: {worse:.2f} times worse")
        was = f"{old.value:,.2f}" if old else "-"
        lines.append(f"{figure.name:<58}{was:>14}{figure.value:>14,.2f}  {figure.unit}{mark}")
    return [*lines, "", *(fell or ["no figure fell"])]
