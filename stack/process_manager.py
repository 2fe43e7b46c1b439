"""Child processes: started in groups of their own, awaited until they answer, and ended whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from core.settings import BadSetting
from stack.environment import ROOT
from stack.settings import HOST

START_S = 60.0
STOP_S = 15.0
TAIL_LINES = 15
CANNOT_START = ": cannot start: "
"""What a service says before it names a bad setting."""


class StackError(RuntimeError):
    """The stack cannot go on; the message says which process and where to read more."""


@dataclass(frozen=True)
class Program:
    """What to start: its name, arguments, own settings, and the URL that answers 200 once it can be used.

    `credentials`: the HTTP basic ones that URL asks for.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    ready_url: str
    credentials: tuple[str, str] | None = None


class ProcessManager:
    """The running programs. A reaper process ends them should this process die without doing so."""

    def __init__(self, logs: Path, environment: Mapping[str, str], held_open: Collection[int] = ()) -> None:
        """`held_open`: file descriptors that the reaper keeps for as long as it has something to end."""
        self._logs = logs
        self._environment = {**environment, "NO_PROXY": f"{environment.get('NO_PROXY', '')},{HOST}"}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._programs: dict[str, Program] = {}
        self._reaper = subprocess.Popen(
            [sys.executable, "-m", "stack.reaper"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            pass_fds=held_open,
            start_new_session=True,
        )

    def start(self, program: Program) -> None:
        """Start a program without waiting for it; its output goes to `<name>.log`."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(program.name).open("ab") as log:
            child = subprocess.Popen(
                program.arguments,
                cwd=ROOT,
                env={**self._environment, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._tell(f"+{child.pid}")
        self._running[program.name] = child
        self._programs[program.name] = program

    def await_ready(self, name: str) -> None:
        """Wait until a program answers 200.

        StackError with its last words when it ends or takes too long, and at once when it says why it can
        do nothing, such as a full disk; BadSetting when it names a setting.
        """
        child, program = self._running[name], self._programs[name]
        url = program.ready_url
        deadline = time.monotonic() + START_S
        said = ""
        while time.monotonic() < deadline:
            if child.poll() is not None:
                self._refuse_setting(name)
                raise StackError(f"{name} ended with {child.returncode}:\n{self._tail(name)}")
            try:
                answer = _ask(url, program.credentials)
            except requests.RequestException:
                pass
            else:
                if answer.status_code == 200:
                    return
                _refuse_what_waiting_does_not_mend(name, answer)
                said = f"{url} answers {answer.status_code}: {answer.text[:500]}"
            time.sleep(0.05)
        raise StackError(f"{name} is not ready after {START_S:g} s. {said}\n{self._tail(name)}")

    def check(self) -> None:
        """StackError when a program has ended by itself."""
        for name, child in self._running.items():
            if child.poll() is not None:
                raise StackError(f"{name} ended with {child.returncode}:\n{self._tail(name)}")

    def pid(self, name: str) -> int:
        """Return the process id of a program, which is that of its group too."""
        return self._running[name].pid

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Signal a program's group and wait for its end; what does not end in STOP_S is killed."""
        self._end({name: self._running.pop(name)}, number)

    def stop_all(self) -> None:
        """End every program and the reaper."""
        running, self._running = self._running, {}
        self._end(running, signal.SIGTERM)
        if self._reaper.stdin is not None:
            with contextlib.suppress(OSError):
                self._reaper.stdin.close()
        self._reaper.wait()

    def log(self, name: str) -> Path:
        """Return where a program's output goes."""
        return self._logs / f"{name}.log"

    def _end(self, children: Mapping[str, subprocess.Popen[bytes]], number: signal.Signals) -> None:
        for child in children.values():
            _signal_group(child.pid, number)
        deadline = time.monotonic() + STOP_S
        for child in children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
            # Also after a clean end: what the program started in its group may have outlived it.
            _signal_group(child.pid, signal.SIGKILL)
            child.wait()
            self._tell(f"-{child.pid}")

    def _refuse_setting(self, name: str) -> None:
        """BadSetting when a program ended since it was told something wrong."""
        for line in self._tail(name).splitlines():
            _, found, reason = line.partition(CANNOT_START)
            if found:
                raise BadSetting(f"{name}: {reason}")

    def _tell(self, line: str) -> None:
        if self._reaper.stdin is not None:
            with contextlib.suppress(OSError):
                self._reaper.stdin.write(f"{line}\n".encode())
                self._reaper.stdin.flush()

    def _tail(self, name: str) -> str:
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"(the end of {self.log(name)})", *lines[-TAIL_LINES:]])


def _ask(url: str, credentials: tuple[str, str] | None) -> requests.Response:
    """GET over a connection of its own: one kept open would make its server wait when it is to end."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, auth=credentials, timeout=5)


def _refuse_what_waiting_does_not_mend(name: str, answer: requests.Response) -> None:
    """Raise BadSetting for a setting that a service names, StackError for the `reason` of a node's health."""
    try:
        body = answer.json()
    except ValueError:
        return
    if isinstance(body, dict) and body.get("setting"):
        raise BadSetting(f"{name}: {body['setting']}: {body.get('detail')}")
    if isinstance(body, dict) and body.get("reason"):
        raise StackError(f"{name}: {body['reason']}")


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
