"""Reading lists from the ERP: page after page of records, and never the same page twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.common.datatype import Record
from connectors.common.errors import BrokenAnswer
from connectors.common.jsonio import type_name
from connectors.common.upstream import UpstreamClient
from connectors.erp.counting import Trail
from connectors.erp.paginators import Step, make_paginator
from connectors.erp.paths import dig, fill_path
from connectors.erp.templates import Values, parameters, render


class Lists:
    """One list of the ERP: that of a datatype's records, or of something below it."""

    def __init__(self, client: UpstreamClient, name: str, spec: Mapping[str, Any], size: int) -> None:
        """`spec`: `list`, `path`, `paginator` and `id` as in an entity of the profile; `name` is for messages
        and metrics.
        """
        self._client = client
        self._name = name
        self._list = spec["list"]
        self._path = spec["path"]
        self._method = self._list.get("method", "GET")
        self._fixed = {**spec.get("query", {}), **self._list.get("query", {})}
        self._records = self._list.get("records", "")
        self._id = spec["id"]
        self._paginator = make_paginator(spec["paginator"])
        self._size = self._list.get("page_size", size)

    def pages(
        self,
        query: Mapping[str, Any],
        size: int | None = None,
        values: Values | None = None,
        key: str = "",
        raw: Record | None = None,
    ) -> Iterator[list[Record]]:
        """The ERP's records as they are, one list per page; `query` is added to the profile's own, `values`
        are for its templates, `key` and `raw` for its path.

        `BrokenAnswer` if a page is not a list of objects or comes twice, or if the ERP counts more records
        than it gave: the read then never ends as a short success. A record may come twice.
        """
        size = min(size or self._size, self._size)
        start = fill_path(self._list["path"], self._path, key, raw)
        step: Step | None = self._paginator.first(size)
        given = {**(values or {})}
        url, asked, seen = start, set[int](), set[int]()
        trail = Trail(self._name, self._list.get("count"), size)
        while step is not None:
            url = self._client.join(url, step.url) if step.url else start
            question, answer = self._ask(url, step, query, {**given, **step.values})
            records = self._select(answer.body)
            back = trail.back(step, url, answer, len(records))
            if back is not None:
                step = back
                asked.clear()
                seen.clear()
                continue
            content = _content([dig(record, self._id) for record in records], records)
            if question in asked or content in seen:
                raise BrokenAnswer(
                    f"{self._name}: the ERP gave the same page twice; the list would never end"
                )
            asked.add(question)
            if content:
                seen.add(content)
            yield records
            step = self._paginator.following(step, answer, records, size)
        trail.end()

    def _ask(self, url: str, step: Step, query: Mapping[str, Any], values: Values) -> tuple[int, Any]:
        """A hash of the question, and the answer to it."""
        given = [] if step.url else self._parameters(query, step, values)
        headers = {**dict(parameters(self._list.get("headers", {}), values)), **step.headers}
        body = render(self._list["body"], values) if "body" in self._list and not step.url else None
        question = hash((url, tuple(given), repr(body), tuple(sorted(headers.items()))))
        answer = self._client.call(
            self._method,
            url,
            operation=f"{self._name}.list",
            params=given,
            json=body,
            headers=headers,
            repeatable=True,
        )
        return question, answer

    def _parameters(self, query: Mapping[str, Any], step: Step, values: Values) -> list[tuple[str, str]]:
        fixed = parameters({**self._fixed, **query}, values)
        return [pair for pair in fixed if pair[0] not in step.query] + list(step.query.items())

    def _select(self, body: Any) -> list[Record]:
        records = dig(body, self._records)
        if not isinstance(records, list):
            place = self._records or "the answer"
            raise BrokenAnswer(f"{self._name}: {place} must be a list of records, not {type_name(records)}")
        if not all(type(record) is dict for record in records):
            raise BrokenAnswer(f"{self._name}: a record in the list is not an object")
        return records


def _content(ids: list[Any], records: list[Record]) -> int:
    """What tells one page from another: its ids, and its first record; 0 for an empty one.

    One record may well come twice, when it changed meanwhile; a page of several that is the same in all this
    is the same page.
    """
    return hash((repr(ids), repr(records[0]))) if records else 0
