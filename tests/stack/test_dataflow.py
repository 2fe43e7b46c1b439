"""The dataflow documents, the mapping files and the agreed mapping say the same."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from stack.dataflow.__main__ import main, same
from stack.dataflow.document import documents
from stack.dataflow.rows import Mapping, mappings
from stack.environment import ROOT
from stack.mappings.render import Mappings
from tests.support import shipped

AGREED = ROOT / "tests" / "stack" / "cases" / "mapping.txt"
"""Line by line: `datatype ↔ datatype: property arrow property`."""

READ = shipped.mappings()


def _arrows(mapping: Mapping) -> dict[tuple[str, str], str]:
    return {(pair.erp, pair.chargebee): pair.arrow for pair in mapping.pairs()}


@pytest.mark.parametrize("name", ["customerp-chargebee.rst", "chargebee-customerp.rst", "proof.rst"])
def test_the_documents_are_current(name: str) -> None:
    written = (ROOT / "docs" / "dataflow" / name).read_text(encoding="utf-8")
    assert same(written, documents(READ, "now")[name]), "run `make docs`"


@pytest.mark.parametrize("mapping", mappings(READ), ids=lambda mapping: "-".join(mapping.title))
def test_every_agreed_row_is_there(mapping: Mapping) -> None:
    found = {f"{erp} {arrow} {chargebee}" for (erp, chargebee), arrow in _arrows(mapping).items()}
    lines = [line.partition(": ") for line in AGREED.read_text(encoding="utf-8").splitlines()]
    agreed = [row for pair, _, row in lines if pair == " ↔ ".join(mapping.title)]
    assert agreed
    assert not [row for row in agreed if row not in found]


def test_no_row_names_a_property_that_its_system_does_not_have() -> None:
    text = "\n".join(documents(READ, "now").values())
    headed = re.findall(r"^   \* - ``(\S+)``\n     - ``(\S+)``\n     - (.*)$", text, re.MULTILINE)
    assert headed
    assert not [row for row in headed if not row[2].strip() and "." not in row[0] + row[1]]


def test_a_changed_row_changes_its_document_and_nothing_else_does(tmp_path: Path) -> None:
    for name in ("mappings", "templates", "connectors"):
        shutil.copytree(ROOT / name, tmp_path / name)
    path = tmp_path / "mappings" / "person.json"
    person = json.loads(path.read_text(encoding="utf-8"))
    row = next(each for each in person["properties"] if each["name"] == "language")
    row.update({"direction": "to_erp", "customer": "cf_language"})
    path.write_text(json.dumps(person), encoding="utf-8")
    for mapping, changed in zip(mappings(READ), mappings(Mappings(tmp_path)), strict=True):
        before, after = _arrows(mapping), _arrows(changed)
        differing = {key: after.get(key) for key in before | after if before.get(key) != after.get(key)}
        is_person = mapping.title[1] == "customer" and mapping.title[0] != "customer"
        expected = {("language", "locale"): None, ("language", "cf_language"): "←"} if is_person else {}
        assert differing == expected, mapping.title


def test_a_document_that_says_the_same_keeps_its_time(tmp_path: Path) -> None:
    main(tmp_path)
    path = tmp_path / "customerp-chargebee.rst"
    old = re.sub(r"Generated: .*", "Generated: long ago", path.read_text(encoding="utf-8"))
    path.write_text(old, encoding="utf-8")
    main(tmp_path)
    assert path.read_text(encoding="utf-8") == old
