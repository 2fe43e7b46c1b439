"""Values in questions to the ERP: whatever is in them, they ask for themselves and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.erp.mapping.templates import CannotAsk, Quotes, fill_path, parameters, render
from connectors.erp.profile.model.base import Templates
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, scripted_upstream


def asked(template: Any, values: dict[str, Any], quotes: Quotes | None = "doubled") -> str:
    return parameters(msgspec.convert({"q": template}, Templates), values, quotes)[0][1]


@pytest.mark.parametrize(
    ("template", "values", "quotes", "expected"),
    [
        ("ref eq '{origin}'", {"origin": "O'Neil"}, "doubled", "ref eq 'O''Neil'"),
        ("ref eq 'chargebee:{origin}'", {"origin": "a'b"}, "doubled", "ref eq 'chargebee:a''b'"),
        ('ref=="{origin}"', {"origin": 'a"b\\'}, "backslash", 'ref=="a\\"b\\\\"'),
        ("ref = '{origin}'", {"origin": "a'b"}, "as_is", "ref = 'a'b'"),
        ("id in ('{ids}')", {"ids": ["a", "b'c"]}, "doubled", "id in ('a','b''c')"),
        ("id in ({ids})", {"ids": [1, 2]}, "doubled", "id in (1,2)"),
        ("{origin}", {"origin": "it's all mine"}, "doubled", "it's all mine"),
        ("chargebee:{origin}", {"origin": "it's mine"}, "doubled", "chargebee:it's mine"),
        ("at ge {since}", {"since": "2026-01-01 10:00:00"}, "doubled", "at ge 2026-01-01 10:00:00"),
        ({"json": [["ref", "=", "{origin}"]]}, {"origin": 'a"b\'c'}, "doubled", '[["ref","=","a\\"b\'c"]]'),
        ({"json": {"where": "ref = '{origin}'"}}, {"origin": "a'b"}, "doubled", '{"where":"ref = \'a\'\'b\'"}'),
        ("n eq {value|integer}", {"value": "7"}, "doubled", "n eq 7"),
    ],
)  # fmt: skip
def test_values_are_quoted_as_the_filter_wants(
    template: Any, values: dict[str, Any], quotes: Quotes, expected: str
) -> None:
    assert asked(template, values, quotes) == expected


@pytest.mark.parametrize("origin", ["1 or 1 eq 1", "x) or (y", "a'b", "a,b", "a&b", "ü b"])
def test_a_value_that_would_change_the_question_is_not_asked(origin: str) -> None:
    with pytest.raises(CannotAsk, match="without quotes"):
        asked("ref eq {origin}", {"origin": origin})
    with pytest.raises(CannotAsk, match="whole number"):
        asked("n eq {origin|integer}", {"origin": origin})
    assert asked("ref eq {origin}", {"origin": "Ünïcode-7.b"}) == "ref eq Ünïcode-7.b"


def test_bodies_that_are_written_are_left_alone() -> None:
    assert render({"note": "it's {item}"}, {"item": "O'Neil"}) == {"note": "it's O'Neil"}
    assert render({"ids": ["{id|integer}"], "text": "{id}"}, {"id": "7"}) == {"ids": [7], "text": "7"}


def test_a_key_in_an_address_is_quoted_and_encoded() -> None:
    assert fill_path("{path}('{id}')", "/people", {"id": "O'Neil/7"}) == "/people('O%27%27Neil%2F7')"
    assert fill_path("{path}({id})", "/people", {"id": "a b"}) == "/people(a%20b)"


def literals(expression: str) -> list[str]:
    """The texts between quotes in an OData expression, as a server reads them (part 2, 5.1.1.6.1)."""
    found, at = [], 0
    while (start := expression.find("'", at)) >= 0:
        text, at = "", start + 1
        while expression[at : at + 1] != "'" or expression[at + 1 : at + 2] == "'":
            step = 2 if expression[at] == "'" else 1
            text, at = text + expression[at], at + step
        found.append(text)
        at += 1
    return found


@given(st.text(max_size=12))
def test_no_value_gets_out_of_its_quotes(value: str) -> None:
    assert literals(asked("ref eq '{origin}' and x eq '{origin}'", {"origin": value})) == [value, value]
    assert literals(asked("id in ('{ids}')", {"ids": [value, "b"]})) == [value, "b"]


def test_an_origin_with_an_apostrophe_is_found_again(tmp_path: Path) -> None:
    """By the service, against an ERP that reads the filter; a repeated create makes no twin."""
    people: list[dict[str, Any]] = []

    def erp(question: Asked) -> Reply:
        if question.method == "POST":
            people.append({"id": str(len(people) + 1), "changed": "2026-01-01T00:00:00Z", **question.json})
            return Reply(people[-1], 201)
        (wanted,) = literals(question.query["$filter"])
        return Reply([one for one in people if one["external_refs"]["chargebee"] == wanted])

    origin = {"field": "external_refs.chargebee", "query": {"$filter": "chargebeeId eq '{origin}'"}}
    share = [{"_id": "s", "first_name": "E", "$origin": "~:chargebee-customer:D'Arcy's or 1 eq 1"}]
    with scripted_upstream(erp) as upstream:
        client = app_of(tmp_path, upstream.url, profile(origin=origin))
        (first,) = client.post("/contact/share", json=share).json
        (second,) = client.post("/contact/share", json=share).json
        assert (first["$operation"], second["$operation"]) == ("insert", "none")
        assert len(people) == 1
        unquoted = profile(origin={**origin, "query": {"$filter": "chargebeeId eq {origin}"}})
        (refused,) = app_of(tmp_path, upstream.url, unquoted).post("/contact/share", json=share).json
        assert (refused["$status"], refused["$error"]["rule"]) == ("rejected", "filter")
        assert len(people) == 1, "what cannot be looked up is not made"
