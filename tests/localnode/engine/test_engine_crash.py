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


def check_log(store: Store, name: str) -> None:
    """Offsets without gaps, each version linked to the one before it and different from it, one latest per id."""
    latest: dict[str, Any] = {}
    rows = list(store.dataset(name).rows(history=True))
    assert [row.updated for row in rows] == list(range(len(rows))), name
    for row in rows:
        before = latest.get(row.id)
        assert row.previous == (before.updated if before else None), (name, row)
        assert before is None or before.hash != row.hash, (name, row.id, "an unchanged version was stored")
        latest[row.id] = row
    current = {row.id: row.updated for row in store.dataset(name).rows()}
    assert current == {name: row.updated for name, row in latest.items()}
    info = store.dataset(name).info()
    assert (info.ids, info.live) == (len(latest), sum(not row.deleted for row in latest.values()))


def kills(tmp_path: Path, rounds: int, seed: int, most: int) -> int:
    """Run the child until it has finished its rounds, killing it at random; returns how often it was killed."""
    rng, killed = random.Random(seed), 0
    path = tmp_path / "killed.db"
    while True:
        child = subprocess.Popen([*CHILD, str(path), str(rounds)], cwd=ROOT, stdout=subprocess.PIPE)
        assert child.stdout
        if killed < most:
            child.stdout.readline() if rng.random() < 0.5 else time.sleep(rng.uniform(0.3, 0.6))  # noqa: B018
            time.sleep(rng.uniform(0, 0.15))
            child.send_signal(signal.SIGKILL)
        child.stdout.read()
        code = child.wait(60)
        child.stdout.close()
        if code == 0:
            return killed
        assert code == -signal.SIGKILL, f"the child failed with {code}"
        killed += 1


def compare(tmp_path: Path, rounds: int) -> None:
    calm = tmp_path / "calm.db"
    subprocess.run(
        [*CHILD, str(calm), str(rounds)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=120
    )
    left, right = Store.open(tmp_path / "killed.db"), Store.open(calm)
    for name in ("a", "h", "b", "c", "m"):
        check_log(left, name)
        assert content(left, name) == content(right, name), name
    assert left.query("PRAGMA integrity_check") == [("ok",)]
    left.close()
    right.close()


def test_two_kills(tmp_path: Path) -> None:
    assert kills(tmp_path, rounds=6, seed=1, most=2) >= 1
    compare(tmp_path, rounds=6)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8))
def test_many_kills(tmp_path: Path, seed: int) -> None:
    assert kills(tmp_path, rounds=40, seed=seed, most=25) >= 5
    compare(tmp_path, rounds=40)
