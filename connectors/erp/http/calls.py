"""Making the calls that a profile describes: path, query, headers and body from their templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from connectors.common.datatype import Record
from connectors.common.upstream import UpstreamResponse
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping.key import Key
from connectors.erp.mapping.templates import fill_path, parameters
from connectors.erp.profile.model.base import Template
from core.jsonio import Json


class Call(Protocol):
    """What all calls of a profile have in common."""

    @property
    def method(self) -> str | None: ...
    @property
    def path(self) -> str | None: ...
    @property
    def query(self) -> Mapping[str, Template]: ...
    @property
    def headers(self) -> Mapping[str, Template]: ...


class Calls:
    """The calls of one datatype for single records. Safe to use from several threads."""

    def __init__(self, client: ErpClient, datatype: str, path: str, key: Key) -> None:
        """`path` stands for `{path}`."""
        self._client = client
        self._datatype = datatype
        self._path = path
        self._key = key

    def values_of(self, key: str) -> Json:
        """Return what templates may use of a key."""
        return self._key.values(key)

    def send(
        self,
        call: Call,
        operation: str,
        key: str = "",
        *,
        body: object = None,
        raw: Record | None = None,
        headers: Mapping[str, str] | None = None,
        values: Mapping[str, object] | None = None,
        query: Mapping[str, Template] | None = None,
        method: str | None = None,
        repeatable: bool = True,
    ) -> UpstreamResponse:
        """Make a call and give its answer.

        `key` is the record's, `raw` the record, for names in the path; `values` are for templates, `headers`
        are added; `query` and `method` stand in for the call's own.
        """
        given = {**self._key.values(key), **(values or {})}
        quotes = self._client.quotes
        return self._client.call(
            method or call.method or "POST",
            fill_path(call.path or "", self._path, given, raw, quotes),
            operation=f"{self._datatype}.{operation}",
            params=parameters(call.query if query is None else query, given, quotes),
            json=body,
            headers={**dict(parameters(call.headers, given)), **(headers or {})},
            repeatable=repeatable,
        )
