"""Notes that an ERP keeps as HTML, as plain text here: what people read, without tags."""

from __future__ import annotations

import html
from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"})
_HIDDEN = frozenset({"script", "style", "head"})


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in _HIDDEN
        if tag == "br" or (tag in _BLOCKS and self.parts):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            # A line's end in the source is a blank to whoever reads the page.
            self.parts.append(data.replace("\r", "").replace("\n", " "))


def to_text(value: str) -> str | None:
    """Return what people read in HTML, a line for each paragraph or break; None for nothing."""
    parser = _Text()
    parser.feed(value)
    parser.close()
    lines = [line.strip() for line in "".join(parser.parts).split("\n")]
    return "\n".join(lines).strip() or None


def to_html(value: str) -> str:
    """Return plain text as one paragraph of HTML, a break for each end of a line."""
    return "<p>" + "<br>".join(html.escape(line, quote=False) for line in value.split("\n")) + "</p>"
