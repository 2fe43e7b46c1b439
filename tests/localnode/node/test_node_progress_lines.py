"""What the shell shows of a long run: how far, how fast, how long still, and not too often."""

from __future__ import annotations

from typing import Any

import pytest

from localnode.cli import progress
from localnode.cli.client import NodeClient
from localnode.cli.progress import ProgressLines, duration, progress_line, told_meanwhile
from tests.support.processes import wait_until


def pump(**more: Any) -> dict[str, Any]:
    return {
        "pipe": "p-share",
        "seconds": 60.0,
        "read": 120,
        "left": 880,
        "per_minute": 120.0,
        "seconds_left": 440.0,
        **more,
    }


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "p-share: 120 of 1,000, 120 a minute, 7 min left"),
        ({"left": None, "seconds_left": None}, "p-share: 120 read, 120 a minute"),
        ({"left": 0, "seconds_left": 0.0}, "p-share: 120 of 120, 120 a minute"),
        ({"per_minute": 60_000.0, "seconds_left": 3.2}, "p-share: 120 of 1,000, 1,000 a second, 3 s left"),
        ({"read": 0, "left": None, "per_minute": None, "seconds_left": None}, "p-share: 0 read"),
    ],
)
def test_a_line(more: dict[str, Any], line: str) -> None:
    assert progress_line(pump(**more)) == line


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "3 s"), (89, "89 s"), (600, "10 min"), (12_000, "3 h 20 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_only_what_takes_long_is_shown_and_in_growing_pauses() -> None:
    now, said = [0.0], []
    lines = ProgressLines(said.append, lambda: now[0])
    for second in range(600):
        now[0] = float(second)
        lines.watch([pump(seconds=float(second)), pump(pipe="quick", seconds=1.0)])
    assert 5 < len(said) < 20
    assert not [line for line in said if "quick" in line]


class Asked(NodeClient):
    """A node that plans, and runs a pump of its own meanwhile."""

    def json(self, method: str, path: str, missing: object = None, **options: object) -> Any:
        assert (method, path) == ("GET", "/progress")
        return [pump(pipe="own", seconds=1.0), pump(pipe="planned", seconds=1.0, dry_run=True)]


def test_a_plan_or_verification_says_at_once_what_it_does_and_then_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "FIRST_S", 0.0)
    monkeypatch.setattr(progress, "LOOK_S", 0.001)
    said = ""

    def heard() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return "planned" in said

    with told_meanwhile(Asked(), "Reading both systems again"):
        wait_until(heard, what="a line about the plan")
    assert said.startswith("Reading both systems again; nothing is written.\n")
    assert "planned: 120 of 1,000, 120 a minute, 7 min left" in said and "own" not in said
