"""The conformance cases that lie beside the project, where there are any: each must end as the documentation says."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import pytest

from localnode.cli import cases as case_runner

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
FILES = sorted([*FOLDER.glob("dtl-cases*.json"), *FOLDER.glob("recorded-cases*.json")])


def _compare() -> Any:
    spec = importlib.util.spec_from_file_location("conformance_compare", FOLDER / "compare.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def failures(file: Path) -> dict[str, str]:
    """What went wrong, by the ids of the cases in a file."""
    cases = json.loads(file.read_text())
    output = io.StringIO()
    assert case_runner.run(io.StringIO(json.dumps(cases)), output) == 0
    results = {result["id"]: result for result in json.loads(output.getvalue())}
    matches = _compare().matches
    failed = {}
    for case in cases:
        result = results[case["id"]]
        ok, why = matches(case, result.get("output"), result.get("error"))
        if not ok:
            failed[case["id"]] = why
    return failed


@pytest.mark.skipif(not FILES, reason="no conformance cases beside the project")
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_conformance(file: Path) -> None:
    assert failures(file) == {}
