"""Servers that this project did not write: installed from pinned lock files into `.cache/`, started on loopback.

A folder with `package-lock.json` is installed by npm, one with `requirements.lock` by pip into a venv of its own.
What is installed is kept under the hash of its lock file, so a changed lock is a new install.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import ROOT

CACHE = ROOT / ".cache" / "erp"
_INSTALL_TIMEOUT_S = 600
_BROKEN = ("EINTEGRITY", "EUSAGE", "THESE PACKAGES DO NOT MATCH THE HASHES", "In --require-hashes mode")
"""What npm and pip say when the lock file itself is at fault: a failure of ours, not of the network."""


class CannotFetch(Exception):
    """Packages cannot be fetched here (no network, no registry, no npm): nothing is known about the code."""


def installed(folder: Path) -> Path:
    """The place where the server described by `folder` is installed; installs it when it is not there yet.

    Raises `CannotFetch`, or `RuntimeError` when the lock file is broken.
    """
    lock = next(
        folder / name for name in ("package-lock.json", "requirements.lock") if (folder / name).is_file()
    )
    place = CACHE / f"{folder.name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    with one_at_a_time(place):
        if not (place / ".installed").is_file():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            if lock.suffix == ".json":
                _npm(folder, place)
            else:
                _pip(lock, place)
            (place / ".installed").touch()
    return place


@contextmanager
def one_at_a_time(place: Path) -> Iterator[None]:
    """Held by one process and thread at a time for each place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _npm(folder: Path, place: Path) -> None:
    """`npm ci` without install scripts: nothing is compiled and nothing else is downloaded."""
    if shutil.which("npm") is None:
        raise CannotFetch("npm is not installed")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, place)
    # The shortest pause before another try is 10 s by default, and npm refuses a longest one below it.
    patience = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *patience], place)


def _pip(lock: Path, place: Path) -> None:
    _run([sys.executable, "-m", "venv", "--without-pip", str(place)], place)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    _run(
        [
            *pip,
            "--python",
            str(place / "bin" / "python"),
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            str(lock),
        ],
        place,
    )


def _run(command: list[str], cwd: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise CannotFetch(
            f"{cwd.name}: {' '.join(command[:3])} took more than {_INSTALL_TIMEOUT_S} s"
        ) from None
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        if any(sign in said for sign in _BROKEN):
            raise RuntimeError(f"{cwd.name}: the lock file does not fit:\n{said[-2000:]}")
        raise CannotFetch(f"{cwd.name}: {' '.join(command[:3])} failed:\n{said[-1000:]}")
