"""Carry out desired states record by record, and report the outcome of each.

The rules are the same for every datatype:

* insert: `$origin` is mandatory. A record that was created earlier from that origin is adopted (`none`) and
  never created twice, even if an earlier create was carried out and its answer lost.
* update: compare-and-swap. The record is read and compared with the desired state and with `$based_on`
  (`connectors.common.compare`), and only differing properties are written. If somebody else has changed
  them, the answer is `conflict` and nothing is written. After any pause the record is read again.
* delete: a record that no longer exists counts as done (`none`). A delete with `$origin` instead of an `id`
  removes what an unanswered insert left behind (`Datatype.withdraw`).
* A property that breaks a rule, or that upstream refuses, does not hold back the others of its record: it is
  left out, the rest is written, and the answer names it in `$refused`. The record is `rejected` only if it
  cannot do without the property (`Datatype.can_leave_out`), or if nothing else is to be written.
* Lines are created with their record and never removed. A line that the desired state was based on but does
  not name any more stays, and the answer names it in `$refused`.
* The answer contains the record as upstream stores it (`$response`). Values that upstream stores differently
  are named in `$kept`, so that nobody takes the sent value for the stored one.
* An entity that breaks a rule is `rejected` and the others continue. If upstream is down, throttled or
  refuses the credentials, the whole request fails. Repeating it is safe: what was done is found done.

Answers have the order and number of the request in every case.

A dry run is the same datatype behind another write port (`Datatype.dry_run`): all reads, comparisons and
rules are real, and the answer contains the record as it would be.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from connectors.common import entity_text
from connectors.common.compare import compare
from connectors.common.correlation import correlated
from connectors.common.datatype import Datatype, Entity, Insert, Record, Reported
from connectors.common.errors import (
    AlreadyExists,
    Conflict,
    FixData,
    Indeterminate,
    LookUpFirst,
    NotFound,
    Pending,
    Rejected,
    ServiceError,
    Unavailable,
    Unreadable,
)
from connectors.common.locks import RecordLocks
from connectors.common.logs import CALLS
from connectors.common.outcome import Outcome
from connectors.common.refused import leaving_out_refused, refusal
from connectors.common.share_request import ShareRequest, parse_dry_run, parse_share_request
from connectors.common.transit import escaped, unescaped
from connectors.common.validation import PayloadCheck
from core import dry_run
from core.clock import RisingClock

_ATTEMPTS = 3
"""Reads and compares of one update before a record that keeps moving counts as contested."""

_MAX_PAUSE_S = 20.0

Observer = Callable[[str, str, str], None]
"""Told datatype, operation and status of every outcome."""


class ShareEngine:
    """Carries out requests; keeps only locks, so any number of requests may run at once."""

    def __init__(self, datatypes: Iterable[Datatype], concurrency: int, observe: Observer) -> None:
        """`concurrency`: records of one request that are processed at the same time."""
        self._checks = {datatype.name: PayloadCheck(datatype.schema) for datatype in datatypes}
        self._locks = RecordLocks()
        self._concurrency = concurrency
        self._observe = observe
        self._written = RisingClock()

    def share(self, datatype: Datatype, entities: Sequence[Entity]) -> list[Entity]:
        """Return answers to share entities, in the same order and number.

        Raises `Unavailable`, `FixSettings` or `InvalidResponse` for the request as a whole.
        """
        groups: dict[object, list[int]] = {}
        for index, entity in enumerate(entities):
            groups.setdefault(_record_named(entity) or index, []).append(index)
        answers: list[Entity] = [{}] * len(entities)

        def work(indexes: list[int]) -> None:
            for index in indexes:
                answers[index] = self._answer(datatype, entities[index])

        _each(work, list(groups.values()), self._concurrency)
        return answers

    def outcome(self, datatype: Datatype, read: Callable[[], ShareRequest]) -> Outcome:
        """Carry out the request that `read` returns; errors of this entity alone become its outcome."""
        request = None
        try:
            request = read()
            with self._locks.of(datatype.name, request.lock_name):
                outcome = self._execute(datatype, request)
        except (FixData, LookUpFirst, Pending) as error:
            # Without its traceback; else error, frame and outcome keep each other, and the batch, in memory.
            kept = error.with_traceback(None)
            outcome = Outcome("none", _status(error), request.key if request else None, error=kept)
        if not datatype.is_dry_run:
            self._observe(datatype.name, outcome.operation, outcome.status)
        return outcome

    def _answer(self, datatype: Datatype, entity: Entity) -> Entity:
        parse = parse_dry_run if datatype.is_dry_run else parse_share_request

        def read() -> ShareRequest:
            entity_text.check(entity, entity.get("_id"))
            return parse(unescaped(entity))

        with correlated(entity):
            outcome = self.outcome(datatype, read)
            self._log(datatype, entity, outcome)
        return {
            **(entity_text.shallow(entity) if outcome.error is not None else entity),
            **({dry_run.MARK: True} if datatype.is_dry_run else {}),
            "$operation": outcome.operation,
            "$status": outcome.status,
            "$generated_id": escaped(outcome.key),
            "$written": self._written.now_text(),
            "$response": _shown(outcome.record),
            "$error": outcome.error.as_dict() if outcome.error else None,
            **({"$refused": list(outcome.refused)} if outcome.refused else {}),
            **({"$kept": list(outcome.kept)} if outcome.kept else {}),
        }

    def _log(self, datatype: Datatype, entity: Entity, outcome: Outcome) -> None:
        error = {"rule": outcome.error.rule} if outcome.error else {}
        members = {
            "datatype": datatype.name, "entity": entity.get("_id"), "operation": outcome.operation,
            "status": outcome.status, "key": outcome.key, "dry_run": datatype.is_dry_run or None, **error,
            "refused": [each["field"] for each in outcome.refused] or None,
            "kept": [each["field"] for each in outcome.kept] or None,
        }  # fmt: skip
        CALLS.info("share", extra={"members": {k: v for k, v in members.items() if v is not None}})

    def _execute(self, datatype: Datatype, request: ShareRequest) -> Outcome:
        datatype.check_writable()
        if request.operation == "delete":
            return _delete(datatype, request)
        return leaving_out_refused(datatype, request, self._write)

    def _write(self, datatype: Datatype, request: ShareRequest, seen: list[Record]) -> Outcome:
        """Insert or update; `seen` gets the record as read before each write."""
        self._checks[datatype.name](request.operation, request.payload)
        datatype.check(request.operation, request.payload)
        if request.operation == "insert":
            return _insert(datatype, request)
        return _update(datatype, request, seen)


def _kept(datatype: Datatype, asked: Record, record: Record) -> tuple[Record, ...]:
    """Return the values that upstream stored differently from what was sent."""
    shown = {name: value for name, value in asked.items() if name not in datatype.write_only}
    found = compare(record, shown, None, line_keys=datatype.line_keys, same=datatype.same)
    return tuple({"field": at, "sent": sent, "kept": kept} for at, kept, sent in found.leaves)


def _insert(datatype: Datatype, request: ShareRequest) -> Outcome:
    insert = request.insert
    if insert.key is not None and datatype.assigns_keys:
        raise Rejected(
            "id is assigned by the upstream system and cannot be chosen", field="/id", rule="readOnly"
        )
    # Upstream would make a second record without a word, so look for the first one before creating.
    if not datatype.create_refuses_twins:
        found = request.present or datatype.find_own(insert)
        if found is not None:
            return Outcome("none", key=datatype.key_of(found), record=found)
    try:
        record = datatype.create(insert)
    # Whatever is there already is ours only if it carries our origin; somebody else's is an error.
    except AlreadyExists:
        found = datatype.find_own(insert)
        if found is None:
            raise
        return Outcome("none", key=datatype.key_of(found), record=found)
    # The create may have been done and only its answer lost: the record's origin tells.
    except Indeterminate as lost:
        found = datatype.find_own(insert)
        # Upstream did answer, so the record may be there without its origin: a person has to look.
        if found is None and isinstance(lost, Unreadable):
            raise _unknown(datatype, insert, lost) from lost
        if found is None:
            raise Unavailable(lost.detail, retry_after=lost.retry_after) from lost
        return Outcome("insert", key=datatype.key_of(found), record=found)
    return _written("insert", datatype, datatype.key_of(record), insert.payload, record)


def _unknown(datatype: Datatype, insert: Insert, lost: Unreadable) -> Pending:
    """Return the report to a person about a create that was answered without a record.

    Repeating it might create a twin.
    """
    return Pending(
        f"the {datatype.name} may have been made: {lost.detail}, and none is found by its origin"
        f" {insert.origin_id}. Look for it there: give it that origin, or retry if it is not there",
        rule="create-unreadable",
    )


def _written(operation: str, datatype: Datatype, key: str, asked: Record, record: Record) -> Outcome:
    reports = record.reports if isinstance(record, Reported) else ()
    kept = _kept(datatype, asked, record)
    return Outcome(operation, key=key, record=dict(record), refused=reports, kept=kept)


def _update(datatype: Datatype, request: ShareRequest, seen: list[Record]) -> Outcome:
    moved = unanswered = 0
    wanted: Record | None = None
    while True:
        try:
            outcome = _compare_and_swap(datatype, request, seen)
        except Conflict:
            moved += 1
            if moved == _ATTEMPTS:
                raise
        except _NotTaken as attempt:
            # A write of several calls that got further starts counting again.
            unanswered = unanswered + 1 if attempt.changes == wanted else 1
            wanted = attempt.changes
            if unanswered >= datatype.update_attempts:
                raise attempt.cause from None
            time.sleep(min(attempt.cause.retry_after or 0.0, _MAX_PAUSE_S))
        else:
            # Nothing left to write after an unanswered write: that write was done after all.
            was_lost = wanted is not None and outcome.operation == "none" and outcome.status == "ok"
            return replace(outcome, operation="update") if was_lost else outcome


def _compare_and_swap(datatype: Datatype, request: ShareRequest, seen: list[Record]) -> Outcome:
    key = request.key or ""
    present = datatype.present(key, request.based_on) if request.present is None else request.present
    seen.append(present)
    if datatype.entity(dict(present))["_deleted"]:
        raise NotFound(f"{datatype.name} {key} is deleted", entity=key)
    found = compare(
        present,
        request.payload,
        request.based_on if request.check_version else None,
        watched_fields=request.watched_fields,
        line_keys=datatype.line_keys,
        same=datatype.same,
    )
    if found.conflicts:
        return _contested(datatype, key, present, found.conflicts)
    left = tuple(_line_that_stays(at, line) for at, line in found.left_lines)
    if not found.changes:
        return Outcome("none", key=key, record=present, refused=left)
    try:
        stored = datatype.update(key, present, found.changes)
    except Unavailable as error:
        raise _NotTaken(error, dict(found.changes)) from error
    if stored is present:
        return Outcome("none", key=key, record=present, refused=left)
    sent = {name: value for name, value in request.payload.items() if name in found.changes}
    done = _written("update", datatype, key, sent, stored)
    return replace(done, refused=(*done.refused, *left))


def _line_that_stays(at: str, line: Record) -> Record:
    error = Rejected(
        "the line stays: lines are created with their record and never removed by this service;"
        " remove it upstream, or name it",
        rule="line-stays",
    )
    return refusal(error, at, line)


class _NotTaken(Exception):
    """Upstream did not answer a write; the record must be read again before the next."""

    def __init__(self, cause: Unavailable, changes: Record) -> None:
        super().__init__(cause.detail)
        self.cause = cause
        self.changes = changes


def _contested(datatype: Datatype, key: str, present: Record, fields: list[str]) -> Outcome:
    error = Conflict(
        f"{datatype.name} {key} was changed upstream since it was collected, in {', '.join(fields)}",
        entity=key,
        field=fields[0],
        rule="$based_on",
    )
    return Outcome("none", "conflict", key, present, error)


def _delete(datatype: Datatype, request: ShareRequest) -> Outcome:
    key = request.key or ""
    # In a dry run an earlier request made or changed the record: upstream cannot be asked about it.
    if request.present is not None:
        return Outcome("delete", key=key)
    try:
        done = datatype.withdraw(request.insert) if request.origin else datatype.delete(key)
    except NotFound:
        return Outcome("none", key=key)
    reports = done.record.reports if isinstance(done.record, Reported) else ()
    return Outcome(done.operation, key=key, record=done.record, refused=reports)


def _status(error: ServiceError) -> str:
    match error:
        case Conflict():
            return "conflict"
        case Pending():
            return "pending"
        case NotFound():
            return "gone"
        case _:
            return "rejected"


def _shown(record: Record | None) -> Record | None:
    """Return the record's own fields, without what was added to make it an entity.

    Returns None if they have a value that no entity can have: the next read reports that.
    """
    try:
        entity_text.check(record, "any")
    except Rejected:
        return None
    own = None if record is None else {name: value for name, value in record.items() if name[:1] != "_"}
    shown: Record | None = escaped(own)
    return shown


def _record_named(entity: Mapping[str, object]) -> object:
    """Return the name of the record, by which requests for the same record are grouped."""
    name = entity.get("id") or entity.get("$origin") or entity.get("_id")
    return name if isinstance(name, str | int) else None


def _each(work: Callable[[list[int]], None], groups: list[list[int]], concurrency: int) -> None:
    """Process all groups, some at a time; the first error stops the groups not started yet, and is raised."""
    if concurrency == 1 or len(groups) == 1:
        for group in groups:
            work(group)
        return
    with ThreadPoolExecutor(min(concurrency, len(groups) or 1)) as pool:
        futures = [pool.submit(contextvars.copy_context().run, work, group) for group in groups]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
