"""How much a read through the ERP service costs, next to a floor measured in the same run.

The floor is a bare loop: `requests` fetches a page, orjson parses and writes it. Both read the same fake
upstream, in turns, so that a busy machine treats them alike; only their ratio means anything. What counts is
CPU time of the reading process (for the service: gunicorn and its worker), since elapsed time says more
about the machine's other guests.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil
import requests

from bench._figures import note
from bench.load import peak_memory
from tests.support.processes import free_port, process

RECORDS = 100_000
ROUNDS = 3
LEAST_SHARE = 1 / 3
"""The part of the floor's records per CPU second that the service must reach."""


@dataclass
class ReadRun:
    """One read of all records: CPU and elapsed seconds, seconds to the first byte, peak memory in MB."""

    cpu: float
    elapsed: float
    first_byte: float
    rss: float
    records: int

    @property
    def speed(self) -> float:
        """Records per CPU second."""
        return self.records / self.cpu


def floor(upstream: str) -> int:
    """Return the bare loop; returns the number of records."""
    session, cursor, count = requests.Session(), None, 0
    session.headers["Authorization"] = "Bearer bench"
    with Path(os.devnull).open("wb") as out:
        while True:
            query = {"limit": "100", "include_deleted": "true", **({"cursor": cursor} if cursor else {})}
            page = orjson.loads(session.get(f"{upstream}/contacts", params=query, timeout=30).content)
            out.write(orjson.dumps(page["items"]))
            count += len(page["items"])
            cursor = page["next"]
            if cursor is None:
                return count


def measure_floor(upstream: str) -> ReadRun:
    """Return the loop in a process of its own, which reports its own use."""
    command = [sys.executable, "-m", "bench.reads", "--floor", upstream]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    return ReadRun(**orjson.loads(out))


def report_floor(upstream: str) -> None:
    """Do the work of the process of `measure_floor`."""
    started = time.perf_counter()
    before = time.process_time()
    records = floor(upstream)
    run = {
        "cpu": time.process_time() - before,
        "elapsed": time.perf_counter() - started,
        "first_byte": 0.0,
        "rss": peak_memory(os.getpid()),
        "records": records,
    }
    print(orjson.dumps(run).decode())


def measure_service(base: str, gunicorn: int) -> ReadRun:
    """Read everything through the service and throw it away; count entities by their `_id` keys."""
    family = [psutil.Process(gunicorn), *psutil.Process(gunicorn).children(recursive=True)]
    before, started = cpu_of(family), time.perf_counter()
    first, count, tail = 0.0, 0, b""
    with requests.get(f"{base}/contact/entities", stream=True, timeout=60) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_content(1 << 16):
            first = first or time.perf_counter() - started
            count += (tail + chunk).count(b'"_deleted":') - tail.count(b'"_deleted":')
            tail = chunk[-11:]
    elapsed = time.perf_counter() - started
    return ReadRun(cpu_of(family) - before, elapsed, first, max(peak_memory(p.pid) for p in family), count)


def cpu_of(family: list[psutil.Process]) -> float:
    """CPU seconds used so far by some processes."""
    return sum(sum(one.cpu_times()[:2]) for one in family)


def show(title: str, run: ReadRun, calls: str = "") -> None:
    """Print one line of the table."""
    print(
        f"{title:<34}{run.records:>9,}{calls:>8}{run.cpu:>8.2f}{run.elapsed:>9.2f}"
        f"{run.first_byte * 1000:>12.0f}{run.rss:>9.1f}{run.speed:>12,.0f}"
    )


def main() -> int:
    """Print the table; 1 if the service falls below its share of the floor or loses a record."""
    upstream_port, service_port = free_port(), free_port()
    upstream, base = f"http://127.0.0.1:{upstream_port}/api/v1", f"http://127.0.0.1:{service_port}"
    fake = ["python", "-m", "bench._fake_erp", "--port", str(upstream_port), "--records", str(RECORDS)]
    serve = [
        "python",
        "-m",
        "gunicorn",
        "-c",
        "connectors/common/gunicorn.conf.py",
        "-b",
        f"127.0.0.1:{service_port}",
    ]
    serve.append("connectors.erp.app:create_app()")
    env = {"ERP_BASE_URL": upstream, "ERP_TOKEN": "bench"}
    with (
        process(fake, f"http://127.0.0.1:{upstream_port}/stats") as _,
        process(serve, f"{base}/health", env) as gunicorn,
    ):
        floors, services, calls = [], [], 0
        for _round in range(ROUNDS):
            floors.append(measure_floor(upstream))
            before = requests.get(f"http://127.0.0.1:{upstream_port}/stats", timeout=5).json()["calls"]
            services.append(measure_service(base, gunicorn.pid))
            calls = (
                requests.get(f"http://127.0.0.1:{upstream_port}/stats", timeout=5).json()["calls"] - before
            )
    return report(min(floors, key=lambda run: run.cpu), min(services, key=lambda run: run.cpu), calls)


def report(lowest: ReadRun, service: ReadRun, calls: int) -> int:
    """Print both and judge."""
    print(f"Reading {RECORDS:,} contacts, best of {ROUNDS} rounds in turns\n")
    heads = ("records", 9), ("calls", 8), ("CPU s", 8), ("elapsed", 9), ("1st byte ms", 12), ("peak MB", 9)
    print(" " * 34 + "".join(name.rjust(width) for name, width in (*heads, ("rec/CPU s", 12))))
    show("floor: requests + orjson loop", lowest)
    show("ERP service (gunicorn)", service, str(calls))
    share = service.speed / lowest.speed
    note("reads: the service, of the floor", share, "share")
    complete = service.records == RECORDS
    print(f"\nthe service reaches {share:.0%} of the floor; at least {LEAST_SHARE:.0%} is wanted")
    if not complete:
        print(f"RECORDS LOST: {RECORDS - service.records}")
    return 0 if share >= LEAST_SHARE and complete else 1


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--floor")
    chosen = arguments.parse_args()
    if chosen.floor:
        report_floor(chosen.floor)
    else:
        sys.exit(main())
