"""XML written so that two documents which mean the same read the same.

As lxml writes with `pretty_print`, which the vendor's client compares and writes into expected files:
elements on lines of their own, two blanks deeper each, except inside an element that has text.
"""

from __future__ import annotations

import re
from typing import Any
from xml.dom import Node, minidom
from xml.parsers.expat import ExpatError

_DECLARATION = re.compile(rb"^<\?xml\s.*?\?>", re.DOTALL)
_TEXTS = (Node.TEXT_NODE, Node.CDATA_SECTION_NODE)


class NotXml(ValueError):
    """A text that is no well-formed XML document."""


def pretty(data: bytes) -> str:
    """The document in that form. NotXml when it is none."""
    try:
        document = minidom.parseString(data)  # noqa: S318 - expat bounds what entities expand to
    except (ExpatError, ValueError, LookupError) as error:
        raise NotXml(str(error)) from error
    try:
        root = document.documentElement
        assert root is not None
        return _declaration(data) + "".join(_written(root, 0, True)) + "\n"
    finally:
        document.unlink()


def _declaration(data: bytes) -> str:
    found = _DECLARATION.match(data.removeprefix(b"\xef\xbb\xbf"))
    if found is None:
        return ""
    alone = " standalone='yes'" if b"standalone" in found[0] else ""
    return f"<?xml version='1.0' encoding='utf-8'{alone}?>\n"


def _written(node: Any, depth: int, spread: bool) -> list[str]:
    """The pieces of one node. `spread`: its children may stand on lines of their own."""
    if node.nodeType in _TEXTS:
        return [_escaped(node.data)]
    if node.nodeType == Node.COMMENT_NODE:
        return [f"<!--{node.data}-->"]
    if node.nodeType == Node.PROCESSING_INSTRUCTION_NODE:
        return [f"<?{node.target} {node.data}?>"]
    opening = f"<{node.tagName}{_attributes(node)}"
    children = [child for child in node.childNodes if child.nodeType not in _TEXTS or child.data]
    if not children:
        return [f"{opening}/>"]
    spread = spread and not any(child.nodeType in _TEXTS for child in children)
    pieces = [f"{opening}>"]
    for child in children:
        if spread:
            pieces.append("\n" + "  " * (depth + 1))
        pieces += _written(child, depth + 1, spread)
    if spread:
        pieces.append("\n" + "  " * depth)
    return [*pieces, f"</{node.tagName}>"]


def _attributes(element: minidom.Element) -> str:
    """Declarations of namespaces first, then the others, each as they come."""
    given = list(element.attributes.items())
    given.sort(key=lambda pair: not (pair[0] == "xmlns" or pair[0].startswith("xmlns:")))
    return "".join(f' {name}="{_escaped(value, quoted=True)}"' for name, value in given)


def _escaped(text: str, quoted: bool = False) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    if quoted:
        text = text.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return text
