"""An answer of a REST service: status, headers, body, and what of it becomes entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from requests.structures import CaseInsensitiveDict
from requests.utils import parse_header_links

from core.dotted import get_path
from localnode import codec
from localnode.pipes.errors import RemoteFailed

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """`url` is the address asked. `body` is parsed JSON where `is_json`, else text."""

    url: str
    status: int
    headers: CaseInsensitiveDict[str]
    body: Any
    is_json: bool

    @property
    def content_type(self) -> str:
        """Its media type without parameters, "" without one."""
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()

    def template_headers(self) -> CaseInsensitiveDict[object]:
        """Return the headers as templates see them: `Link` is taken apart by `rel` (RFC 8288)."""
        found: CaseInsensitiveDict[Any] = CaseInsensitiveDict(self.headers)
        if "Link" in found:
            links = parse_header_links(str(self.headers["Link"]))
            found["Link"] = {link["rel"]: link["url"] for link in links if "rel" in link}
        return found

    def part(self, path: str | None) -> Any:
        """Return the body, or the part of it at a dotted `path`; a property of that very name comes first."""
        if path is None or not self.is_json:
            return self.body
        return get_path(self.body, path)


def read(url: str, status: int, headers: Any, content: bytes, json_types: frozenset[str]) -> Answer:
    """Return an answer from what came over the wire. RemoteFailed when what calls itself JSON is none."""
    named: CaseInsensitiveDict[str] = CaseInsensitiveDict(headers)
    media_type = str(named.get("Content-Type", "")).partition(";")[0].strip().lower()
    if media_type not in json_types:
        return Answer(url, status, named, content.decode("utf-8", "replace"), False)
    if not content.strip():
        return Answer(url, status, named, None, True)
    try:
        return Answer(url, status, named, codec.parse(content), True)
    except codec.MalformedJson as error:
        raise RemoteFailed(f"the answer of {url.partition('?')[0]} is not JSON: {error}", status) from error
