"""What can be found out by asking again: page size, next pages, changed records, one record.

Every call is a GET of the list or below it, and their number is bounded by the words that are tried. A
parameter counts only if the answer shows that it was understood: many ERPs ignore what they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connectors.common.errors import NotFound, ServiceError
from connectors.common.upstream import UpstreamClient, UpstreamResponse
from connectors.erp.init import words
from connectors.erp.init.answer import Record, around, keys, named, records_place
from core.dotted import get_path
from core.jsonio import Json

_FEW = 2
_WHOLE_ONES = 20
"""Records that are read by themselves where the list shows a summary."""

_CANDIDATES = 5
"""Fields that are tried as the key."""

_NOBODY = "no-such-record"
_LINK = ("http://", "https://", "/")

_SINGLE = ("{path}/{id}", "{path}({id})", "{path}('{id}')")

Paginator = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """One record read by itself: the path asked, where in the answer it was, and the answer's headers."""

    path: str
    at: str
    record: Record
    headers: Mapping[str, str]


class Probe:
    """Asks one list. `records` are of its first answer, at `place`; `key` is what tells them apart."""

    def __init__(
        self, client: UpstreamClient, path: str, query: Mapping[str, str], first: UpstreamResponse
    ) -> None:
        self._client = client
        self._path = path
        self._query = dict(query)
        self.common: Mapping[str, str] = {}
        """What one record is asked for with as well, such as a tenant."""
        self.first = first
        self.place = records_place(first.body)
        found = get_path(first.body, self.place) if self.place is not None else []
        self.records: list[Record] = [one for one in found if isinstance(one, dict)]
        self.key: str | None = None

    def paginator(self) -> tuple[Paginator, str | None]:
        """Return how the list is paged, and what of it is guessed; `single` where nothing shows."""
        said = around(self.first.body, self.place or "")
        if "@odata.nextLink" in said or "@odata.context" in said:
            return {"type": "odata"}, None
        size = self._size()
        limited = self._ask({size: str(_FEW)}) if size else None
        answer = limited or self.first
        limit = {"limit_param": size} if size else {}
        said = around(answer.body, self.place or "")
        if 'rel="next"' in answer.headers.get("Link", "").replace("rel=next", 'rel="next"'):
            return {"type": "link_header", **limit}, None
        at = named(said, words.NEXT, str)
        if at is not None and str(said[at]).startswith(_LINK):
            return {"type": "next_url", "path": at, **limit}, None
        if size is None:
            return self._unasked(at, said) if at is not None else self._turned() or self._unasked(at, said)
        return self._numbered(size, at, said) or (
            {"type": "single"},
            f"{size} limits a page, how to go on was not found",
        )

    def _unasked(self, cursor: str | None, said: Mapping[str, object]) -> tuple[Paginator, str | None]:
        if cursor is not None:
            param = cursor.rpartition(".")[2]
            return {
                "type": "cursor",
                "param": param,
                "path": cursor,
            }, f"that {param} is the parameter of the cursor"
        doubt = (
            None if named(said, words.TOTALS, int) is None else "that one answer holds all: it counts records"
        )
        return {"type": "single"}, doubt or "that one answer holds the whole list"

    def _turned(self) -> tuple[Paginator, str | None] | None:
        """Return the pages of an ERP that has no word for their size: the next one is another, or empty."""
        whole = keys(self.records, self.key)
        for name in words.PAGES:
            for first in (1, 0):
                this, following = self._ask({name: str(first)}), self._ask({name: str(first + 1)})
                if this is None or following is None or get_path(following.body, self.place or "") is None:
                    break
                here, after = keys(self._listed(this), self.key), keys(self._listed(following), self.key)
                rest = whole[len(here) :]
                goes_on = bool(after) and after == rest[: len(after)] if rest else not set(after) & set(whole)
                if here and here == whole[: len(here)] and goes_on:
                    return {"type": "page", "param": name, "first": first, "stop": {"type": "empty"}}, None
        return None

    def _numbered(
        self, size: str, cursor: str | None, said: Mapping[str, object]
    ) -> tuple[Paginator, str | None] | None:
        """Return the paginator whose parameter gives the third and fourth record."""
        limit = {"limit_param": size}
        if cursor is not None:
            for name in (cursor.rpartition(".")[2], *words.CURSORS):
                if self._gives({name: str(said[cursor]), size: str(_FEW)}, _FEW):
                    return {"type": "cursor", "param": name, "path": cursor, **limit}, None
        stop = self._stop(said)
        for name in words.PAGES:
            for number, first in ((2, 1), (1, 0)):
                if self._gives({name: str(number), size: str(_FEW)}, _FEW):
                    return {"type": "page", "param": name, "first": first, **limit, "stop": stop}, None
        for name in words.OFFSETS:
            for number, first in ((2, 0), (3, 1)):
                if self._gives({name: str(number), size: str(_FEW)}, _FEW):
                    return {"type": "offset", "param": name, "first": first, **limit, "stop": stop}, None
        if self.key is not None:
            for name in words.AFTER:
                if self._gives({name: str(get_path(self.records[1], self.key)), size: str(_FEW)}, _FEW):
                    return {"type": "keyset", "field": self.key, "param": name, **limit, "stop": stop}, None
        return None

    def _stop(self, said: Mapping[str, Any]) -> Json:
        more, total = named(said, words.MORE, bool), named(said, words.TOTALS, int)
        if more is not None:
            return {"type": "has_more", "path": more}
        if total is not None and said[total] >= len(self.records):
            return {"type": "total", "path": total}
        return {"type": "empty"}

    def _size(self) -> str | None:
        if len(self.records) <= _FEW:
            return None
        return next((name for name in words.SIZES if self._gives({name: str(_FEW)}, 0)), None)

    def _gives(self, query: Mapping[str, str], start: int) -> bool:
        """Whether the answer holds the few records from `start` on and no other."""
        wanted = keys(self.records[start : start + _FEW], self.key)
        answer = self._ask(query)
        return (
            bool(wanted)
            and answer is not None
            and keys(self._listed(answer), self.key)[: len(wanted) + 1] == wanted
        )

    def filter(self, stamp: str) -> Json | None:
        """Return how only changed records are asked for, as `incremental` has it; None if no way is."""
        known = sorted(
            (value for one in self.records if (value := get_path(one, stamp)) is not None), key=str
        )
        if not known or known[0] == known[-1]:
            return None
        since = next(value for value in known[len(known) // 2 :] + known[-1:] if value != known[0])
        last = stamp.rpartition(".")[2]
        tried: list[tuple[str, str]] = [(name.replace("{stamp}", last), "{since}") for name in words.SINCE]
        if self.place == "value" or "@odata.context" in around(self.first.body, self.place or ""):
            tried.insert(0, ("$filter", f"{stamp} ge {{since}}"))
        for name, template in tried:
            answer = self._ask({name: template.replace("{since}", str(since))})
            found = [get_path(one, stamp) for one in self._listed(answer)] if answer is not None else []
            if found and all(value is not None and str(value) >= str(since) for value in found):
                made = {
                    "param": name,
                    **({} if template == "{since}" else {"template": template}),
                    "order": "none",
                }
                return made if since in found else {**made, "overlap_seconds": 1}
        return None

    def looks_up(self, field: str) -> dict[str, str] | None:
        """Return the list query that finds records by a field; None if the ERP does not heed it."""
        known = next((one for one in self.records if get_path(one, field)), None)
        tried = [
            {field: "{origin}"},
            {f"filter[{field}]": "{origin}"},
            {"$filter": f"{field} eq '{{origin}}'"},
        ]
        for query in tried:
            nobody = self._ask({name: text.replace("{origin}", _NOBODY) for name, text in query.items()})
            if nobody is None or self._listed(nobody):
                continue
            if known is None:
                return query
            value = str(get_path(known, field))
            found = self._ask({name: text.replace("{origin}", value) for name, text in query.items()})
            if found is not None and known in self._listed(found):
                return query
        return None

    def settle(self, candidates: Sequence[str]) -> Found | None:
        """Take the first of these fields for the key by which the ERP gives a record; else the first of all.

        Gives the first record by itself; None if no address gives it.
        """
        for self.key in candidates[:_CANDIDATES]:
            found = self.one()
            if found is not None:
                return found
        self.key = next(iter(candidates), None)
        return None

    def one(self) -> Found | None:
        """Return the first record as it is by itself; None if no address gives it."""
        key = get_path(self.records[0], self.key) if self.key is not None else None
        if self.key is None or key is None:
            return None
        for query in ({}, self._query) if self._query else ({},):
            for path in _SINGLE:
                answer = self._get(self._address(path, str(key)), query)
                for at, record in _inside(answer.body) if answer is not None else ():
                    if answer is not None and get_path(record, self.key) == key:
                        self.common = query
                        return Found(path, at, record, answer.headers)
        return None

    def more(self, found: Found) -> list[Record]:
        """Return the next records by themselves, as the first was found."""
        records = []
        for listed in self.records[1:_WHOLE_ONES]:
            key = str(get_path(listed, self.key or ""))
            answer = self._get(self._address(found.path, key), self.common)
            record = get_path(answer.body, found.at) if answer is not None else None
            records += [record] if isinstance(record, dict) else []
        return records

    def tells_of_none(self, path: str) -> bool:
        """Whether a record that is not there is answered 404."""
        try:
            self._client.call(
                "GET",
                self._address(path, _NOBODY),
                operation="init",
                params=self.common,
                attempts=1,
            )
        except NotFound:
            return True
        except ServiceError:
            return False
        return False

    def _address(self, path: str, key: str) -> str:
        return path.replace("{path}", self._path).replace("{id}", quote(key, safe=""))

    def _listed(self, answer: UpstreamResponse) -> list[Record]:
        found = get_path(answer.body, self.place or "")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def _ask(self, query: Mapping[str, str]) -> UpstreamResponse | None:
        return self._get(self._path, {**self._query, **query})

    def _get(self, path: str, query: Mapping[str, str]) -> UpstreamResponse | None:
        try:
            return self._client.call("GET", path, operation="init", params=query, attempts=1)
        except ServiceError:
            return None


def _inside(body: object) -> Iterator[tuple[str, Record]]:
    """Yield an answer and the objects in it, a list of one as its only item, with where they are."""
    if not isinstance(body, dict):
        return
    yield "", body
    for name, value in body.items():
        if isinstance(value, dict):
            yield name, value
        elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            yield f"{name}.0", value[0]
