"""XML out of entities: the documented example, and what XML cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from localnode.extras.xml import XmlWriter
from localnode.pipes import ConfigProblem, Pipe
from localnode.pipes.errors import EntityUnfit

Build = Callable[..., Pipe]
ENTITY: dict[str, Any] = {
    "_id": "1",
    "name": "Entity 1",
    "id": "entity-1",
    "<foo:tag>": [{"id": "child", "name": "A & B", "<section>": [{"<from>": "0"}, 5, {"<to>": "~f9.90"}]}],
}
ROOT = {"xmlns": "http://www.example.org/ns1", "xmlns:foo": "http://www.example.org/foo", "zoo": "bar"}


def test_the_documented_example(pipe: Build, fill: Callable[..., None]) -> None:
    fill("a", ENTITY, {"_id": "2", "_deleted": True})
    sink = {"type": "xml_endpoint", "wrapper": "baz", "root-attributes": ROOT, "include-xml-decl": True}
    published = b"".join(pipe("b", {"type": "dataset", "dataset": "a"}, sink=sink).publish_file())
    assert published.decode() == (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<baz xmlns="http://www.example.org/ns1" xmlns:foo="http://www.example.org/foo" zoo="bar">'
        '<foo:tag id="entity-1" name="Entity 1"><section id="child" name="A &amp; B"><from>0</from><to>9.90</to>'
        "</section></foo:tag></baz>"
    )
    ElementTree.fromstring(published)


def test_the_transform(pipe: Build, fill: Callable[..., None], live: Callable[[str], Any]) -> None:
    fill("a", ENTITY)
    pipe(
        "b",
        {"type": "dataset", "dataset": "a"},
        transform={"type": "xml", "xml-property": "x", "root-attributes": {"xmlns:foo": "http://f"}},
    ).run()
    assert live("b")["1"]["x"].startswith('<foo:tag xmlns:foo="http://f" id="entity-1"')


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        ({"a": 1}, "exactly one"),
        ({"<a>": 1, "<b>": 2}, "exactly one"),
        ({"<a b>": 1}, "not an XML name"),
        ({"<a>": 1, "x y": 1}, "not an XML name"),
        ({"<a>": "\x00"}, "control character"),
    ],
)
def test_what_xml_cannot_hold(entity: dict[str, Any], message: str) -> None:
    with pytest.raises(EntityUnfit, match=message):
        XmlWriter({}).element({"_id": "1", **entity})


def test_values() -> None:
    written = XmlWriter({}).element({"_id": "1", "<a>": None, "t": True, "n": None, "l": [1], "d": '"<'})
    assert written == '<a t="true" d=\'"&lt;\'/>'


def test_a_wrong_wrapper_is_refused() -> None:
    with pytest.raises(ConfigProblem, match="not an XML name"):
        XmlWriter({"wrapper": "a b"})
