"""Signs in a page that its list goes on, in places where the profile does not look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from requests.utils import parse_header_links

from connectors.common.upstream import UpstreamResponse

_ONWARDS = re.compile(r"(@?odata\.|_+)?next.*|has_?(more|next).*|.*(cursor|continuation).*", re.I)
_DEPTH = 3


def next_page_hint(answer: UpstreamResponse, place: str) -> str | None:
    """Return where a page, whose records are at `place`, says that there is another one.

    None if it does not.
    """
    for link in parse_header_links(answer.headers.get("Link") or ""):
        if link.get("rel", "").lower() == "next":
            return "the Link header"
    return next(_signs(answer.body, place, ""), None)


def _signs(value: object, place: str, above: str, depth: int = 0) -> Iterator[str]:
    if not isinstance(value, Mapping) or depth == _DEPTH:
        return
    for name, inner in value.items():
        path = f"{above}{name}"
        if path == place:
            continue
        if _ONWARDS.fullmatch(name) and inner and not isinstance(inner, list):
            yield path
        yield from _signs(inner, place, f"{path}.", depth + 1)
