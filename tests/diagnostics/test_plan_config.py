"""`plan --config`: which records another configuration would make different, over what was collected."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from core.jsonio import Json
from localnode.diagnostics.compare_text import compare_text
from stack.node import NodeClient
from tests.support.commands import localnode
from tests.support.embedded import embedded_node
from tests.support.processes import ROOT

LANGUAGE = ["add", "language", "_S.language"]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeClient]:
    with embedded_node(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped configuration."""
    for name in ("pipes", "systems"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "node-metadata.conf.json", tmp_path)
    return tmp_path


def compare(node: NodeClient, folder: Path) -> CompletedProcess[str]:
    return localnode("plan", "--config", str(folder), "--json", "--node", node.url)


def edit(folder: Path, pipe: str, old: Any, new: Any) -> None:
    """Replace a part of a pipe."""
    path = folder / "pipes" / f"{pipe}.conf.json"
    before = json.dumps(json.loads(path.read_text(encoding="utf-8")))
    after = before.replace(json.dumps(old), json.dumps(new))
    assert after != before
    path.write_text(after, encoding="utf-8")


def test_the_same_configuration_changes_nothing(node: NodeClient, folder: Path) -> None:
    done = compare(node, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["status"], found["differences"]) == ("nothing", [])
    assert found["pipes"] == {"added": [], "removed": [], "changed": []}


def test_a_changed_rule_is_told_by_the_records_and_fields_it_changes(node: NodeClient, folder: Path) -> None:
    edit(folder, "customerp-contact-enrich", LANGUAGE, ["add", "language", "nb"])
    done = compare(node, folder)
    assert done.returncode == 2, done.stdout + done.stderr
    found: Json = json.loads(done.stdout)
    assert found["pipes"]["changed"] == ["customerp-contact-enrich"]
    golden = {
        each["_id"]: each["fields"] for each in found["differences"] if each["dataset"] == "global-person"
    }
    assert set(golden) >= {"customerp-contact:CT-1", "customerp-contact:CT-2"}
    assert not any(name.startswith("customerp-employee") for name in golden)
    assert golden["customerp-contact:CT-1"] == [{"field": "language", "before": None, "after": "nb"}]
    assert {each["field"] for fields in golden.values() for each in fields} == {"language"}
    wanted = {
        each["_id"]: each["fields"]
        for each in found["differences"]
        if each["dataset"] == "chargebee-customer-transform"
    }
    assert wanted["new:customerp-contact:CT-1"] == [{"field": "locale", "before": None, "after": "nb"}]
    golden_now = node.entity("global-person", "customerp-contact:CT-1") or {}
    assert golden_now["golden"]["language"]["v"] is None
    told = compare_text(found)
    assert "pipes changed: customerp-contact-enrich" in told
    assert 'language: nothing → "nb"' in told


def test_a_configuration_with_errors_is_refused_with_the_place(node: NodeClient, folder: Path) -> None:
    edit(
        folder, "customerp-contact-enrich", LANGUAGE, ["add", "language", ["no-such-function", "_S.language"]]
    )
    done = compare(node, folder)
    assert done.returncode == 1
    assert "no-such-function" in done.stderr
