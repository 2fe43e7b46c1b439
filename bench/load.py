"""Eight parallel readers and writers at a service under its production settings: no error, little memory.

Ten minutes' worth of data, run as fast as it goes: what a company of 100,000 contacts moves when all are read
once and 200 a minute change. Each service is a `LoadPlan`: what gunicorn serves, the upstream behind it, what
to read and what to write. `python -m bench.load [NAME …]` runs the plans; `run_plan` is for tests.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import requests

from bench._fake_chargebee import customer_of
from bench._fake_erp import record_of
from bench._figures import note
from tests.support.processes import free_port, process

MOST_MB = 100.0
"""Peak resident memory of all processes of a service, in 10^6 bytes; Sesam gives a container 128 MiB."""

READERS = WRITERS = 4
RECORDS = 25_000
"""Records upstream; every reader reads them all."""

BATCHES, BATCH = 10, 50
"""Share requests per writer, and records in each."""

Entity = dict[str, Any]


@dataclass(frozen=True)
class LoadPlan:
    """One service under load.

    `application`: what gunicorn serves. `upstream`: command of the process behind it, with `{port}`, and
    `ready`, a path of it to await. `environment`: the service's settings, with `{upstream}`. `read`: path of
    a list in the service. `write`: path of a share endpoint; `batch(writer, number)`: a request's entities.
    """

    application: str
    upstream: Sequence[str]
    ready: str
    environment: Mapping[str, str]
    read: str
    write: str
    batch: Callable[[int, int], list[Entity]]


@dataclass
class Result:
    """What came of it: entities read and written, problems in words, peak memory in MB, elapsed seconds."""

    read: int = 0
    written: int = 0
    problems: list[str] = field(default_factory=list)
    peak: float = 0.0
    elapsed: float = 0.0


def erp_batch(writer: int, number: int) -> list[Entity]:
    """Half updates of contacts that are there, half new ones."""
    entities: list[Entity] = []
    for at in range(BATCH):
        index = (writer * BATCHES + number) * BATCH + at
        if at % 2:
            name = f"new-{index}"
            entities.append(
                {
                    "_id": name,
                    "$operation": "insert",
                    "$origin": f"~:chargebee-customer:{name}",
                    "first_name": name,
                }
            )
        else:
            record = record_of(index)
            based_on = {"job_title": record["job_title"]}
            entities.append(
                {"_id": str(index), "id": record["id"], "$based_on": based_on, "job_title": "Chief"}
            )
    return entities


def chargebee_batch(writer: int, number: int) -> list[Entity]:
    """Half updates of customers that are there, half new ones."""
    entities: list[Entity] = []
    for at in range(BATCH):
        index = (writer * BATCHES + number) * BATCH + at
        if at % 2:
            name = f"new{index}"
            origin = f"~:customerp-contact:{name}"
            entities.append({"_id": name, "$operation": "insert", "$origin": origin, "first_name": name})
        else:
            record = customer_of(index)
            based_on = {"phone": record["phone"]}
            entities.append({"_id": str(index), "id": record["id"], "$based_on": based_on, "phone": "+47 1"})
    return entities


PLANS: dict[str, LoadPlan] = {
    "erp": LoadPlan(
        application="connectors.erp.app:create_app()",
        upstream=["python", "-m", "bench._fake_erp", "--port", "{port}", "--records", str(RECORDS)],
        ready="/stats",
        environment={"ERP_BASE_URL": "{upstream}/api/v1", "ERP_TOKEN": "load"},
        read="/contact/entities",
        write="/contact/share",
        batch=erp_batch,
    ),
    "chargebee": LoadPlan(
        application="connectors.chargebee.app:create_app()",
        upstream=["python", "-m", "bench._fake_chargebee", "--port", "{port}", "--records", str(RECORDS)],
        ready="/stats",
        environment={
            "CHARGEBEE_BASE_URL": "{upstream}/api/v2",
            "CHARGEBEE_API_KEY": "load",
            "CHARGEBEE_RATE_PER_MINUTE": "0",
        },
        read="/customer/entities",
        write="/customer/share",
        batch=chargebee_batch,
    ),
}


def run_plan(plan: LoadPlan) -> Result:
    """Start upstream and service, load them, and end them."""
    behind, port = free_port(), free_port()
    upstream, base = f"http://127.0.0.1:{behind}", f"http://127.0.0.1:{port}"
    command = [part.replace("{port}", str(behind)) for part in plan.upstream]
    settings = {name: value.replace("{upstream}", upstream) for name, value in plan.environment.items()}
    serve = ["python", "-m", "gunicorn", "-c", "connectors/common/gunicorn.conf.py", plan.application]
    env = {**settings, "BIND": f"127.0.0.1:{port}", "MALLOC_ARENA_MAX": "2"}
    with process(command, upstream + plan.ready), process(serve, f"{base}/health", env) as gunicorn:
        return _load(plan, base, gunicorn.pid)


def _load(plan: LoadPlan, base: str, pid: int) -> Result:
    result, lock = Result(), threading.Lock()

    def guarded(work: Callable[[], tuple[int, int]]) -> None:
        try:
            read, written = work()
        except Exception as error:  # whatever it is, it is the finding
            with lock:
                result.problems.append(f"{type(error).__name__}: {str(error)[:200]}")
            return
        with lock:
            result.read += read
            result.written += written

    def reader() -> tuple[int, int]:
        return _read(base + plan.read), 0

    def writer(number: int) -> tuple[int, int]:
        return 0, _write(plan, base, number)

    works = [reader] * READERS + [partial(writer, number) for number in range(WRITERS)]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.elapsed = time.perf_counter() - started
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    result.peak = sum(peak_memory(one.pid) for one in family)
    return result


def _read(url: str) -> int:
    """Read a whole list and count its entities."""
    count, tail = 0, b""
    with requests.get(url, stream=True, timeout=120) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_content(1 << 16):
            count += (tail + chunk).count(b'"_deleted":')
            tail = chunk[-10:]
    if not (tail.endswith(b"]")):
        raise ValueError("the list has no end")
    return count


def _write(plan: LoadPlan, base: str, writer: int) -> int:
    """Share all batches of one writer, and look at every answer."""
    written, session = 0, requests.Session()
    for number in range(BATCHES):
        answer = session.post(base + plan.write, json=plan.batch(writer, number), timeout=120)
        answer.raise_for_status()
        failed = [one for one in answer.json() if one["$status"] != "ok"]
        if failed:
            raise ValueError(f"{len(failed)} not ok, such as {failed[0]['$error']}")
        written += len(answer.json())
    return written


def peak_memory(pid: int) -> float:
    """Highest resident memory of a process, in MB (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def main(names: list[str]) -> int:
    """Run the plans named, or all; 1 if one had a problem or took too much memory."""
    failed = False
    print(f"{'service':<12}{'read':>9}{'written':>9}{'problems':>10}{'elapsed s':>11}{'peak MB':>9}")
    for name in names or PLANS:
        result = run_plan(PLANS[name])
        print(
            f"{name:<12}{result.read:>9,}{result.written:>9,}{len(result.problems):>10}"
            f"{result.elapsed:>11.1f}{result.peak:>9.1f}"
        )
        print("".join(f"  {problem}\n" for problem in result.problems), end="")
        note(f"load: {name} service, peak memory", result.peak, "MB", "less")
        failed |= bool(result.problems) or result.peak >= MOST_MB
    print(f"\nno problems and less than {MOST_MB:.0f} MB are wanted")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
