"""Case files: what DTL functions and transforms do, as data (`cases/*.json`, one file for each group).

A file is a list of `{"given": source entity, "cases": […]}`, optionally with `settings` (of the pipe), `datasets` and
`previous` (version of the source entity). A case has an `expression` and its `result`, or `rules` (of the default rule,
or all rules by name) and their outputs as `result`; or an `error` that the message must contain. `like` names another
comparison: "near" (floats to 0.001), "kind" (only of the same type).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localnode.dtl import PipeSettings, compile_dtl
from localnode.dtl.memory import MemoryContext

FOLDER = Path(__file__).parent / "cases"


def load_cases() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every case as (name, group, case)."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        for group in json.loads(path.read_text()):
            for case in group["cases"]:
                shown = json.dumps(case.get("expression", case.get("rules")), ensure_ascii=False)
                found.append((f"{path.stem} {shown[:100]}", group, case))
    return found


def run_case(group: dict[str, Any], case: dict[str, Any]) -> Any:
    """The result of a case. Raises DtlError or DtlCompileError."""
    source = {"_id": "1", **group["given"]}
    context = MemoryContext(
        datasets=group.get("datasets"),
        previous_versions={"1": group["previous"]} if "previous" in group else None,
        completeness_of={("via", "orders"): 1_500_000_000_000_001},
        secrets={"key": "hidden"},
        params={"foo": "bar"},
    )
    if "expression" in case:
        rules: Any = {"default": [["add", "::result", case["expression"]]]}
    else:
        rules = case["rules"] if isinstance(case["rules"], dict) else {"default": case["rules"]}
    settings = PipeSettings(**{"pipe_id": "pipe", **group.get("settings", {})})
    if "expression" in case and not settings.namespaced_identifiers:
        rules["default"][0][1] = "result"
    outputs = compile_dtl(rules, settings).transform(source, context)
    return outputs[0]["result"] if "expression" in case else outputs


def matches(actual: Any, expected: Any, like: str | None) -> bool:
    """Whether a result is the one that was expected; `1`, `1.0` and `true` differ."""
    if like == "kind":
        return type(actual) is type(expected)
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(expected)
            and all(matches(a, e, like) for a, e in zip(actual, expected, strict=True))
        )
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and actual.keys() == expected.keys()
            and all(matches(actual[key], expected[key], like) for key in expected)
        )
    if like == "near":
        return type(actual) is float and abs(actual - expected) < 0.001
    return type(actual) is type(expected) and actual == expected
