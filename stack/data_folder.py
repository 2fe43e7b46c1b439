"""The data folder of a stack: used by one run at a time, and known to hold the data of certain systems.

`python -m stack.data_folder FOLDER` answers 0 when nobody uses the folder, else 2 with a message.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.folders import open_lock

PROGRAMS = ("erp-sandbox", "chargebee-sandbox")
SANDBOX = "sandbox"
ENDING_S = 25.0
"""How long the processes of a killed run may take to end; the reaper gives them 8 s before it kills."""


class FolderInUse(Exception):
    """Somebody else uses the folder; the message says who."""


@dataclass(frozen=True)
class Contents:
    """Whose data a folder has: address by system id; `written` once a run may have written to them."""

    systems: dict[str, str]
    written: bool


class DataFolder:
    """Data and logs of a stack in `path`; nothing is made before `use`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._systems_file = path / "systems.json"

    @contextmanager
    def use(self, who: str, say: Callable[[str], None]) -> Iterator[int]:
        """Have the folder to oneself; gives the descriptor that holds the lock.

        Whoever inherits the descriptor holds the lock too: the reaper does, so that the processes of a run
        that was killed are gone before the next one begins. `who` is what others are told. Raises
        FolderInUse.
        """
        lock = open_lock(self.path)
        try:
            self._lock(lock, say)
            os.ftruncate(lock, 0)
            os.pwrite(lock, json.dumps({"pid": os.getpid(), "who": who}).encode(), 0)
            with _node_folder(self.path / "node"):
                pass
            yield lock
            os.ftruncate(lock, 0)
        finally:
            os.close(lock)

    def _lock(self, lock: int, say: Callable[[str], None]) -> None:
        deadline = time.monotonic() + ENDING_S
        waited = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                holder = _read(os.pread(lock, 4096, 0))
                if _is_alive(holder.get("pid")) or time.monotonic() > deadline:
                    raise FolderInUse(self._in_use(holder)) from None
                if not waited:
                    say("the last run was killed; waiting for its processes to end")
                waited = True
                time.sleep(0.1)
            else:
                left = _read(os.pread(lock, 4096, 0))
                if left and not waited:
                    say(f"the last run ended without clearing up (process {left.get('pid')} is gone)")
                return

    def _in_use(self, holder: Mapping[str, object]) -> str:
        return (
            f"the data folder {self.path} is in use by {holder.get('who', 'another run')} (process"
            f" {holder.get('pid', 'unknown')}). Stop that one with Ctrl-C where it runs, or name another"
            " folder and other ports: .venv/bin/python -m stack run --folder DIR"
        )

    def contents(self) -> Contents | None:
        """Whose data is in here; None when there is nothing that is known."""
        try:
            found = _read(self._systems_file.read_bytes())
        except OSError:
            return None
        systems = found.get("systems")
        if not isinstance(systems, dict):
            return None
        addresses = {str(name): str(address) for name, address in systems.items()}
        return Contents(addresses, found.get("written") is True)

    def note_systems(self, systems: Mapping[str, str], written: bool) -> None:
        """Remember whose data is in here from now on, and whether anything was written to those systems."""
        text = json.dumps({"systems": dict(systems), "written": written}, indent=2)
        self._systems_file.write_text(f"{text}\n", encoding="utf-8")

    def forget(self) -> None:
        """Remove what former runs left, and nothing else."""
        self._systems_file.unlink(missing_ok=True)
        for name in PROGRAMS:
            for path in self.path.glob(f"{name}.sqlite*"):
                path.unlink()
        for name in ("node", "logs"):
            shutil.rmtree(self.path / name, ignore_errors=True)


@contextmanager
def _node_folder(path: Path) -> Iterator[None]:
    """Raise FolderInUse while a local node that was started by itself has its data there."""
    try:
        lock = os.open(path / "lock", os.O_RDWR)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise FolderInUse(
            f"a local node that was started separately (python -m localnode serve) uses {path}: stop it first"
        ) from None
    else:
        yield
    finally:
        os.close(lock)


def _read(text: bytes) -> dict[str, object]:
    """Return a JSON object; {} for anything else."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_alive(pid: object) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main(path: str) -> int:
    """Say whether the folder is in use."""
    if not Path(path).is_dir():
        return 0
    try:
        with DataFolder(Path(path)).use("a check", lambda _: None):
            return 0
    except FolderInUse as error:
        print(f"stack: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
