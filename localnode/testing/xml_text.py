"""XML written so that two documents which mean the same read the same.

As lxml writes with `pretty_print`, which the vendor's client compares and writes into expected files:
elements on lines of their own, two blanks deeper each, except inside an element that has text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

_DECLARATION = re.compile(rb"^<\?xml\s.*?\?>", re.DOTALL)


class NotXml(ValueError):
    """A text that is not a well-formed XML document, or one that declares entities."""


@dataclass
class _Element:
    """`children` are elements, texts, and comments and instructions as they are written."""

    name: str
    attributes: list[tuple[str, str]] = field(default_factory=list)
    children: list[_Element | _Text | _Markup] = field(default_factory=list)


class _Text(str):
    """Characters between two tags."""


class _Markup(str):
    """A comment or an instruction."""


def pretty(data: bytes) -> str:
    """Return the document in that form. NotXml when it is none."""
    root = _Reader().read(data)
    try:
        return _declaration(data) + "".join(_written(root, 0, True)) + "\n"
    except RecursionError as error:
        raise NotXml("its elements are nested too deeply") from error


class _Reader:
    """Makes a tree of what expat finds; nothing outside the document is ever looked at."""

    def __init__(self) -> None:
        self._open = [_Element("")]

    def read(self, data: bytes) -> _Element:
        """Return the outermost element."""
        parser = expat.ParserCreate()
        parser.buffer_text = parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = lambda name: self._open.pop()
        parser.CharacterDataHandler = lambda text: self._open[-1].children.append(_Text(text))
        parser.CommentHandler = lambda text: self._open[-1].children.append(_Markup(f"<!--{text}-->"))
        parser.ProcessingInstructionHandler = lambda target, text: self._open[-1].children.append(
            _Markup(f"<?{target} {text}?>")
        )
        parser.EntityDeclHandler = _refused
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise NotXml(str(error)) from error
        return next(child for child in self._open[0].children if isinstance(child, _Element))

    def _start(self, name: str, attributes: list[str]) -> None:
        element = _Element(name, list(zip(attributes[::2], attributes[1::2], strict=True)))
        self._open[-1].children.append(element)
        self._open.append(element)


def _refused(name: str, *rest: object) -> NoReturn:
    raise NotXml(f"it declares the entity {name}")


def _declaration(data: bytes) -> str:
    found = _DECLARATION.match(data.removeprefix(b"\xef\xbb\xbf"))
    if found is None:
        return ""
    alone = " standalone='yes'" if b"standalone" in found[0] else ""
    return f"<?xml version='1.0' encoding='utf-8'{alone}?>\n"


def _written(node: _Element | _Text | _Markup, depth: int, spread: bool) -> Iterator[str]:
    """Yield the pieces of one node. `spread`: its children may stand on lines of their own."""
    if isinstance(node, _Text):
        yield _escaped(node)
    elif isinstance(node, _Markup):
        yield node
    else:
        yield f"<{node.name}{_attributes(node)}"
        if not node.children:
            yield "/>"
            return
        spread = spread and not any(isinstance(child, _Text) for child in node.children)
        yield ">"
        for child in node.children:
            if spread:
                yield "\n" + "  " * (depth + 1)
            yield from _written(child, depth + 1, spread)
        if spread:
            yield "\n" + "  " * depth
        yield f"</{node.name}>"


def _attributes(element: _Element) -> str:
    """Return declarations of namespaces first, then the others, each as they come."""
    given = sorted(
        element.attributes, key=lambda pair: not (pair[0] == "xmlns" or pair[0].startswith("xmlns:"))
    )
    return "".join(f' {name}="{_escaped(value, quoted=True)}"' for name, value in given)


def _escaped(text: str, quoted: bool = False) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    if quoted:
        text = text.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return text
