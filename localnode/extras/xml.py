"""Entities as XML: the property written `<tag>` is the element, the others are its attributes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from localnode.dtl import TransformContext
from localnode.dtl.functions.json import json_text
from localnode.dtl.values import is_string
from localnode.pipes.base import BuildContext, Config, Entity, Item, Transform
from localnode.pipes.errors import ConfigProblem, EntityUnfit
from localnode.pipes.registry import FLAG, SINK, STRING, TRANSFORM, TRIGGER, Schema, register
from localnode.pipes.sinks.endpoints import EndpointSink
from localnode.pipes.transforms.trigger import Trigger

DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
PROPERTIES: dict[str, Schema] = {
    "root-attributes": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    "include-xml-decl": FLAG,
    "skip-deleted-entities": FLAG,
}
_PART = r"[^\W\d][\w.\-]*"
_QNAME = re.compile(rf"{_PART}(:{_PART})?")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class XmlWriter:
    """What the `xml_endpoint` sink and the `xml` transform share. ConfigProblem tells a wrong name."""

    def __init__(self, config: Config) -> None:
        self.wrapper = config.get("wrapper")
        self.declaration = DECLARATION if config.get("include-xml-decl", False) else ""
        self.skips_deleted = bool(config.get("skip-deleted-entities", True))
        self._root: Mapping[str, Any] = config.get("root-attributes") or {}
        for place, name in [("wrapper", self.wrapper), *(("root-attributes", name) for name in self._root)]:
            if name is not None and not _QNAME.fullmatch(str(name)):
                raise ConfigProblem((place,), f"{name!r} is not an XML name")

    def element(self, entity: Entity) -> str:
        """One entity. EntityUnfit names what XML cannot hold."""
        try:
            return _element(entity, {} if self.wrapper else self._root)
        except EntityUnfit as error:
            raise EntityUnfit(f"entity {entity.get('_id')!r} as XML: {error}") from error

    @property
    def opening(self) -> str:
        """What comes before the first entity."""
        wrapper = f"<{self.wrapper}{_attributes(self._root)}>" if self.wrapper else ""
        return self.declaration + wrapper

    @property
    def closing(self) -> str:
        """What comes after the last entity."""
        return f"</{self.wrapper}>" if self.wrapper else ""


def _element(value: Mapping[str, object], extra: Mapping[str, object]) -> str:
    tags = [name for name in value if name[:1] == "<" and name[-1:] == ">"]
    if len(tags) != 1:
        raise EntityUnfit(f"there must be exactly one property such as <tag>, not {len(tags)}")
    tag = _name(tags[0][1:-1])
    own = {name: inner for name, inner in value.items() if name not in tags and name[:1] != "_"}
    attributes = _attributes({**extra, **own})
    content = _content(value[tags[0]])
    return f"<{tag}{attributes}>{content}</{tag}>" if content else f"<{tag}{attributes}/>"


def _content(value: object) -> str:
    if isinstance(value, Mapping):
        return _element(value, {})
    if isinstance(value, list):
        return "".join(_element(item, {}) for item in value if isinstance(item, Mapping))
    return "" if value is None else escape(_text(value))


def _attributes(values: Mapping[str, object]) -> str:
    plain = {name: value for name, value in values.items() if not isinstance(value, (dict, list, type(None)))}
    return "".join(f" {_name(name)}={quoteattr(_text(value))}" for name, value in plain.items())


def _name(name: str) -> str:
    if not _QNAME.fullmatch(name):
        raise EntityUnfit(f"{name!r} is not an XML name")
    return name


def _text(value: object) -> str:
    """Return a literal as text; tagged values without their tag."""
    text = json_text(value) if not isinstance(value, str) else value if is_string(value) else value[2:]
    if _FORBIDDEN.search(text):
        raise EntityUnfit("a control character, which XML cannot contain")
    return text


@register(TRANSFORM, "xml", {**PROPERTIES, "xml-property": STRING, "trigger_on": TRIGGER}, ("xml-property",))
class XmlTransform(Transform):
    """Deleted entities pass without XML unless `skip-deleted-entities` is false."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._writer = XmlWriter(config)
        self._trigger = Trigger(config)

    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """See Transform. EntityUnfit for what XML cannot hold."""
        return self._trigger.apply(items, lambda chosen: [self._with_xml(item) for item in chosen])

    def _with_xml(self, item: Item) -> Item:
        if self._writer.skips_deleted and item.entity.get("_deleted") is True:
            return item
        text = self._writer.opening + self._writer.element(item.entity)
        return Item(item.source_id, {**item.entity, str(self.config["xml-property"]): text})


@register(
    SINK,
    "xml_endpoint",
    {
        **PROPERTIES,
        "wrapper": STRING,
        "byte_order_mark": FLAG,
        "filename": STRING,
        "content_disposition": {"enum": ["inline", "attachment"]},
    },
)
class XmlEndpointSink(EndpointSink):
    """An XML document."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._writer = XmlWriter(config)

    def document(self, entities: Iterator[Entity]) -> Iterator[bytes]:
        """Yield the entities as an XML document."""
        writer = self._writer
        if self.config.get("byte_order_mark"):
            yield codecs.BOM_UTF8
        yield writer.opening.encode()
        for entity in entities:
            if not (writer.skips_deleted and entity.get("_deleted") is True):
                yield writer.element({k: v for k, v in entity.items() if k[:1] != "_" or k == "_id"}).encode()
        yield writer.closing.encode()
