"""kill -9 at random moments: nothing is lost, nothing is repeated that a reader could see."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from localnode.store import Store

ROOT = Path(__file__).resolve().parents[3]
CHILD = [sys.executable, "-m", "tests.localnode.engine.crash_child"]


def content(store: Store, name: str) -> dict[str, Any]:
    return {
        e["_id"]: {k: v for k, v in e.items() if k[0] != "_"} for e in store.dataset(name).read(deleted=False)
    }


def check_log(store: Store, name: str, compacted: bool = False) -> None:
    """Offsets without gaps, each version linked to the one before it and different from it, one latest per id;
    where versions have been compacted away, no more than the last of them may be missing.
    """
    latest: dict[str, Any] = {}
    rows = list(store.dataset(name).rows(history=True))
    assert compacted or [row.updated for row in rows] == list(range(len(rows))), name
    for row in rows:
        before = latest.get(row.id)
        assert compacted or row.previous == (before.updated if before else None), (name, row)
        assert before is None or before.hash != row.hash, (name, row.id, "an unchanged version was stored")
        latest[row.id] = row
    current = {row.id: row.updated for row in store.dataset(name).rows()}
    assert current == {name: row.updated for name, row in latest.items()}
    info = store.dataset(name).info()
    assert (info.ids, info.live) == (len(latest), sum(not row.deleted for row in latest.values()))


def kills(tmp_path: Path, seed: int, wanted: int) -> int:
    """Kill the child `wanted` times at random points of its work, then let it come to an end after three more
    rounds; returns the number of rounds.
    """
    rng, path = random.Random(seed), tmp_path / "killed.db"
    done = 0
    for _ in range(wanted):
        child = subprocess.Popen([*CHILD, str(path), "1000000"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout
        for _ in range(1 + rng.choice([0, 0, 1, 2])):
            child.stdout.readline()
        time.sleep(rng.uniform(0, 0.2))
        child.send_signal(signal.SIGKILL)
        rounds = [int(line) for line in child.stdout if line.strip().isdigit()]
        child.stdout.close()
        assert child.wait(60) == -signal.SIGKILL, "the child ended by itself"
        done = max([done, *rounds])
    store = Store.open(path)
    done = max(done, store.pipe_state("test").get("round", 0))
    store.close()
    finish = [*CHILD, str(path), str(done + 3)]
    subprocess.run(finish, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=120)
    return done + 3


def compare(tmp_path: Path, rounds: int) -> None:
    calm = tmp_path / "calm.db"
    subprocess.run(
        [*CHILD, str(calm), str(rounds)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=120
    )
    left, right = Store.open(tmp_path / "killed.db"), Store.open(calm)
    for name in ("a", "h", "b", "c", "m", "r", "dead"):
        check_log(left, name, compacted=name == "b")
        if name == "dead":  # which version was given up on depends on how many runs were begun
            assert content(left, name).keys() == content(right, name).keys()
        else:
            assert content(left, name) == content(right, name), name
    assert left.query("PRAGMA integrity_check") == [("ok",)]
    left.close()
    right.close()


def test_a_few_kills(tmp_path: Path) -> None:
    compare(tmp_path, kills(tmp_path, seed=1, wanted=2))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(8))
def test_many_kills(tmp_path: Path, seed: int) -> None:
    """8 × 25 = 200 kills."""
    compare(tmp_path, kills(tmp_path, seed, wanted=25))
