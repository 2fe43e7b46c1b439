"""The stack as a whole: a record crosses it, every process can be stopped and started, and `run` cleans up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.environment import PORTS
from stack.processes import Stack
from stack.settings import free_ports
from tests.support.processes import ROOT, wait_until
from tests.support.systems import Chargebee, Erp


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(data="empty", folder=tmp_path_factory.mktemp("stack")) as running:
        yield running


def emails(stack: Stack) -> list[str]:
    return sorted(record["email"] for record in Chargebee(stack.chargebee_sandbox_url).all("customers"))


def test_a_contact_reaches_chargebee_and_survives_restarts(stack: Stack) -> None:
    erp = Erp(stack.erp_sandbox_url)
    erp.create("contacts", last_name="A", email="a@stack.example")
    stack.sync()
    assert emails(stack) == ["a@stack.example"]
    for name in stack.names():
        stack.kill(name)
        stack.start(name)
    erp.create("contacts", last_name="B", email="b@stack.example")
    stack.sync()
    assert emails(stack) == ["a@stack.example", "b@stack.example"]
    assert "customerp-contact" in stack.share_pipes()
    stack.wipe_node()
    stack.sync()
    assert emails(stack) == ["a@stack.example", "b@stack.example"]


def run(folder: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, int]]:
    ports = free_ports()
    env = {**os.environ, **{PORTS[name].name: str(port) for name, port in ports.items()}}
    command = [sys.executable, "-m", "stack", "run", "--empty", "--folder", str(folder), *options]
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return child, ports


def test_run_once_prints_the_table_and_leaves_nothing_running(tmp_path: Path) -> None:
    child, ports = run(tmp_path, "--once")
    output = child.communicate(timeout=240)[0]
    assert child.returncode == 0, output
    assert "contact ↔ customer" in output
    assert all(str(port) in output for port in ports.values()), "it says where to look"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_run_ends_its_children_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    child, _ = run(tmp_path)
    assert child.stdout is not None
    wait_until(lambda: "Ctrl-C" in str(child.stdout and child.stdout.readline()), 240, what="synced")
    family = [
        each
        for each in psutil.Process(child.pid).children(recursive=True)
        if "reaper" not in str(each.cmdline())
    ]
    assert len(family) >= 5
    os.kill(child.pid, number)
    child.wait(120)
    child.stdout.close()
    wait_until(lambda: not any(alive(each) for each in family), what="children ended")
    assert child.returncode == (0 if number != signal.SIGKILL else -signal.SIGKILL)


def alive(each: psutil.Process) -> bool:
    return each.is_running() and each.status() != psutil.STATUS_ZOMBIE
