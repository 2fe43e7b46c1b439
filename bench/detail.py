"""What a list that shows summaries costs: each record is read by itself, and memory does not grow with them.

What changed since a token near the end, the same once more, as reads overlap, then all of them. Calls are
counted by the fake ERP.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import requests

from bench._fake_erp import EQUAL, stamp_of
from bench.reads import cpu_of
from tests.support.processes import ROOT, free_port, process

RECORDS = 100_000
CHANGED = 700
"""Records after the token of the first read, or a few more: those that share their stamp with the oldest."""

PAGE = 100
MOST_GROWTH_MB = 24.0
"""What memory may grow by from the first tenth of a read to its end."""


def profile(folder: Path) -> str:
    """Return the sandbox's profile, told that its lists show summaries."""
    document: dict[str, Any] = json.loads((ROOT / "connectors/erp/profiles/sandbox.json").read_bytes())
    document["defaults"]["list"] = {**document["defaults"].get("list", {}), "detail": {"concurrency": 8}}
    document["entities"] = {"contact": document["entities"]["contact"]}
    file = folder / "summaries.json"
    file.write_text(json.dumps(document))
    return str(file)


def read(base: str, family: list[psutil.Process], since: str | None, tenth: int) -> tuple[int, float, float]:
    """Return the records of a read, and memory in MB when a tenth of them had come and at the end."""
    count, early = 0, 0.0
    for found in _counts(base, since):
        count += found
        if not early and count >= tenth:
            early = _memory(family)
    return count, early, _memory(family)


def _counts(base: str, since: str | None) -> Iterator[int]:
    query = {"since": since} if since else {}
    mark, tail = b'"_deleted":', b""
    with requests.get(f"{base}/contact/entities", params=query, stream=True, timeout=600) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_content(1 << 16):
            yield (tail + chunk).count(mark) - tail.count(mark)
            tail = chunk[-len(mark) :]


def _memory(family: list[psutil.Process]) -> float:
    return sum(one.memory_info().rss for one in family) / 1e6


def main(records: int) -> int:
    """Print the table; 1 if a call was made too often, a record is missing, or memory grows."""
    upstream_port, service_port = free_port(), free_port()
    upstream, base = f"http://127.0.0.1:{upstream_port}", f"http://127.0.0.1:{service_port}"
    fake = [
        "python",
        "-m",
        "bench._fake_erp",
        "--port",
        str(upstream_port),
        "--records",
        str(records),
        "--summary",
    ]
    serve = [
        "python",
        "-m",
        "gunicorn",
        "-c",
        "connectors/common/gunicorn.conf.py",
        "connectors.erp.app:create_app()",
    ]
    with tempfile.TemporaryDirectory() as folder:
        env = {
            "ERP_BASE_URL": f"{upstream}/api/v1",
            "ERP_TOKEN": "bench",
            "ERP_PROFILE": profile(Path(folder)),
            "BIND": f"127.0.0.1:{service_port}",
            "PAGE_SIZE": str(PAGE),
        }
        with (
            process(fake, f"{upstream}/stats", timeout=120) as _,
            process(serve, f"{base}/health", env) as gunicorn,
        ):
            main_process = psutil.Process(gunicorn.pid)
            family = [main_process, *main_process.children(recursive=True)]
            oldest = (records - CHANGED) // EQUAL * EQUAL
            since, changed = stamp_of(oldest), records - oldest
            reads = [
                ("what changed", since, changed),
                ("the same again", since, 0),
                ("all of them", None, records),
            ]
            wrong = False
            print(
                f"{'':<18}{'records':>9}{'lists':>8}{'singles':>9}{'CPU s':>9}"
                f"{'MB at 1/10':>12}{'MB at end':>11}"
            )
            for title, token, singles in reads:
                before, cpu = stats(upstream), cpu_of(family)
                count, early, late = read(base, family, token, records // 10)
                made = {name: value - before[name] for name, value in stats(upstream).items()}
                print(
                    f"{title:<18}{count:>9,}{made['calls']:>8,}{made['singles']:>9,}"
                    f"{cpu_of(family) - cpu:>9.1f}{early:>12.1f}{late:>11.1f}"
                )
                wanted = records if token is None else changed
                lists = -(-wanted // PAGE) + (0 if token is None else 1)
                wrong |= count != wanted or made["singles"] > singles or made["calls"] > lists
                wrong |= token is None and late - early > MOST_GROWTH_MB
    print("\nTOO MUCH" if wrong else "\none call for each record and one for each page, and memory is flat")
    return int(wrong)


def stats(upstream: str) -> dict[str, int]:
    """Return how many calls of lists and of single records the ERP has had."""
    found: dict[str, int] = requests.get(f"{upstream}/stats", timeout=5).json()
    return found


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--records", type=int, default=RECORDS)
    sys.exit(main(arguments.parse_args().records))
