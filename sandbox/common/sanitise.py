"""HTML in descriptions, made safe before it is kept.

Which tags stay is not documented; here those of plain formatting. Text is written as HTML: a lone `<`, an
incomplete tag and an ampersand come back as entities, so that a text may grow.
"""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

_KEPT = frozenset(
    ["a", "b", "blockquote", "br", "code", "em", "i", "li", "ol", "p", "pre", "q"]
    + ["small", "span", "strong", "sub", "sup", "u", "ul"]
)  # fmt: skip
_VOID = frozenset(["br"])
_DROPPED = frozenset(["script", "style"])


def sanitised(text: str) -> str:
    """`text` as it is stored: formatting tags without attributes (links keep theirs), all else text."""
    parser = _Sanitiser()
    parser.feed(text)
    parser.close()
    return "".join(parser.out)


class _Sanitiser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropping += 1
        elif tag in _KEPT and not self._dropping:
            address = dict(attrs).get("href") or ""
            link = f' href="{escape(address)}"' if tag == "a" and address.startswith("http") else ""
            self.out.append(f"<{tag}{link}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropping = max(0, self._dropping - 1)
        elif tag in _KEPT - _VOID and not self._dropping:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.out.append(escape(data, quote=False))
