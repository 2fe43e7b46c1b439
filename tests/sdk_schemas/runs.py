"""Runs whose requests are judged: a full sync of the demo data, and a soak. Each gives the recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sandbox.chargebee.recording import SETTING
from stack.processes import Stack
from stack.settings import for_tests
from tests.soundness.running import soak
from tests.soundness.soak import Plan


def demo(folder: Path) -> Path:
    """Sync the demo data until nothing moves."""
    recording = folder / "requests.jsonl"
    settings = for_tests(folder / "stack", "demo")
    environment = {**settings.environment, SETTING: str(recording)}
    with Stack(settings=replace(settings, environment=environment)) as stack:
        stack.sync()
    return recording


def calm_soak(folder: Path) -> Path:
    """160 edits of people on both sides, without faults."""
    recording = folder / "requests.jsonl"
    soak(Plan(seed=12, steps=160, faults=False), folder, environment={SETTING: str(recording)})
    return recording
