"""Open readings: each does what the table says of it, and nothing that is settled hangs on one.

`cases/readings` has a case for each, in the format of `python -m localnode dtl`, with `reading` and what comes
out under each of its choices in `outcomes`.
"""

from __future__ import annotations

import ast
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localnode import readings
from localnode.cli import cases as case_runner
from localnode.readings import READINGS
from localnode.store import Store
from tests.dtl.dtl_cases import FOLDER, load_cases, matches, run_case
from tests.dtl.test_dtl_conformance import FILES, failures
from tests.support.readings import all_turned

ROOT = FOLDER.parents[2]
CASES = [
    pytest.param(case, choice, id=f"{case['reading']}={choice} {number}")
    for number, case in enumerate(json.loads((FOLDER / "readings" / "readings.json").read_text()))
    for choice in case["outcomes"]
]
ELSEWHERE = {
    "latest-ties": "tests/localnode/engine/test_engine_pump.py",
    "completeness-of-input": "tests/localnode/engine/test_engine_pump.py",
}
"""Readings that no single run shows, and the tests that do."""
SHOWS = {"unknown-deletion": "kept"}
"""The documented cases tell what a source gives; they see it in a dataset, which must show the deleted entities."""


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        made = Store.open(Path(folder) / "cases.db", synchronous="OFF")
        yield made
        made.close()


@pytest.fixture(autouse=True)
def as_the_node_reads() -> Iterator[None]:
    """Whatever the tests are run under: these turn the readings themselves."""
    with readings.chosen({name: reading.default for name, reading in READINGS.items()}):
        yield


@pytest.mark.parametrize(("case", "choice"), CASES)
def test_what_comes_out_under_each_choice(store: Store, case: dict[str, Any], choice: str) -> None:
    with readings.chosen({case["reading"]: choice}):
        outcome = case_runner.outcome(store, case)
    found = sorted(outcome["output"], key=lambda entity: str(entity["_id"]))
    wanted = sorted(case["outcomes"][choice], key=lambda entity: str(entity["_id"]))
    assert matches(found, wanted, None), outcome


def test_every_choice_has_a_case() -> None:
    cases = json.loads((FOLDER / "readings" / "readings.json").read_text())
    shown = {(case["reading"], choice) for case in cases for choice in case["outcomes"]}
    table = {(name, choice) for name, reading in READINGS.items() for choice in reading.choices}
    assert {pair for pair in table - shown if pair[0] not in ELSEWHERE} == set() == shown - table
    for name, file in ELSEWHERE.items():
        assert f'"{name}"' in (ROOT / file).read_text()


def test_the_code_asks_for_readings_that_are_there() -> None:
    asked = set()
    for path in (ROOT / "localnode").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reads":
                asked.add(tuple(ast.literal_eval(argument) for argument in node.args))
    assert all(choice in READINGS[name].choices for name, choice in asked)
    assert {name for name, _ in asked} == set(READINGS)


@pytest.mark.skipif(not FILES, reason="no conformance cases beside the project")
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_documented_and_recorded_cases_hang_on_none(file: Path) -> None:
    with readings.chosen({**all_turned(), **SHOWS}):
        assert failures(file) == {}


@pytest.mark.slow
@pytest.mark.skipif(not FILES, reason="no conformance cases beside the project")
@pytest.mark.parametrize("name", READINGS)
def test_nor_on_any_alone(name: str) -> None:
    for choice in READINGS[name].others:
        with readings.chosen({name: choice, **SHOWS}):
            assert {file.stem: failures(file) for file in FILES} == {file.stem: {} for file in FILES}


def test_an_index_is_not_shared_with_another_reading() -> None:
    (name, group, case) = next(each for each in load_cases() if "hops" in each[0] and "result" in each[2])
    assert matches(run_case(group, case), case["result"], None), name
    from localnode.dtl import PipeSettings, compile_index

    plain = compile_index(["lower", "a.x"], "a", PipeSettings("p")).key
    with readings.chosen({"numbers": "equal"}):
        assert compile_index(["lower", "a.x"], "a", PipeSettings("p")).key != plain


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("", {}),
        ("ties=last", {"ties": "last"}),
        (" ties = last ,numbers=equal, ", {"ties": "last", "numbers": "equal"}),
    ],
)
def test_written_as_a_setting(written: str, found: dict[str, str]) -> None:
    assert readings.parse(written) == found


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("tise=last", '"tise", which is not a reading; did you mean "ties"?'),
        ("ties", "must say ties=first or ties=last"),
        ("ties=lats", 'must say ties=first or ties=last; did you mean "last"?'),
    ],
)
def test_a_bad_setting_says_what_it_may_be(written: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        readings.parse(written)
    assert message in str(caught.value)


def test_what_is_turned_is_told_as_it_is_set() -> None:
    assert readings.turned() == ""
    with readings.chosen({"ties": "last", "numbers": "equal"}):
        assert readings.parse(readings.turned()) == {"ties": "last", "numbers": "equal"}
    assert readings.turned() == ""
