"""Start real processes on free loopback ports, await their readiness, and end them by id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import requests

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def free_port() -> int:
    """A TCP port that was free on 127.0.0.1 a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(
    condition: Callable[[], T], timeout: float = 60.0, interval: float = 0.02, what: str = "condition"
) -> T:
    """Poll `condition` until it returns something truthy, and return that; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} not met within {timeout} s (last value: {value!r})")
        time.sleep(interval)


def answers(url: str, **kwargs: object) -> bool:
    """True once `url` answers any HTTP status at all."""
    try:
        requests.get(url, timeout=60, **kwargs)  # type: ignore[arg-type]
    except requests.RequestException:
        return False
    return True


@contextmanager
def process(
    args: Sequence[str],
    ready_url: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 90.0,
    log: Path | None = None,
    cwd: Path = ROOT,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `args` (a leading "python" becomes this interpreter) in `cwd` (the project root) until the block ends.

    `ready_url` is awaited first. Output goes to `log` or is discarded. The process group is ended with
    SIGTERM, after 30 s with SIGKILL, so that gunicorn workers go too.
    """
    command = [sys.executable if args[0] == "python" else args[0], *args[1:]]
    with (log or Path(os.devnull)).open("ab") as output:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        if ready_url:
            name = " ".join(command[:4])
            wait_until(lambda: answers(ready_url) or child.poll() is not None, timeout, what=f"{name} ready")
            if child.poll() is not None:
                raise AssertionError(f"{name} ended with {child.returncode} before it was ready")
        yield child
    finally:
        end(child)


def end(child: subprocess.Popen[bytes], timeout: float = 30.0) -> None:
    """End one process group that we started; harmless when it is gone already."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(timeout)
