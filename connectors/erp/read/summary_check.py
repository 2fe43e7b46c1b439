"""A list that shows less of a record than the record itself: fields read from it would look emptied.

What a profile maps is proven once the list has shown it, if only as null. As long as something is not, a
listed record is compared with the record itself now and then: the first, the second, the fourth, and so on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from connectors.common.datatype import Record
from connectors.common.errors import FixSettings, ServiceError
from connectors.erp.mapping.fields import MODIFIED, POSITION
from connectors.erp.mapping.key import Key
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.mapping import FieldSpec, spelt_out
from connectors.erp.read.single import SingleReader
from core.dotted import get_path, is_shown

_LOG = logging.getLogger("connectors")


class ListsSummary(FixSettings):
    """The list shows a summary, and the profile does not say so; `fields` are only in the record itself."""

    def __init__(self, datatype: str, fields: Sequence[str]) -> None:
        super().__init__(
            f"{datatype}: the list shows a summary, and only the record itself has {', '.join(fields)}; set"
            " list.detail in the profile, so that each record is read by itself",
            setting="ERP_PROFILE",
        )
        self.fields = fields


class SummaryCheck:
    """Watches the list of one datatype. Without a lock: to compare once more than needed does no harm."""

    def __init__(self, datatype: str, spec: DatatypeProfile, single: SingleReader, key: Key) -> None:
        self._datatype = datatype
        self._single = single
        self._key = key
        self._not_shown = mapped_sources(spec)
        self._seen = 0
        self._next = 1

    def look(self, page: Sequence[Record]) -> None:
        """Look at a page; `ListsSummary` if it lacks what its records have."""
        for record in page if self._not_shown else ():
            for source in [source for source in self._not_shown if _shows(record, source)]:
                del self._not_shown[source]
            self._seen += 1
            if self._not_shown and self._seen >= self._next:
                self._next = 2 * self._seen
                self._compare(record)

    def _compare(self, listed: Record) -> None:
        try:
            whole = self._single.fetch(self._key(listed))
        except ServiceError as error:
            _LOG.info(
                "list not compared", extra={"members": {"datatype": self._datatype, "detail": error.detail}}
            )
            return
        missing = only_in_the_record(self._not_shown, listed, whole)
        if missing:
            raise ListsSummary(self._datatype, missing)


def only_in_the_record(sources: Mapping[str, str], listed: Record, whole: Record) -> list[str]:
    """Return the fields whose sources the record itself has, and has listed not at all."""
    return [
        field
        for source, field in sources.items()
        if not _shows(listed, source) and get_path(whole, source) not in (None, "", [])
    ]


def mapped_sources(spec: DatatypeProfile) -> dict[str, str]:
    """Return where the mapped fields of a datatype come from: place in the record to field.

    Children apart.
    """
    embedded = [child.into for child in spec.children.values()]
    found = {_source(field, spec): name for name, field in spelt_out(spec.fields or {}).items()}
    for name, field in spelt_out(spec.fields or {}).items():
        for case in field.cases:
            found |= {condition.field.partition(".*")[0]: name for condition in case.when}
    return {
        source: name
        for source, name in found.items()
        if source is not None
        and not any(source == place or source.startswith(f"{place}.") for place in embedded)
    }


def _source(field: FieldSpec, spec: DatatypeProfile) -> str | None:
    if field.item is not None:
        return spec.items[field.item].held_in
    if field.source in (None, MODIFIED, POSITION):
        return None
    return str(field.source).partition(".*")[0]


def _shows(record: Record, source: str) -> bool:
    return source in record or is_shown(record, source)
