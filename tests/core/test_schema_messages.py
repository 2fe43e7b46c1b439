"""What a person is told about a value that breaks a JSON Schema: where, what, and never the value itself."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core.schema_messages import explain

CASES: list[tuple[dict[str, Any], Any, tuple[str | int, ...], str]] = [
    ({"properties": {"name": {}}, "additionalProperties": False}, {"nmae": 1}, ("nmae",), 'is not a known property; did you mean "name"?'),
    ({"required": ["a", "b"]}, {"a": 1}, ("b",), "is missing"),
    ({"type": ["string", "null"]}, 5, (), "must be string or null, not integer"),
    ({"items": {"enum": ["a", 1]}}, ["b"], (0,), 'must be one of "a", 1'),
    ({"const": 1}, 2, (), "must be 1"),
    ({"minLength": 1}, "", (), "must not be empty"),
    ({"minLength": 3}, "ab", (), "is 2 characters long; at least 3 are needed"),
    ({"maxItems": 1}, [1, 2], (), "is 2 items long; at most 1 are allowed"),
    ({"exclusiveMinimum": 0}, 0, (), "must be more than 0"),
    ({"pattern": "^x", "description": "x and more"}, "y", (), "must have the form x and more"),
    ({"not": {"const": 1, "description": "may not be one"}}, 1, (), "may not be one"),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, (), 'needs "b" beside "a"'),
    ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, (), 'needs one of "a", "b"'),
    ({"uniqueItems": True}, [1, 1], (), "contains the same item twice"),
    ({"minimum": 1, "x-hint": "none is free"}, 0, (), "must be at least 1; none is free"),
    ({"multipleOf": 2}, 3, (), "breaks the rule multipleOf: 2"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value", "path", "text"), CASES, ids=[case[3] for case in CASES])
def test_each_rule_has_its_words(
    schema: dict[str, Any], value: Any, path: tuple[str | int, ...], text: str
) -> None:
    [error] = Draft202012Validator(schema).iter_errors(value)
    [finding] = explain(error)
    assert (finding.path, finding.text) == (path, text)


def test_the_value_is_told_only_where_it_may_be() -> None:
    [error] = Draft202012Validator({"enum": ["a"]}).iter_errors("hunter2")
    assert [finding.text for finding in explain(error)] == ['must be one of "a"']
    assert [finding.text for finding in explain(error, repr)] == ["must be one of \"a\", not 'hunter2'"]


def test_an_object_is_never_meant_to_be_a_fixed_value() -> None:
    """A member that is an object or false: what is wrong in the object is said."""
    some = {"type": "object", "properties": {"path": {}}, "additionalProperties": False}
    schema = {"oneOf": [{"const": False}, some]}
    (finding,) = [
        one for error in Draft202012Validator(schema).iter_errors({"pth": 1}) for one in explain(error)
    ]
    assert (finding.path, finding.text) == (("pth",), 'is not a known property; did you mean "path"?')


def test_of_several_alternatives_the_one_that_is_meant_counts() -> None:
    alternative = {"type": "object", "additionalProperties": False}
    schema = {
        "oneOf": [
            {**alternative, "properties": {"type": {"const": "page"}, "size": {"type": "integer"}}},
            {**alternative, "properties": {"type": {"const": "link"}}},
        ]
    }
    [error] = Draft202012Validator(schema).iter_errors({"type": "page", "size": "x"})
    assert [(finding.path, finding.text) for finding in explain(error)] == [
        (("size",), "must be integer, not string")
    ]
    [error] = Draft202012Validator(schema).iter_errors({"type": "pgae"})
    assert [finding.text for finding in explain(error)] == [
        'must have as type or strategy one of "link", "page"'
    ]
