"""Every promise of SECURITY.md names a test that there is."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.processes import ROOT

ROWS = re.findall(
    r"^\| ([^|]+) \| `(tests/[\w/]+\.py)::(test_\w+)` \|$", (ROOT / "SECURITY.md").read_text(), re.M
)


@pytest.mark.parametrize(("file", "test"), [row[1:] for row in ROWS], ids=[row[2] for row in ROWS])
def test_a_promise_has_its_test(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_there_is_a_test_for_each_promise() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = text.partition("## Each promise and the test that holds it")[2].partition("\n## ")[0]
    assert len(ROWS) == table.count("\n| ") - 1 >= 30
    assert len({row[0] for row in ROWS}) == len(ROWS)
