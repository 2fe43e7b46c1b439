"""The memory of every service and node that the attacks start, watched throughout and told at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psutil
import pytest

MB = 1024 * 1024
MOST = 128 * MB
INTERVAL_S = 0.5
PROGRAMS = {
    "connectors.erp.app:create_app()": "ERP service",
    "connectors.chargebee.app:create_app()": "Chargebee service",
    "localnode serve": "node",
}
PEAKS: dict[str, int] = {}
"""By program, the most that one process of it had resident, in bytes."""


def look() -> None:
    """Note what the programs that this process started have resident now."""
    for child in psutil.Process().children(recursive=True):
        try:
            command, resident = " ".join(child.cmdline()), child.memory_info().rss
        except psutil.Error:  # it has ended meanwhile
            continue
        for part, name in PROGRAMS.items():
            if part in command:
                PEAKS[name] = max(PEAKS.get(name, 0), resident)


@pytest.fixture(scope="module", autouse=True)
def memory() -> Iterator[None]:
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(INTERVAL_S):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join()
    large = {name: peak // MB for name, peak in PEAKS.items() if name != "node" and peak >= MOST}
    assert not large, f"services have to stay under {MOST // MB} MB: {large}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker saw to the process that prints."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["peaks"] = dict(PEAKS)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take what a worker saw."""
    for name, peak in getattr(node, "workeroutput", {}).get("peaks", {}).items():
        PEAKS[name] = max(PEAKS.get(name, 0), peak)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the peaks."""
    if PEAKS:
        told = ", ".join(f"{name} {peak / MB:.0f} MB" for name, peak in sorted(PEAKS.items()))
        terminalreporter.write_line(f"most memory of one process: {told}")
