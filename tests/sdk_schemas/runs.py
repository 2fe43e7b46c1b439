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


def long_soak(folder: Path) -> Path:
    """400 edits of people on both sides, while calls fail, time out and come late."""
    recording = folder / "requests.jsonl"
    soak(Plan(seed=5, steps=400), folder, environment={SETTING: str(recording)})
    return recording
