"""What pipes make of entities, as data: `cases/pipes/*.json`, in the format of `python -m localnode dtl`."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from localnode.cli import cases as case_runner
from tests.dtl.dtl_cases import FOLDER, matches

CASES = [
    (f"{path.stem}: {case['id']}", case)
    for path in sorted((FOLDER / "pipes").glob("*.json"))
    for case in json.loads(path.read_text())
]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    output = io.StringIO()
    numbered = [{**case, "id": name} for name, case in CASES]
    assert case_runner.run(io.StringIO(json.dumps(numbered)), output) == 0
    return {outcome["id"]: outcome for outcome in json.loads(output.getvalue())}


@pytest.mark.parametrize(("name", "case"), CASES, ids=[name for name, _ in CASES])
def test_case(outcomes: dict[str, Any], name: str, case: dict[str, Any]) -> None:
    outcome = outcomes[name]
    if "expect_error" in case:
        assert case["expect_error"] in outcome["error"]
        return
    by_id = {entity["_id"]: entity for entity in outcome.get("output", [])}
    expected = {entity["_id"]: entity for entity in case["expected"]}
    assert matches(by_id, expected, None), outcome
