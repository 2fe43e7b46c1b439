"""People who set, copy, swap and clear link fields by hand: no value ever gets into somebody else's record."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.soundness.links import Storm
from tests.soundness.running import VARIABLES


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_two_thousand_acts_on_links_move_no_value_into_another_record(tmp_path: Path, seed: int) -> None:
    _storm(tmp_path, seed, rounds=50, acts=40)


@pytest.mark.slow
def test_a_hundred_acts_on_links_move_no_value_into_another_record(tmp_path: Path) -> None:
    _storm(tmp_path, 7, rounds=5, acts=20)


def _storm(folder: Path, seed: int, rounds: int, acts: int) -> None:
    """People act, the node dies in the midst of a run, or loses everything; then nothing is where it should not be."""
    settings = for_tests(folder, "empty")
    settings.variables.update(VARIABLES)
    with Stack(settings=settings) as stack:
        storm = Storm(stack, random.Random(seed))
        storm.populate()
        for number in range(rounds):
            for act in range(acts):
                storm.act(number * acts + act)
            if number % 12 == 11:
                stack.wipe_node()
            elif number % 3 == 1:
                storm.kill()
            storm.sync()
            assert not list(storm.misplaced())
            assert not list(storm.unreported())
            if number % 10 == 9 or number == rounds - 1:
                storm.set_right()
                assert not list(storm.misplaced())
                assert not list(storm.apart())
                assert not storm.open_links()
            print(f"{number}: {storm.killed} kills, {storm.typed} links typed, {dict(storm.did)}", flush=True)
        assert storm.typed > rounds
