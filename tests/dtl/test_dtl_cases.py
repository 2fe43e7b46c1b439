"""The case files of the functions and transforms, and that they cover all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localnode.dtl import DtlCompileError, DtlError
from localnode.dtl.registry import FUNCTIONS, TRANSFORMS
from tests.dtl.dtl_cases import load_cases, matches, run_case

CASES = load_cases()


@pytest.mark.parametrize(("group", "case"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_case(group: dict[str, Any], case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises((DtlError, DtlCompileError)) as caught:
            run_case(group, case)
        assert case["error"] in str(caught.value)
        return
    source = json.dumps(group)
    actual = run_case(group, case)
    assert matches(actual, case["result"], case.get("like")), f"{actual!r}, expected {case['result']!r}"
    assert json.dumps(group) == source, "the source or a dataset was changed"


def _names(raw: Any) -> Iterator[str]:
    if isinstance(raw, list):
        if raw and isinstance(raw[0], str):
            yield raw[0]
        for item in raw:
            yield from _names(item)
    if isinstance(raw, dict):
        for item in raw.values():
            yield from _names(item)


def test_every_function_and_transform_has_a_case() -> None:
    tested = {
        name for _, _, case in CASES for name in _names([case.get("expression", []), case.get("rules", [])])
    }
    by_own_test = {"encrypt-pgp", "decrypt-pgp"}
    assert sorted((FUNCTIONS.keys() | TRANSFORMS.keys()) - tested - by_own_test) == []
