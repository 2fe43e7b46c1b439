"""One datatype, step by step: each step looks at one thing, and the first that fails ends the examination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any, cast

import msgspec

from connectors.common.datatype import Entity, Insert
from connectors.common.entity_text import is_unreadable
from connectors.common.errors import (
    FixSettings,
    InvalidResponse,
    NotFound,
    NotJson,
    ServiceError,
    UpstreamRefused,
    Wait,
)
from connectors.erp.check import records, suggestions
from connectors.erp.check.findings import ERROR, WARNING, Finding, Places, Report
from connectors.erp.check.watching import WatchedClient
from connectors.erp.datatype import ErpDatatype
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping.first_seen import asks_for_changes
from connectors.erp.mapping.key import Key, NoKey
from connectors.erp.mapping.stamps import BadStamp
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import AtEmpty, AtShort, SinglePage
from connectors.erp.read.lists import Lists, Source
from connectors.erp.read.loop_detection import EndlessList
from connectors.erp.read.summary_check import ListsSummary, mapped_sources, only_in_the_record
from connectors.erp.read.total_count import ShortList
from connectors.erp.read.unreadable import Unreadable
from core.dotted import get_path

_COMPARED = 3
"""Listed records that are compared with the records themselves."""

_NOBODY = "no-such-record-made-by-a-check"
_PAGES = 3
"""Pages of an incremental read that are looked at."""


_DETAIL = 'set "detail": true in list, so that each listed record is read by itself'
_SHORT_STOP = 'use {"type": "empty"}, or list.page_size with what the ERP gives'


class Unreachable(Exception):
    """The ERP cannot be asked at all; every further call would end in the same way."""


class Examination:
    """What one datatype of a profile makes of what the ERP answers."""

    def __init__(
        self, datatype: ErpDatatype, spec: DatatypeProfile, client: WatchedClient, places: Places, size: int
    ) -> None:
        self._datatype = datatype
        self._spec = spec
        self._client = client
        self._places = places
        self._size = size
        self._raw: list[dict[str, Any]] = []
        self._entities: list[Entity] = []
        self.report = Report(datatype.name, spec.path)

    def run(self) -> Report:
        """Go through all steps. `Unreachable` if the ERP cannot be asked."""
        steps: list[tuple[Callable[[], None], tuple[str, ...]]] = [
            (self._list, ("list", "path")),
            (self._values, ("fields",)),
            (self._second_page, ("paginator",)),
            (self._incremental, ("incremental",)),
            (self._one, ("get",)),
            (self._summary, ("list", "detail")),
            (self._origin, ("origin",)),
        ]
        for step, place in steps:
            self._client.forget()
            try:
                step()
            except ServiceError as error:
                self._failed(error, place)
            if not self.report.ok or not self._entities:
                break
        return self.report

    def _failed(self, error: ServiceError, place: tuple[str, ...]) -> None:
        if isinstance(error, Wait | UpstreamRefused):
            raise Unreachable(error.detail) from error
        advice = "compare the profile with an answer of the ERP"
        if isinstance(error, NotJson):
            place, advice = (
                ("list", "path"),
                "this address returns a page for people; check base_url and path",
            )
        elif isinstance(error, EndlessList):
            place, advice = ("paginator",), "the ERP does not understand how the next page is asked for"
        elif isinstance(error, ShortList):
            place = ("paginator", "stop")
            advice = f"the list is ended too early ({_SHORT_STOP}), or list.count is of something else"
        elif isinstance(error, ListsSummary):
            place, advice = ("list", "detail"), _DETAIL
        elif isinstance(error, NotFound):
            advice = "the ERP has nothing at this path; check base_url and path"
        elif isinstance(error, InvalidResponse) and error.field is not None:
            place = ("fields", error.field.strip("/").replace("/", "."))
            advice = "correct its type, or the form in values; what means none is named in null_values"
        self._add(ERROR, place, error.detail, advice)

    def _add(self, level: str, place: tuple[str, ...], problem: str, advice: str) -> None:
        pointer = self._places.of(self.report.datatype, *place)
        self.report.findings.append(Finding(level, pointer, problem, advice))

    def _list(self) -> None:
        selector = self._spec.listing.records
        pages = self._datatype.pages(None, None)
        try:
            found = next((page for page in islice(pages, _PAGES) if page), [])
        except InvalidResponse as error:
            if not self._explained(error, selector):
                raise
            return
        self._entities = [entity for entity in found if not is_unreadable(entity)]
        self._tell_unreadable([entity for entity in found if is_unreadable(entity)])
        bodies = self._client.bodies(self._listing)
        listed = get_path(bodies[0], selector)
        unreadable = Unreadable(self._spec)
        keyed = unreadable.each(listed, lambda raw: (Key(self._spec.id, "")(raw), raw))
        readable = {entity["_id"] for entity in self._entities}
        self._raw = [raw for key, raw in keyed if key in readable]
        total = f"{len(listed)} records on the first page"
        self.report.understood["records"] = f"{selector or 'the whole answer'}: {total}"
        self.report.understood["paginator"] = records.described(self._spec.paginator)
        if not listed:
            self._add(
                WARNING,
                ("list", "query"),
                "the list is empty",
                "nothing more can be checked; is that so, or may these credentials not see the records?",
            )

    def _tell_unreadable(self, entities: list[Entity]) -> None:
        if entities:
            first = entities[0]["$error"]["detail"]
            self._add(
                WARNING,
                ("fields",) if self._spec.fields is not None else ("id",),
                f"{len(entities)} records of the first page cannot be read; the first: {first}",
                "they are left out, and reported, until they are put right or the profile fits them",
            )

    def _explained(self, error: InvalidResponse, selector: str) -> bool:
        """Say more of a first page that could not be read; False if its records are not to blame."""
        bodies = self._client.bodies(self._listing)
        if not bodies:
            return False
        found = get_path(bodies[0], selector)
        if not isinstance(found, list):
            places = suggestions.list_places(bodies[0])
            said = f"{error.detail}; the ERP answered {suggestions.outline(bodies[0])}"
            advice = (
                f"lists are at {', '.join(places)}" if places else "if it is an error, add a rule to errors"
            )
            self._add(ERROR, ("list", "records"), said, advice)
            return True
        first = next((record for record in found if isinstance(record, dict)), {})
        if isinstance(error, NoKey):
            self._add(ERROR, ("id",), error.detail, _candidates("keys", suggestions.key_names(first)))
            return True
        if isinstance(error, BadStamp):
            self._add(
                ERROR,
                ("modified_format",),
                error.detail,
                _candidates("stamps", suggestions.stamp_names(first)),
            )
            return True
        return False

    def _second_page(self) -> None:
        """Ask for the page after the first even if the stop rule says that there is none."""
        paginator = self._spec.paginator
        stop = getattr(paginator, "stop", None)
        endless = paginator if stop is None else msgspec.structs.replace(paginator, stop=AtEmpty())
        source = replace(Source.of(self._spec), paginator=endless)
        lists = Lists(cast(ErpClient, self._client), self._datatype.name, source, self._size)
        first, *more = islice(lists.pages({}), 2)
        second = more[0] if more else []
        self.report.understood["second page"] = f"{len(second)} records" if second else "there is none"
        if len(first) > self._size and not isinstance(paginator, SinglePage):
            self._add(
                WARNING,
                ("paginator", "limit_param"),
                f"{self._size} records were asked for and {len(first)} came",
                "the ERP does not know this parameter; large pages cost memory",
            )
        if isinstance(stop, AtShort) and len(first) < self._size and second:
            self._add(
                ERROR,
                ("paginator", "stop"),
                f"the ERP gives {len(first)} records at most, fewer than the {self._size} asked for:"
                " a short page is not the last one",
                _SHORT_STOP,
            )

    def _values(self) -> None:
        self.report.first = self._entities[0]
        for found in records.doubts(self._spec, self._datatype.schema, self._raw, self._entities):
            self._add(*found)
        self.report.understood |= records.summary(self._spec, self._raw, self._entities)

    def _incremental(self) -> None:
        """Read from the stamp in the middle of the page.

        Older records show a filter that is not understood, and that stamp's own records must be among the
        answers.
        """
        known = records.stamped_page(self._spec, self._raw)
        if not known:
            return
        since, key = known[len(known) // 2]
        reading = iter(self._datatype.pages(since, None))
        pages = list(islice(reading, _PAGES))
        whole = next(reading, None) is None
        place = self._spec.listing.records
        listed = [one for body in self._client.bodies(self._listing) for one in get_path(body, place)]
        self.report.understood["since"] = f"{sum(map(len, pages))} records from {since} on"
        if not asks_for_changes(self._spec):
            self.report.understood["since"] += "; the ERP has no filter, so the whole list is read each time"
            return
        older = records.older_than(self._spec, listed, since)
        if older:
            self._add(
                ERROR,
                ("incremental",),
                f"asked for what changed since {since}, the ERP gave {older} older records too",
                "it does not understand this filter; correct it, or leave it out and the service filters",
            )
        elif whole and not any(entity["_id"] == key for page in pages for entity in page):
            self._add(
                ERROR,
                ("incremental",),
                "a record that changed at the very instant asked for was not given",
                "ask for 'at or after' (ge), or set overlap_seconds to 1: changes at one instant are lost",
            )

    @property
    def _listing(self) -> str:
        return f"{self._datatype.name}.list"

    def _one(self) -> None:
        key = self._entities[0]["_id"]
        found = self._datatype.entity(self._datatype.fetch(key))["_id"]
        if found != key:
            self._add(
                ERROR, ("get", "path"), f"asked for {key} the ERP gave {found}", "check {id} in the path"
            )
        try:
            self._datatype.fetch(records.unused_key(key))
        except NotFound:
            self.report.understood["one record"] = "found by its key; one that is not there is told apart"
        except ServiceError as error:
            self._add(
                WARNING,
                ("get",),
                f"a record that is not there is answered with: {error.detail}",
                'add a rule to connection.rest.errors with "action": "not_found"; deletes look like failures',
            )

    def _summary(self) -> None:
        """Compare what the list shows of some records with what they are by themselves."""
        detail = self._spec.listing.detail
        if detail is not None:
            self.report.understood["detail"] = (
                f"each record is read by itself, {detail.concurrency} at a time"
            )
            if not asks_for_changes(self._spec) and not any(
                records.stamp(self._spec, raw) for raw in self._raw
            ):
                self._add(
                    WARNING,
                    ("incremental",),
                    "the list shows no change stamp, and the ERP is not asked for changed records only",
                    "every read reads every record by itself: name a filter, or a stamp that the list shows",
                )
            return
        sources = mapped_sources(self._spec)
        if self._spec.fields is None:
            rules = self._datatype.schema.get("properties", {})
            sources = {name: name for name, rule in rules.items() if not rule.get("readOnly")}
        key, missing = Key(self._spec.id, self._datatype.name), dict[str, None]()
        for listed in self._raw[:_COMPARED]:
            whole = self._datatype.read_alone(key(listed))
            missing |= dict.fromkeys(only_in_the_record(sources, listed, whole))
        if missing:
            problem = f"the list shows a summary: only the record itself has {', '.join(missing)}"
            self._add(ERROR, ("list", "detail"), problem, _DETAIL)

    def _origin(self) -> None:
        if self._spec.read_only:
            self.report.understood["writes"] = "none (read_only)"
            return
        if not self._spec.create.allowed:
            self.report.understood["writes"] = "changes alone; this ERP has no call to make one"
            return
        insert = Insert(f"~:check:{_NOBODY}", {})
        try:
            found = self._datatype.find_own(insert)
        except FixSettings as error:
            self._add(
                ERROR,
                ("origin", "query"),
                error.detail,
                "without a working look-up, repeated creates create twins",
            )
            return
        if found is None:
            field = self._spec.origin.field if self._spec.origin is not None else ""
            self.report.understood["origin"] = f"looked up by {field}"


def _candidates(what: str, names: list[str]) -> str:
    return f"fields that look like {what}: {', '.join(names)}" if names else f"no field looks like {what}"
