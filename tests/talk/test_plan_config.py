"""`plan --config`: which records another configuration would make different, over what was collected."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack.processes import Stack
from tests.support.processes import ROOT
from tests.talk.small import Json, Pair, synced

LANGUAGE = ["add", "language", "_S.language"]


pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Stack(data="empty", folder=tmp_path_factory.mktemp("config")) as stack:
        yield synced(stack, tmp_path_factory.mktemp("copies"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped configuration."""
    for name in ("pipes", "systems"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "node-metadata.conf.json", tmp_path)
    return tmp_path


def compare(pair: Pair, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localnode", "plan", "--config", str(folder), "--json"]
    command += ["--node", pair.stack.node.url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def edit(folder: Path, pipe: str, old: Any, new: Any) -> None:
    """Replace a part of a pipe."""
    path = folder / "pipes" / f"{pipe}.conf.json"
    before = json.dumps(json.loads(path.read_text(encoding="utf-8")))
    after = before.replace(json.dumps(old), json.dumps(new))
    assert after != before
    path.write_text(after, encoding="utf-8")


def test_the_same_configuration_changes_nothing(pair: Pair, folder: Path) -> None:
    done = compare(pair, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["status"], found["differences"]) == ("nothing", [])
    assert found["pipes"] == {"added": [], "removed": [], "changed": []}


def test_a_changed_rule_is_told_by_the_records_and_fields_it_changes(pair: Pair, folder: Path) -> None:
    before = pair.erp.writes(), pair.chargebee.writes()
    edit(folder, "customerp-contact-enrich", LANGUAGE, ["add", "language", "nb"])
    done = compare(pair, folder)
    assert done.returncode == 2, done.stdout + done.stderr
    found: Json = json.loads(done.stdout)
    assert found["pipes"]["changed"] == ["customerp-contact-enrich"]
    golden = {
        each["_id"]: each["fields"] for each in found["differences"] if each["dataset"] == "global-person"
    }
    assert set(golden) >= {f"customerp-contact:{pair.ids[name]}" for name in ("ann", "bob")}
    assert not any(name.startswith("customerp-employee") for name in golden)
    assert all(fields == [{"field": "language", "before": None, "after": "nb"}] for fields in golden.values())
    wanted = {
        each["_id"] for each in found["differences"] if each["dataset"] == "chargebee-customer-transform"
    }
    assert f"contact-{pair.ids['ann']}" in wanted
    assert (pair.erp.writes(), pair.chargebee.writes()) == before
    assert (
        pair.stack.entity("global-person", f"customerp-contact:{pair.ids['ann']}")["golden"]["language"]["v"]
        is None
    )


def test_a_configuration_with_errors_is_refused_with_the_place(pair: Pair, folder: Path) -> None:
    edit(
        folder, "customerp-contact-enrich", LANGUAGE, ["add", "language", ["no-such-function", "_S.language"]]
    )
    done = compare(pair, folder)
    assert done.returncode == 1
    assert "no-such-function" in done.stderr


def test_the_answer_for_people_names_pipe_record_and_field(pair: Pair, folder: Path) -> None:
    edit(folder, "customerp-contact-enrich", LANGUAGE, ["add", "language", "nb"])
    command = [
        sys.executable,
        "-m",
        "localnode",
        "plan",
        "--config",
        str(folder),
        "--node",
        pair.stack.node.url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert "pipes changed: customerp-contact-enrich" in done.stdout
    assert 'language: nothing → "nb"' in done.stdout
