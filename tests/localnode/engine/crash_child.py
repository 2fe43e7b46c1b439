"""A process to be killed: fills a dataset and pumps it through a tracked hop with compaction, a merge, a
breaker and a retry queue, over and over.

python crash_child.py STORE ROUNDS     prints a line when it begins and one per finished round; ends after ROUNDS
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from localnode.pipes import SUCCESS, Engine, Pipe, Systems
from localnode.store import Store

HOP = ["hops", {"datasets": ["h h"], "where": [["eq", "_S.k", "h.k"]], "return": "h.n"}]
PIPES: list[dict[str, Any]] = [
    {
        "_id": "b",
        "source": {"type": "dataset", "dataset": "a"},
        "rules": [["copy", "*"], ["add", "n", ["sorted", HOP]]],
        "compaction": {"keep_versions": 1},
    },
    {
        "_id": "c",
        "source": {"type": "dataset", "dataset": "b"},
        "sink": {"circuit_breaker_threshold_count": 10**9},
    },
    {
        "_id": "m",
        "source": {
            "type": "merge",
            "datasets": ["a a", "h h"],
            "identity": "first",
            "equality": [["eq", "a.k", "h.k"]],
        },
    },
    {
        "_id": "r",
        "source": {"type": "dataset", "dataset": "a"},
        "rules": [["copy", "*"], ["if", ["eq", "_S._id", "a7"], [["fail!", "never"]]]],
        "pump": {
            "max_write_errors_in_retry_dataset": 5,
            "max_consecutive_write_errors": 5,
            "max_retries_per_entity": 2,
            "dead_letter_dataset": "dead",
        },
    },
]


def pipes(store: Store) -> list[Pipe]:
    """The pipes, built and loaded."""
    built = []
    for config in PIPES:
        config = {"type": "pipe", "batch_size": 20, **config}
        if "rules" in config:
            config["transform"] = {"type": "dtl", "rules": {"default": config.pop("rules")}}
        pipe = Pipe(config, Engine(store, Systems({})))
        pipe.on_load()
        built.append(pipe)
    return built


def fill(store: Store, number: int) -> None:
    """The content of a round: repeating it is harmless."""
    a, h = store.dataset("a", create=True), store.dataset("h", create=True)
    a.write(
        [{"_id": f"a{n}", "k": (n + number) % 50, "round": number} for n in range(0, 300, 1 + number % 3)]
    )
    h.write(
        [
            {"_id": f"h{n}", "k": n, "n": n * number, "_deleted": (n + number) % 5 == 0}
            for n in range(0, 50, 2)
        ]
    )
    a.set_populated()
    h.set_populated()


def settle(store: Store, full: bool = False) -> None:
    """Run every pipe, sources first."""
    for pipe in pipes(store):
        result = pipe.run(full=full)
        if result.status != SUCCESS:
            raise SystemExit(f"{pipe.id}: {result.status} {result.reason}")


def main(path: str, rounds: int) -> None:
    """See the module."""
    store = Store.open(Path(path))
    start = store.pipe_state("test").get("round", 0)
    print("ready", flush=True)
    for number in range(start, rounds):
        fill(store, number)
        settle(store, full=number % 4 == 3)
        store.pipe_state("test").put("round", number + 1)
        print(number, flush=True)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
