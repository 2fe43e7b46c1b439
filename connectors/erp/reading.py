"""Reading lists from the ERP: page after page of records, and never the same page twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.common.datatype import Record
from connectors.common.errors import BrokenAnswer
from connectors.common.jsonio import type_name
from connectors.common.upstream import UpstreamClient
from connectors.erp.paginators import Step, make_paginator
from connectors.erp.paths import dig, fill_path


class Lists:
    """The list operation of one datatype."""

    def __init__(self, client: UpstreamClient, datatype: str, spec: Mapping[str, Any], size: int) -> None:
        self._client = client
        self._datatype = datatype
        self._list = spec["list"]
        self._path = fill_path(self._list["path"], spec["path"])
        self._records = self._list.get("records", "")
        self._id = spec["id"]
        self._paginator = make_paginator(spec["paginator"])
        self._size = size

    def pages(self, query: Mapping[str, str], size: int | None = None) -> Iterator[list[Record]]:
        """The ERP's records as they are, one list per page; `query` is added to the profile's own.

        `BrokenAnswer` if a page is not a list of objects or comes twice: the read then never ends as a short
        success.
        """
        size = min(size or self._size, self._size)
        step: Step | None = self._paginator.first(size)
        url = self._path
        asked: set[int] = set()
        before: list[Any] = []
        while step is not None:
            url = self._client.join(url, step.url) if step.url else self._path
            given = {} if step.url else {**self._list.get("query", {}), **query, **step.query}
            headers = {**self._list.get("headers", {}), **step.headers}
            question = hash((url, tuple(given.items())))
            answer = self._client.call(
                "GET", url, operation=f"{self._datatype}.list", params=given, headers=headers
            )
            records = self._select(answer.body)
            ids = [dig(record, self._id) for record in records]
            if question in asked or (ids and ids == before):
                raise BrokenAnswer(
                    f"{self._datatype}: the ERP gave the same page twice; the list would never end"
                )
            asked.add(question)
            before = ids
            yield records
            step = self._paginator.following(step, answer, records, size)

    def _select(self, body: Any) -> list[Record]:
        records = dig(body, self._records)
        if not isinstance(records, list):
            place = self._records or "the answer"
            raise BrokenAnswer(
                f"{self._datatype}: {place} must be a list of records, not {type_name(records)}"
            )
        if not all(type(record) is dict for record in records):
            raise BrokenAnswer(f"{self._datatype}: a record in the list is not an object")
        return records
