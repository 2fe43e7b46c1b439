"""Children end with their parent, whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.settings import BadSetting
from stack import process_manager
from stack.process_manager import ProcessManager, Program, StackError
from stack.reaper import groups_left
from tests.support.processes import ROOT, free_port, wait_until

SERVER = "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"
REFUSING = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503)
        self.end_headers()
        self.wfile.write(sys.argv[2].encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PARENT = """
import pathlib, subprocess, sys, time
from stack import process_manager
from stack.process_manager import ProcessManager, Program
children = ProcessManager(pathlib.Path(sys.argv[1]), {"PATH": "/usr/bin:/bin"})
nested = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); time.sleep(600)"
children.start(Program("sleeper", [sys.executable, "-c", nested], {}, "http://127.0.0.1:9/"))
print(children.pid("sleeper"), flush=True)
time.sleep(600)
"""


def server(port: int) -> Program:
    return Program("server", [sys.executable, "-c", SERVER, str(port)], {}, f"http://127.0.0.1:{port}/")


def test_start_await_and_stop(tmp_path: Path) -> None:
    children = ProcessManager(tmp_path, dict(os.environ))
    try:
        children.start(server(free_port()))
        children.await_ready("server")
        children.check()
        pid = children.pid("server")
        children.stop("server")
        assert not psutil.pid_exists(pid)
    finally:
        children.stop_all()


def test_a_child_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    children = ProcessManager(tmp_path, dict(os.environ))
    try:
        children.start(
            Program(
                "bad", [sys.executable, "-c", "raise SystemExit('no such luck')"], {}, "http://127.0.0.1:9/"
            )
        )
        with pytest.raises(StackError, match="(?s)bad ended with 1.*no such luck"):
            children.await_ready("bad")
        with pytest.raises(StackError, match="bad ended"):
            children.check()
    finally:
        children.stop_all()


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        ('{"setting": "ERP_TOKEN", "detail": "check it"}', BadSetting, "picky: ERP_TOKEN: check it"),
        ('{"status": "unavailable", "reason": "the disk is full"}', StackError, "picky: the disk is full"),
    ],
)
def test_what_waiting_does_not_mend_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, error: type[Exception], told: str
) -> None:
    monkeypatch.setattr(process_manager, "START_S", 10_000.0)
    children, port = ProcessManager(tmp_path, dict(os.environ)), free_port()
    command = [sys.executable, "-c", REFUSING, str(port), said]
    program = Program("picky", command, {}, f"http://127.0.0.1:{port}/")
    try:
        children.start(program)
        with pytest.raises(error, match=f"^{told}$"):
            children.await_ready("picky")
    finally:
        children.stop_all()


def test_kill_9_of_the_parent_ends_every_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        sleeper = psutil.Process(int(parent.stdout.readline()))
        family = [sleeper, *wait_until(sleeper.children, what="grandchild")]
        os.kill(parent.pid, signal.SIGKILL)
        wait_until(lambda: not any(alive(each) for each in family), what="children ended")


def alive(each: psutil.Process) -> bool:
    return each.is_running() and each.status() != psutil.STATUS_ZOMBIE


def test_the_reaper_forgets_what_ended_in_good_order() -> None:
    assert groups_left(["+5\n", "+6\n", "-5\n"]) == {6}
