"""The table that `python -m bench` ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import _figures
from bench._figures import Figure


def test_what_fell_is_said_in_either_direction() -> None:
    before = {
        "rate": Figure("rate", 100, "/CPU s", "more"),
        "time": Figure("time", 10, "ms", "less"),
        "same": Figure("same", 10, "ms", "less"),
    }
    today = [
        Figure("rate", 50, "/CPU s", "more"),
        Figure("time", 30, "ms", "less"),
        Figure("same", 11, "ms", "less"),
        Figure("new", 1, "ms", "less"),
    ]
    lines = _figures.table(today, "1.0", before)
    assert lines[-2:] == ["rate: 2.00 times worse", "time: 3.00 times worse"]
    assert [line.split()[0] for line in lines if line.endswith("FELL")] == ["rate", "time"]
    assert _figures.table(today[2:], "1.0", before)[-1] == "no figure fell"


def test_the_latest_release_is_compared_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_figures, "RESULTS", tmp_path)
    assert _figures.last_release() == ("", {})
    for release in ("0.10.0", "0.9.0"):
        _figures.keep(release, [Figure(f"of {release}", 1, "s", "less")])
    assert _figures.last_release() == ("0.10.0", {"of 0.10.0": Figure("of 0.10.0", 1, "s", "less")})


def test_a_benchmark_notes_its_figures_where_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _figures.note("alone", 1, "s")
    path = tmp_path / "figures"
    monkeypatch.setenv(_figures.VARIABLE, str(path))
    _figures.note("a rate", 1 / 3, "/CPU s")
    assert _figures.noted(path) == [Figure("a rate", 0.3333, "/CPU s", "more")]
    assert json.loads(path.read_text(encoding="utf-8"))["unit"] == "/CPU s"


def test_what_was_not_measured_this_time_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_figures, "RESULTS", tmp_path)
    _figures.keep("1.0.0", [Figure("a", 1, "s", "less"), Figure("b", 2, "s", "less")])
    _figures.keep("1.0.0", [Figure("b", 3, "s", "less"), Figure("c", 4, "s", "less")])
    assert {name: each.value for name, each in _figures.last_release()[1].items()} == {"a": 1, "b": 3, "c": 4}
