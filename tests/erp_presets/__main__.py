"""`python -m tests.erp_presets [pytest options]`: install the third-party servers and run the tests marked `erp`.

Two lanes at the same time: Tryton, which takes the longest, and the other servers one after another; a server's
tests begin as soon as it is installed. Ends with 1 when a test failed, else with 3 when some server cannot be
fetched here, so that a CI can tell "could not be tried" from "failed".
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.erp_presets import tryton_server
from tests.support.processes import ROOT
from tests.support.thirdparty import CannotFetch, installed

HERE = Path(__file__).parent
NOT_FETCHED = "test-erp: not fetched here: "
"""The last line when nothing failed and some servers could not be tried; `.ci/run` looks for it."""

FAILED, CANNOT_FETCH, NOTHING_CHOSEN = 1, 3, 5
_PYTEST = [sys.executable, "-m", "pytest", str(HERE), "-m", "erp", "--timeout", "300"]
_speaking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Server:
    """One of the servers: the folder that says what to install, how its tests are called (`-k`) and how many workers
    they have use for, and what to make ready first.
    """

    folder: str
    tests: str
    workers: int = 0
    prepare: Callable[[Path], object] = lambda place: None


LANES = (
    [Server("tryton", "test_tryton", 2, tryton_server.template)],
    [Server("odata", "odata-v4"), Server("link_header", "link-header"), Server("cursor", "cursor")],
)


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser("python -m tests.erp_presets", description=__doc__)
    parser.add_argument("-k", metavar="EXPRESSION", help="only the tests that fit, as pytest has it")
    chosen, options = parser.parse_known_args(arguments)
    with ThreadPoolExecutor(len(LANES)) as pool:
        lanes = [pool.submit(_walk, lane, chosen.k, options) for lane in LANES]
        codes = {folder: code for lane in lanes for folder, code in lane.result().items()}
    if any(code == FAILED for code in codes.values()):
        return FAILED
    missing = [folder for folder, code in codes.items() if code == CANNOT_FETCH]
    if missing:
        _say(f"{NOT_FETCHED}{', '.join(missing)}")
    return CANNOT_FETCH if missing else 0


def _walk(lane: Sequence[Server], chosen: str | None, options: list[str]) -> dict[str, int]:
    return {server.folder: _tested(server, chosen, options) for server in lane}


def _tested(server: Server, chosen: str | None, options: list[str]) -> int:
    started = time.perf_counter()
    try:
        place = installed(HERE / server.folder)
        server.prepare(place)
    except CannotFetch as error:
        _say(f"{server.folder}: cannot be fetched here, so nothing of it was tested.\n{error}")
        return CANNOT_FETCH
    ready = time.perf_counter()
    fitting = f"{server.tests} and ({chosen})" if chosen else server.tests
    command = [*_PYTEST, "-n", str(server.workers), "-k", fitting, *options]
    done = subprocess.run(
        command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    times = f"ready after {ready - started:.0f} s, tested in {time.perf_counter() - ready:.0f} s"
    _say(f"{server.folder}: {place.relative_to(ROOT)}, {times}\n{done.stdout.rstrip()}")
    return 0 if done.returncode in (0, *([NOTHING_CHOSEN] if chosen else [])) else FAILED


def _say(text: str) -> None:
    with _speaking:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
