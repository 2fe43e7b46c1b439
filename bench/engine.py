"""What the engine costs: entities per CPU second, hops by size, small changes in large datasets, merging.

python -m bench.engine [--large]        # --large: 1,000,000 entities where the default is 200,000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench._figures import note
from core.jsonio import Json
from localnode.pipes import Engine, Pipe, Systems
from localnode.store import Store

CHUNK, ROUNDS = 5000, 7
RULES = [
    ["copy", ["list", "email", "phone", "company", "vat", "terms", "locale"]],
    ["add", "name", ["concat", "_S.first", " ", "_S.last"]],
    ["add", "city", "_S.address.city"],
    ["add", "mail", ["lower", "_S.email"]],
    ["add", "segment", ["if", ["gt", "_S.mrr", 20000], "large", "small"]],
    ["add", "$ids", ["list", ["ni", "crm", "_S._id"]]],
]
HOP = [
    "add",
    "partner",
    ["hops", {"datasets": ["big b"], "where": [["eq", "_S.email", "b.email"]], "return": "b.n"}],
]


def person(n: int) -> Json:
    """Return an entity of about 400 bytes."""
    return {
        "_id": f"person-{n}",
        "n": n,
        "first": f"First{n % 97}",
        "last": f"Last{n % 89}",
        "email": f"Person.{n}@Example.com",
        "phone": f"+47 {40000000 + n}",
        "company": f"Company {n % 977}",
        "vat": f"NO{900000000 + n}MVA",
        "terms": (0, 14, 30)[n % 3],
        "locale": "nb-NO",
        "mrr": n % 50 * 1000,
        "address": {
            "line1": f"Storgata {n % 200}",
            "city": "Oslo",
            "zip": f"{n % 9999:04d}",
            "country": "NO",
        },
        "tags": ["a", "b", "c"],
    }


class Bench:
    """A store in a temporary folder and a table of results."""

    def __init__(self, folder: Path, size: int) -> None:
        self.store = Store.open(folder / "bench.db")
        self.engine = Engine(self.store, Systems({}))
        self.size = size

    def fill(self, name: str, count: int, make: Callable[[int], Json] = person) -> None:
        """Write `count` entities into a populated dataset."""
        dataset = self.store.dataset(name, create=True)
        for start in range(0, count, CHUNK):
            dataset.write([make(n) for n in range(start, min(start + CHUNK, count))])
        dataset.set_populated()

    def pipe(self, name: str, source: Json, rules: list[Any] | None = None, **more: Any) -> Pipe:
        """Return a loaded pipe."""
        config = {"_id": name, "type": "pipe", "source": source, **more}
        if rules is not None:
            config["transform"] = {"type": "dtl", "rules": {"default": rules}}
        pipe = Pipe(config, self.engine)
        pipe.on_load()
        return pipe


def cpu(action: Callable[[], object]) -> tuple[float, Any]:
    """CPU seconds of an action, and its result."""
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def report(what: str, value: float, unit: str, remark: str = "") -> None:
    """Print one row of the table; of what is counted per second more is better, else less."""
    note(f"engine: {what}", value, unit, "more" if unit.startswith("/") else "less")
    figure = f"{value:,.1f} {unit}"
    print(f"{what:<58} {figure:>22}  {remark}", flush=True)


def throughput(bench: Bench) -> None:
    """dataset -> dataset with and without DTL; a second full run, in which nothing changes."""
    count = min(bench.size, 200_000)
    bench.fill("people", count)
    for name, rules in (("copied", None), ("mapped", RULES)):
        pipe = bench.pipe(name, {"type": "dataset", "dataset": "people"}, rules)
        for label, full in (("first run", False), ("rescan, nothing changed", True)):
            seconds, result = cpu(partial(pipe.run, full=full))
            assert result.status == "success" and result.counts.read == count, result
            report(
                f"dataset{' -> DTL' if rules else ''} -> dataset, {label}",
                count / seconds,
                "/CPU s",
                f"{count:,}",
            )


def hops(bench: Bench) -> None:
    """Print the cost of one hop through an index, by the size of the dataset that is hopped to.

    Each of the same number of probes finds one entity, and they are spread over all of the dataset. The sizes
    take turns and the best round of each counts, since a busy machine adds as much to a hop as it costs; the
    pipe without a hop shows what of it is the pipe.
    """
    probes = 5000
    best: dict[str, float] = {}
    built: dict[str, float] = {}
    pipes: dict[str, Pipe] = {}
    for count in (1000, bench.size):
        name = f"big-{count}"
        bench.fill(name, count)
        bench.fill(f"probes-{count}", probes, partial(_spread, count))
        rule = json.loads(json.dumps(HOP).replace("big b", f"{name} b"))
        pipe = bench.pipe(f"hop-{count}", {"type": "dataset", "dataset": f"probes-{count}"}, [rule])
        built[f"hop, tracked, into {count:,}"], _ = cpu(pipe.run)
        pipes[f"hop, tracked, into {count:,}"] = pipe
    pipes["no hop"] = bench.pipe(
        "no-hop", {"type": "dataset", "dataset": "probes-1000"}, [["add", "partner", ["list", "_S.n"]]]
    )
    for _ in range(ROUNDS):
        for what, pipe in pipes.items():
            if bench.store.find(pipe.id):
                bench.store.delete_dataset(pipe.id)
            seconds, result = cpu(partial(pipe.run, full=True))
            assert result.counts.changed == probes, result
            best[what] = min(best.get(what, seconds), seconds)
    for what, seconds in best.items():
        remark = f"first run with index {built[what]:.1f} s" if what in built else ""
        report(what, seconds / probes * 1e6, "CPU us", remark)


def _spread(count: int, n: int) -> dict[str, object]:
    """Return an entity that refers to one of `count`, far from the one that the next refers to."""
    return {"_id": f"probe-{n}", "email": f"Person.{n * 7919 % count}@Example.com"}


def incremental(bench: Bench) -> None:
    """10 changed entities of many, in the source and in a dataset hopped to."""
    count = bench.size
    source, target = bench.store.dataset(f"big-{count}"), f"big-{count}"
    rule = json.loads(json.dumps(HOP).replace("big b", f"{target} b"))
    pipe = bench.pipe("inc", {"type": "dataset", "dataset": target}, [rule])
    first, _ = cpu(pipe.run)
    source.write([{**person(n), "n": -n} for n in range(1000, 1010)])
    seconds, result = cpu(pipe.run)
    report(
        f"10 changed of {count:,}, source and hop",
        seconds * 1000,
        "CPU ms",
        f"first run {count / first:,.0f} /CPU s",
    )
    assert result.counts.changed == 10, result


def merging(bench: Bench) -> None:
    """Two datasets, joined one to one."""
    count = min(bench.size, 100_000)
    bench.fill("left", count)
    bench.fill("right", count, lambda n: {**person(n), "_id": f"customer-{n}"})
    source = {"type": "merge", "version": 2, "datasets": ["left l", "right r"], "identity": "first"}
    pipe = bench.pipe("merged", {**source, "strategy": "compact", "equality": [["eq", "l.email", "r.email"]]})
    wall = time.perf_counter()
    seconds, result = cpu(pipe.run)
    assert result.changed == count, result
    wall = time.perf_counter() - wall
    report(f"merge 2 x {count:,}, first run", seconds, "CPU s", f"{wall:.1f} s wall")
    bench.store.dataset("right").write([{**person(n), "_id": f"customer-{n}", "n": -1} for n in range(10)])
    seconds, result = cpu(pipe.run)
    assert result.changed == 10, result
    report("merge, 10 changed", seconds * 1000, "CPU ms")


def memory(count: int) -> None:
    """Measure, in a process of its own: peak memory of a streaming pipe."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), count)
        bench.fill("people", count)
        pipe = bench.pipe("mapped", {"type": "dataset", "dataset": "people"}, RULES)
        result = pipe.run()
        assert result.changed == count
        bench.store.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="1,000,000 entities instead of 200,000")
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        memory(options.memory)
        return
    size = 1_000_000 if options.large else 200_000
    for part in (throughput, hops, incremental, merging):
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder), size)
            if part is incremental:
                bench.fill(f"big-{size}", size)
            part(bench)
            bench.store.close()
    command = [sys.executable, "-m", "bench.engine", "--memory", str(size)]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    report(f"peak memory, {size:,} through a streaming pipe", float(peak), "MB")


if __name__ == "__main__":
    main()
