"""One reader for all JSON that others write: what is a number is the same wherever it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.common.errors import BadRequest
from connectors.common.upstream import _decoded
from connectors.common.views import bodies
from core import jsonio
from core.jsonio import Unusable
from localnode import codec
from localnode.config.problems import UnreadableUpload
from localnode.config.upload import parse_json
from localnode.dtl.functions.json import _parse
from localnode.dtl.kinds import INVALID
from localnode.extras.jinja import TemplateFailed
from localnode.extras.rest import operation
from localnode.node.pipe import token


class _Refused(Exception):
    pass


def _json_parse(text: str) -> Any:
    found = _parse(text, lambda value: value)
    if found is INVALID:
        raise _Refused
    return found


def _token(text: str) -> Any:
    """A token that is no JSON is a text."""
    found = token(text)
    if found == text:
        raise _Refused
    return found


READERS: dict[str, Callable[[str], Any]] = {
    "a request to a service": lambda text: bodies.parse(text.encode()),
    "an answer to a service": lambda text: jsonio.loads(text.encode()),
    "a request to the node": lambda text: codec.parse_exact(text.encode()),
    "an answer to the node": lambda text: codec.parse(text.encode()),
    "an entity of a list": lambda text: next(codec.iter_array([b"[", text.encode(), b"]"])),
    "a config": lambda text: parse_json("a.conf.json", text.encode()),
    "what a template makes": operation._parsed,
    "json-parse": _json_parse,
    "a since-token": _token,
    "a file": jsonio.read,
}
REFUSALS = (ValueError, _Refused, BadRequest, TemplateFailed, UnreadableUpload)
EACH = pytest.mark.parametrize("read", READERS.values(), ids=READERS)
NONE = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "9" * 1001,
    "[" * 100_000,
    "01",
    "+1",
    ".5",
    "1.",
    "0x1",
)
NUMBERS = {
    "12345678901234567890": 12345678901234567890,
    "9" * 1000: int("9" * 1000),
    "-9223372036854775809": -9223372036854775809,
    "0.1": 0.1,
    "1E5": 100000.0,
    "1e308": 1e308,
}


@EACH
@pytest.mark.parametrize("text", NONE, ids=lambda text: text[:10])
def test_what_is_no_number_is_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(REFUSALS):
        read(text if text[0] == "[" else f'{{"x": {text}}}')


@EACH
@pytest.mark.parametrize("text", NUMBERS, ids=lambda text: text[:10])
def test_what_is_a_number_keeps_all_of_it(read: Callable[[str], Any], text: str) -> None:
    found = read(f'{{"x": {text}}}')["x"]
    assert found == NUMBERS[text] and type(found) is type(NUMBERS[text])


@pytest.mark.parametrize("text", NONE[:6], ids=lambda text: text[:10])
def test_in_the_answer_of_a_system_what_is_no_number_harms_only_its_own_record(text: str) -> None:
    odd, other = _decoded(f'[{{"x": {text}}}, {{"x": 1}}]'.encode(), {})  # type: ignore[misc]
    assert type(odd["x"]) is Unusable and other == {"x": 1}
