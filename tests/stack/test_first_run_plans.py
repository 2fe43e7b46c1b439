"""The first run against real systems says what it would write, and writes nothing; with WRITE it goes on."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from stack.environment import PORTS
from stack.settings import free_ports
from tests.support.processes import ROOT, free_port, process, wait_until
from tests.support.systems import Chargebee, Erp


@dataclass
class Real:
    """Two systems that this project did not start, as far as it can tell."""

    erp: str
    chargebee: str

    def written(self) -> int:
        """Calls that change something, so far."""
        return Erp(self.erp).writes() + Chargebee(self.chargebee).writes()

    def settings(self) -> dict[str, str]:
        return {
            "ERP_BASE_URL": f"{self.erp}/api/v1",
            "ERP_TOKEN": "sandbox",
            "CHARGEBEE_BASE_URL": f"{self.chargebee}/api/v2",
            "CHARGEBEE_API_KEY": "sandbox",
            "CHARGEBEE_RATE_PER_MINUTE": "0",
            "CHARGEBEE_LIST_LAG_SECONDS": "0",
            **{PORTS[name].name: str(port) for name, port in free_ports().items()},
        }


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    ports = free_port(), free_port()
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    erp, chargebee = (
        process(
            [
                "python",
                "-m",
                f"sandbox.{name}",
                "--port",
                str(port),
                "--state",
                str(tmp_path / f"{name}.db"),
                "--data",
                "empty",
            ],
            f"{url}/_sandbox/stats",
        )
        for name, port, url in zip(("erp", "chargebee"), ports, urls, strict=True)
    )
    with erp, chargebee:
        people = Erp(urls[0])
        people.create("contacts", first_name="Ann", last_name="Li", email="ann@real.example")
        people.create("contacts", first_name="Bo", last_name="Ek", email="bo@real.example")
        Chargebee(urls[1]).post(
            "customers", id="cb-ann", email="ann@real.example", first_name="Ann", last_name="Li"
        )
        Chargebee(urls[1]).post("customers", id="cb-bob", email="robert@home.example", last_name="Eck")
        yield Real(*urls)


def stack_run(folder: Path, settings: dict[str, str], *options: str) -> subprocess.Popen[str]:
    # A shell lets what it starts in the background ignore Ctrl-C, these tests and their children included.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        [sys.executable, "-m", "stack", "run", "--folder", str(folder), *options],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def output(folder: Path, settings: dict[str, str], *options: str) -> tuple[int, str]:
    child = stack_run(folder, settings, *options)
    said = child.communicate(timeout=120)[0]
    return child.returncode, said


def figures(said: str, datatype: str) -> list[int]:
    """records, matched, to make, to change, to delete, waits"""
    row = next(line for line in said.splitlines() if line.startswith(datatype))
    return [int(number) for number in re.findall(r"\d+", row.removeprefix(datatype))]


def test_the_first_run_plans_and_write_carries_it_out(real: Real, tmp_path: Path) -> None:
    folder, settings, before = tmp_path / "data", real.settings(), real.written()
    code, said = output(folder, settings)
    assert code == 0, said
    assert figures(said, "ERP contact") == [2, 1, 1, 2, 0, 0], said
    assert figures(said, "Chargebee customer")[:3] == [2, 1, 1], said
    assert "Nothing was written" in said and "make run WRITE=1" in said and "warning" not in said
    assert real.written() == before
    with (folder / "links.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["erp_name"], row["chargebee_id"], row["state"]) for row in rows} == {
        ("Ann Li", "cb-ann", "matched"),
        ("Bo Ek", "", "alone"),
        ("", "cb-bob", "alone"),
    }
    edited = tmp_path / "edited.csv"
    bo = next(row for row in rows if row["erp_name"] == "Bo Ek")
    edited.write_text(
        f"decision;erp_datatype;erp_id;chargebee_datatype;chargebee_id\nlink;contact;{bo['erp_id']};customer;cb-bob\n"
    )
    code, said = output(folder, settings, "--once", "--write", "--links", str(edited))
    assert code == 0, said
    assert "contact ↔ customer" in said and real.written() > before
    ours = ("erp-service", "chargebee-service", "node")
    assert all(settings[PORTS[name].name] in said for name in ours), "it says where to look"
    assert not any(_answers(int(settings[PORTS[name].name])) for name in ours), "nothing is left running"
    linked = {each["id"]: each["external_refs"]["chargebee"] for each in Erp(real.erp).all("contacts")}
    ann = next(row["erp_id"] for row in rows if row["erp_name"] == "Ann Li")
    assert linked == {ann: "cb-ann", bo["erp_id"]: "cb-bob"}, "what a person said, whatever the keys"
    assert len(Chargebee(real.chargebee).all("customers")) == 2


@pytest.mark.slow
def test_a_run_that_has_written_goes_on_where_it_was_until_it_is_forgotten(
    real: Real, tmp_path: Path
) -> None:
    folder, settings = tmp_path / "data", real.settings()
    code, said = output(folder, settings, "--once", "--write")
    assert code == 0, said
    after = real.written()
    code, said = output(folder, settings, "--plan")
    assert code == 0 and "Nothing was written" in said, said
    code, said = output(folder, settings, "--once")
    assert code == 0 and "contact ↔ customer" in said, "it goes on where it was, and plans no more"
    assert real.written() == after, "nothing is forgotten, so nothing is written again"
    code, said = output(folder, settings, "--once", "--fresh")
    assert code == 0 and "Nothing was written" in said, "forgotten, it is a first run again"


def test_ctrl_c_before_the_end_says_so_and_leaves_nothing_running(tmp_path: Path) -> None:
    settings = {PORTS[name].name: str(port) for name, port in free_ports().items()}
    child = stack_run(tmp_path, settings, "--once")
    assert child.stdout is not None
    wait_until(lambda: "syncing" in str(child.stdout and child.stdout.readline()), 60, what="begun")
    os.killpg(child.pid, signal.SIGINT)
    said = child.communicate(timeout=60)[0]
    assert child.returncode == 130 and "before it was done" in said and "Traceback" not in said, said
    assert not any(_answers(int(port)) for port in settings.values())


def _answers(port: int) -> bool:
    try:
        return bool(requests.get(f"http://127.0.0.1:{port}/", timeout=1))
    except requests.RequestException:
        return False
