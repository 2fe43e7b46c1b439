"""Reading one record by its key, as the ERP gives it."""

from __future__ import annotations

from msgspec import UNSET

from connectors.common.datatype import Record
from connectors.common.errors import InvalidResponse, NotFound
from connectors.erp.http.calls import Calls
from connectors.erp.mapping.shape import VERSION
from connectors.erp.mapping.templates import CannotAsk, render
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.writing import IfMatch
from core.dotted import get_path


class SingleReader:
    """Reads single records of one datatype. Safe to use from several threads."""

    def __init__(self, datatype: str, spec: DatatypeProfile, calls: Calls) -> None:
        self._datatype = datatype
        self._get = spec.get
        self._lock = spec.update.lock
        self._calls = calls

    def fetch(self, key: str) -> Record:
        """Return the record, with the version that a header said; without its children.

        `NotFound` if there is none.
        """
        try:
            values = self._calls.values_of(key)
            body = None if self._get.body is UNSET else render(self._get.body, values)
            answer = self._calls.send(self._get, "get", key, body=body)
        except CannotAsk as error:
            raise NotFound(f"there is no {self._datatype} {key}: {error.detail}", entity=key) from None
        raw = self._record(answer.body, key)
        if isinstance(self._lock, IfMatch) and self._lock.header is not None:
            raw[VERSION] = answer.headers.get(self._lock.header)
        return raw

    def _record(self, body: object, key: str) -> Record:
        """Return the record in an answer.

        An ERP that looks records up answers with an empty list, or null, for none.
        """
        place = self._get.record
        raw = get_path(body, place)
        if isinstance(raw, dict):
            return raw
        above, _, last = place.rpartition(".")
        listed = get_path(body, above) if place else None
        if raw is None and (
            body is None or (last.isdigit() and isinstance(listed, list)) or _says_null(body, place)
        ):
            raise NotFound(f"the ERP has no {self._datatype} {key}", entity=key)
        raise InvalidResponse(f"{self._datatype}: the ERP's answer to get has no record")


def _says_null(body: object, place: str) -> bool:
    """Return whether an answer holds null in the very place of the record."""
    above, _, last = place.rpartition(".")
    holder = get_path(body, above)
    return isinstance(holder, dict) and last in holder and holder[last] is None
