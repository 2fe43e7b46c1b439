"""The dataflow documents, the pipes and the agreed mapping say the same."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from stack.dataflow.__main__ import main, same
from stack.dataflow.document import MAPPINGS, documents
from stack.dataflow.lineage import Lineage, Reader, record
from stack.dataflow.mappings import Pipes, Row, rows
from stack.environment import ROOT

AGREED = ROOT / "tests" / "stack" / "cases" / "mapping.txt"
"""Line by line: `datatype ↔ datatype: property arrow property`."""


def _rows(erp: str, root: Path = ROOT) -> list[Row]:
    return rows(Pipes(root), erp, dict(MAPPINGS)[erp])


@pytest.mark.parametrize("name", ["customerp-chargebee.rst", "chargebee-customerp.rst", "proof.rst"])
def test_the_documents_are_current(name: str) -> None:
    written = (ROOT / "docs" / "dataflow" / name).read_text(encoding="utf-8")
    assert same(written, documents(Pipes(ROOT), "now")[name]), "run `make docs`"


@pytest.mark.parametrize("erp", dict(MAPPINGS))
def test_every_agreed_row_is_there(erp: str) -> None:
    found = {f"{row.erp} {row.arrow} {row.chargebee}" for row in _rows(erp)}
    agreed = [
        line.partition(": ")[2] for line in AGREED.read_text().splitlines() if line.startswith(f"{erp} ")
    ]
    assert agreed
    assert not [row for row in agreed if row not in found]


@pytest.mark.parametrize(("erp", "chargebee"), MAPPINGS)
def test_no_row_names_a_property_that_its_system_does_not_have(erp: str, chargebee: tuple[str, ...]) -> None:
    text = "\n".join(documents(Pipes(ROOT), "now").values())
    headed = re.findall(r"^   \* - ``(\S+)``\n     - ``(\S+)``\n     - (.*)$", text, re.MULTILINE)
    assert headed
    assert not [row for row in headed if not row[2].strip() and "." not in row[0] + row[1]]


def test_a_changed_pipe_changes_its_document_and_nothing_else_does(tmp_path: Path) -> None:
    for name in ("pipes", "connectors"):
        shutil.copytree(ROOT / name, tmp_path / name)
    pipe = tmp_path / "pipes" / "chargebee-customer-transform.conf.json"
    changed = pipe.read_text(encoding="utf-8").replace(
        '["add", "locale", "_S.language"]', '["add", "locale", "_S.first_name"]'
    )
    pipe.write_text(changed, encoding="utf-8")
    before = {(row.erp, row.chargebee): row.arrow for row in _rows("contact")}
    after = {(row.erp, row.chargebee): row.arrow for row in _rows("contact", tmp_path)}
    assert {key: after.get(key) for key in before | after if before.get(key) != after.get(key)} == {
        ("language", "locale"): "←",
        ("first_name", "locale"): "→",
    }


def test_a_document_that_says_the_same_keeps_its_time(tmp_path: Path) -> None:
    main(tmp_path)
    path = tmp_path / "customerp-chargebee.rst"
    old = re.sub(r"Generated: .*", "Generated: long ago", path.read_text(encoding="utf-8"))
    path.write_text(old, encoding="utf-8")
    main(tmp_path)
    assert path.read_text(encoding="utf-8") == old


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ([["add", "a", "_S.x.y"]], {"a": {"r:x.y"}}),
        ([["add", "a", ["dict", "b", "_S.x"]], ["add", "c", "_T.a.b"]], {"a": set(), "c": {"r:x"}}),
        ([["if", ["eq", "_S.k", 1], ["add", "a", "_S.x"], ["add", "a", "_S.y"]]], {"a": {"r:x", "r:y"}}),
        ([["if", ["eq", "_S.k", 1], ["add", "a", "yes"]]], {"a": {"r:k"}}),
        ([["add", "a", ["map", "_.z", ["filter", ["eq", "_.q", 1], "_S.l"]]]], {"a": {"r:l.z"}}),
        ([["add", "a", ["coalesce-args", "_S.x", "_S.y"]]], {"a": {"r:x"}}),
        ([["add", "a", "_S.x"], ["remove", "a"]], {}),
        ([["copy", "x"], ["merge", ["dict", "b", "_S.y"]]], {"x": {"r:x"}, "b": {"r:y"}}),
    ],
)
def test_lineage(rule: list[object], expected: dict[str, set[str]]) -> None:
    found: Lineage = Reader({"default": rule}).rule("default", record("r"))
    assert {name: set(value.origins) for name, value in found.keys.items()} == expected
