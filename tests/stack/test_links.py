"""The CSV of links: what it shows, what it takes back, and what it refuses."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, cast

import pytest

from core.jsonio import Json
from core.settings import BadSetting
from stack.links import STATES, decide, export, read, rows_of
from stack.node import NodeClient
from tests.support.processes import ROOT

HEAD = "decision,erp_datatype,erp_id,chargebee_datatype,chargebee_id,note\n"


def member(of: str, deleted: bool = False, raw: Json | None = None, **claims: Any) -> Json:
    return {
        "of": f"~:{of}",
        "deleted": deleted,
        "raw": raw or {},
        "claims": {name: {"v": value} for name, value in claims.items()},
    }


ANN = member("customerp-contact:CT-1", first_name="Ann", last_name="Li", email="a@x.example")
HERS = member("chargebee-customer:cb-1", first_name="Ann", email="A@x.example")


@pytest.mark.parametrize(
    ("golden", "states"),
    [
        ({"members": [ANN, HERS]}, [("matched", "CT-1", "cb-1")]),
        (
            {"members": [{**ANN, "raw": {"external_refs": {"chargebee": "cb-1"}}}, HERS]},
            [("linked", "CT-1", "cb-1")],
        ),
        ({"members": [ANN]}, [("alone", "CT-1", "")]),
        ({"members": HERS, "ambiguous": [False, True]}, [("ambiguous", "", "cb-1")]),
        ({"members": [ANN, {**HERS, "deleted": True}]}, [("alone", "CT-1", "")]),
        ({"members": [{**ANN, "deleted": True}]}, []),
        (
            {
                "members": [
                    member("customerp-quote:Q-1"),
                    member("customerp-order:O-1"),
                    member("chargebee-order:c"),
                ]
            },
            [("matched", "Q-1", "c"), ("matched", "O-1", "c")],
        ),
        (
            {
                "members": [
                    member("customerp-product:P"),
                    member("chargebee-item:i"),
                    member("chargebee-item_price:i-NOK"),
                ]
            },
            [("matched", "P", "i")],
        ),
        ({"members": [member("chargebee-item_price:i-NOK")]}, []),
    ],
)
def test_the_rows_of_a_golden_record(golden: Json, states: list[tuple[str, str, str]]) -> None:
    found = [(row["state"], row.get("erp_id", ""), row.get("chargebee_id", "")) for row in rows_of(golden)]
    assert found == states
    assert {state for state, _, _ in states} <= STATES.keys()


class FakeNode:
    """A node that knows some records."""

    def __init__(self, groups: dict[str, list[str]], goldens: list[Json] | None = None) -> None:
        self._groups, self._goldens = groups, goldens or []

    def concepts(self) -> list[str]:
        return ["global-person"]

    def pages(self, dataset: str) -> Iterator[Json]:
        yield from self._goldens

    def entity(self, dataset: str, key: str) -> Json | None:
        known = self._groups.get(f"{dataset.rpartition('-')[0]}:{key}")
        return None if known is None else {"_id": key, "$ids": [f"~:{each}" for each in known]}


def node(**options: Any) -> NodeClient:
    groups = {
        "customerp-contact:CT-1": ["customerp-contact:CT-1", "chargebee-customer:cb-1"],
        "customerp-contact:=CT-2": ["customerp-contact:=CT-2"],
        "chargebee-customer:cb-1": ["customerp-contact:CT-1", "chargebee-customer:cb-1"],
        "chargebee-customer:cb-2": ["chargebee-customer:cb-2"],
    }
    return cast(NodeClient, FakeNode(groups, **options))


def decisions(text: str) -> dict[str, str]:
    return {each["_id"]: each["decision"] for each in decide(node(), read(io.StringIO(text)))}


def test_what_is_exported_is_what_is_read_and_no_formula_for_a_spreadsheet() -> None:
    odd = member("customerp-contact:=CT-2", last_name='+47;\n"x"', email="@x")
    out = io.StringIO()
    assert export(node(goldens=[{"members": [ANN, HERS]}, {"members": [odd]}]), out) == 2
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["erp_id"] for row in rows] == ["CT-1", "'=CT-2"] and rows[1]["key"] == "'@x"
    text = out.getvalue().replace("\r\n,alone", "\r\nlink,alone")
    with pytest.raises(BadSetting, match="chargebee_datatype, chargebee_id is empty"):
        read(io.StringIO(text))
    assert read(io.StringIO(out.getvalue())) == [], "no decision, nothing asked for"


def test_links_and_unlinks_become_decisions_that_take_former_pairs_apart() -> None:
    assert decisions(f"{HEAD}link,contact,CT-1,customer,cb-2,\n") == {
        "chargebee-customer:cb-1|customerp-contact:CT-1": "unlink",
        "chargebee-customer:cb-2|customerp-contact:CT-1": "link",
    }
    assert decisions(f"{HEAD}UNLINK,contact,CT-1,customer,cb-1,no\n") == {
        "chargebee-customer:cb-1|customerp-contact:CT-1": "unlink"
    }
    assert decisions(f"{HEAD}link,contact,'=CT-2,customer,cb-2,\n") == {
        "chargebee-customer:cb-2|customerp-contact:=CT-2": "link"
    }


def test_swapped_pairs_are_what_was_asked_for_in_whatever_order() -> None:
    swapped = decisions(f"{HEAD}link,contact,CT-1,customer,cb-2,\nlink,contact,=CT-2,customer,cb-1,\n")
    assert swapped == {
        "chargebee-customer:cb-1|customerp-contact:CT-1": "unlink",
        "chargebee-customer:cb-2|customerp-contact:CT-1": "link",
        "chargebee-customer:cb-1|customerp-contact:=CT-2": "link",
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spreadsheets_of_other_languages(delimiter: str, mark: str) -> None:
    text = f"{HEAD}link,contact,CT-1,customer,cb-1,\n".replace(",", delimiter)
    assert [row.decision for row in read(io.StringIO(mark + text))] == ["link"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("erp_id,chargebee_id\n", "no column chargebee_datatype, decision, erp_datatype"),
        (
            f"{HEAD}merge,contact,CT-1,customer,cb-1,\n",
            'line 2: the decision must be link or unlink, not "merge"',
        ),
        (f"{HEAD}link,contact,CT-1,,,\n", "line 2: a decision needs both records"),
        (
            f"{HEAD}link,contact,CT-1,item,i,\n",
            "line 2: an ERP contact and a Chargebee item are never the same",
        ),
        (
            f"{HEAD}link,contact,CT-1,customer,cb-1,\nlink,contact,CT-1,customer,cb-2,\n",
            "line 3: .*in line 2",
        ),
        (
            f"{HEAD}link,contact,CT-1,customer,cb-1,\nlink,contact,=CT-2,customer,cb-1,\n",
            "line 3: .*in line 2",
        ),
        (
            f"{HEAD}link,contact,CT-1,customer,cb-1,\nunlink,contact,CT-1,customer,cb-1,\n",
            "line 3: the opposite is in line 2",
        ),
        (
            f"{HEAD},,,,,\nlink,contact,CT-9,customer,cb-1,\n",
            "line 3: the node knows no customerp-contact:CT-9",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        decisions(text)


def test_every_state_is_explained() -> None:
    page = (ROOT / "docs" / "howto" / "first-load.md").read_text(encoding="utf-8")
    assert [state for state, meaning in STATES.items() if f"| `{state}` | {meaning} |" not in page] == []
