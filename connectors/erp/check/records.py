"""Looks at the records of one page: keys, change stamps, deletion marks and the types of their values."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from jsonschema import Draft202012Validator

from connectors.common.datatype import Entity, Record
from connectors.common.errors import InvalidResponse
from connectors.common.validation import formats
from connectors.erp.check import suggestions
from connectors.erp.check.findings import ERROR, WARNING
from connectors.erp.mapping.fields import MODIFIED
from connectors.erp.mapping.first_seen import asks_for_changes
from connectors.erp.mapping.key import Key, raw_key
from connectors.erp.mapping.shape import stamp_readers
from connectors.erp.profile.model.base import kind_of
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.mapping import spelt_out
from connectors.erp.profile.model.reading import (
    AtEmpty,
    LinkHeaders,
    Offsets,
    PageNumbers,
    Paginator,
    SoftFlag,
    Tombstones,
)
from core.clock import to_text
from core.dotted import has_path
from core.jsonio import type_name

Spec = DatatypeProfile
Doubt = tuple[str, tuple[str, ...], str, str]
"""Level, place in the entity's profile, problem, advice."""

_AHEAD = timedelta(minutes=2)
_GRAINS = {"date": timedelta(days=1), "iso_seconds": timedelta(seconds=1), "epoch_s": timedelta(seconds=1)}
"""What a filter that is coarser than the stamps may give besides."""


def stamp(spec: Spec, record: Record) -> str | None:
    """Return the change stamp of a record as the ERP gives it; None if it has none."""
    found = (read(record) for read in stamp_readers(spec))
    return next((one for one in found if one is not None), None)


def doubts(
    spec: Spec, schema: Mapping[str, object], records: Sequence[Record], page: Sequence[Entity]
) -> Iterator[Doubt]:
    """Yield what is wrong with the records of a page and with the entities made of them."""
    yield from _keys(spec, records)
    yield from _stamps(spec, records)
    yield from _paging(spec, records)
    yield from _deletions(spec, records)
    yield from _types(spec, schema, page)


def _keys(spec: Spec, records: Sequence[Record]) -> Iterator[Doubt]:
    counts = Counter(str(raw_key(record, spec.id)) for record in records)
    named = " with ".join(spec.id)
    key, times = counts.most_common(1)[0]
    if times > 1:
        advice = _candidates("keys", suggestions.key_names(records[0]))
        yield ERROR, ("id",), f"{times} records of one page have the {named} {key}", advice


def _stamps(spec: Spec, records: Sequence[Record]) -> Iterator[Doubt]:
    if not spec.modified and asks_for_changes(spec):
        return
    if not spec.modified:
        advice = _candidates("stamps", suggestions.stamp_names(records[0]))
        yield WARNING, ("modified",), "no change stamp is named, so every read is a full one", advice
        return
    found = [stamp(spec, record) for record in records]
    without = found.count(None)
    names = _named(spec)
    if without == len(found) and spec.listing.detail is not None:
        return  # Only the record itself shows it, which costs calls: that is told where detail is.
    if without == len(found):
        advice = _candidates("stamps", suggestions.stamp_names(records[0]))
        yield ERROR, ("modified",), f"no record has {names}", advice
    elif without:
        problem = f"{without} of {len(found)} records have no {names}; changes of theirs are not seen"
        yield WARNING, ("modified",), problem, "name a second field, such as the time of creation"
    ahead = max((one for one in found if one), default="")
    if spec.modified_format != "number" and ahead > to_text(datetime.now(UTC) + _AHEAD):
        problem = f"the stamp {ahead} lies in the future"
        yield (
            ERROR,
            ("modified_format",),
            problem,
            "stamps without a zone are taken for UTC; are these local times?",
        )


def _paging(spec: Spec, records: Sequence[Record]) -> Iterator[Doubt]:
    """Yield what loses records while the list changes under the reader."""
    by_change = spec.incremental is not None and spec.incremental.order not in ("none", "newest_first")
    numbered = isinstance(spec.paginator, PageNumbers | Offsets | LinkHeaders)
    if numbered and by_change:
        problem = "a record that changes while the list is read goes to its end, and the next page skips one"
        yield WARNING, ("incremental", "order"), problem, "sort the list by id, and set order to none"
    elif numbered and not isinstance(spec.deleted, Tombstones) and spec.listing.count is None:
        problem = "a record deleted while the list is read moves others up, and the next page skips one"
        yield WARNING, ("list",), problem, "say in count where a page says how many records there are"
    found = {one[-8:] for one in (stamp(spec, record) for record in records) if one}
    coarse = found == {".000000Z"} and len(records) > 1
    if by_change and coarse and not _overlap(spec):
        problem = "stamps are whole seconds; a record that changes twice in one second may be seen once"
        yield WARNING, ("incremental",), problem, "set overlap_seconds to 1"


def _deletions(spec: Spec, records: Sequence[Record]) -> Iterator[Doubt]:
    field = spec.deleted.field if isinstance(spec.deleted, Tombstones | SoftFlag) else None
    if field and not any(has_path(record, field) for record in records):
        problem = f"no record has {field}, so none would ever count as deleted"
        yield ERROR, ("deleted", "field"), problem, "name the field that marks deleted records"


def _types(spec: Spec, schema: Mapping[str, Any], page: Sequence[Entity]) -> Iterator[Doubt]:
    """Yield values that the datatype's JSON Schema does not have so; the field map can turn them."""
    known = schema["properties"]
    check = Draft202012Validator({"properties": known}, format_checker=formats)
    wrong: dict[str, tuple[str, Any]] = {}
    sources = spelt_out(spec.fields or {})
    unstamped = [name for name, field in sources.items() if field.source == MODIFIED and not spec.modified]
    for entity in page:
        for error in check.iter_errors(_plain(entity)):
            name = str(error.absolute_path[0])
            if error.instance is None and (name in unstamped or known[name].get("type") == "object"):
                continue  # Nothing is known: an object has nothing in it, a record no stamp of its own.
            wrong.setdefault(str(error.absolute_path[0]), (error.message, error.instance))
    for name, (message, value) in wrong.items():
        place = ("fields", name) if spec.fields is not None else ("fields",)
        wanted = known[name].get("format") or known[name].get("type") or "one of the words it knows (map)"
        problem = f"{name} is {type_name(value)} and not what the pipes expect: {message[:200]}"
        yield WARNING, place, problem, f"map it in fields; wanted is {wanted}"


def summary(spec: Spec, records: Sequence[Record], page: Sequence[Entity]) -> dict[str, str]:
    """Return what was understood of a page."""
    found = sorted(one for one in (stamp(spec, record) for record in records) if one)
    gone = sum(entity["_deleted"] for entity in page)
    kinds = {name: type_name(value) for name, value in _plain(page[0]).items()}
    return {
        "key": f"{' with '.join(spec.id)}, such as {page[0]['_id']}",
        "stamps": f"{_named(spec)} as {spec.modified_format}: {found[0]} to {found[-1]}" if found else "none",
        "deleted": f"{kind_of(spec.deleted)}; {gone} on this page",
        "types": ", ".join(f"{name} {kind}" for name, kind in kinds.items()),
    }


def described(paginator: Paginator) -> str:
    """Return a paginator in a few words: its type, what is not as by default, and its stop rule."""
    usual = {field.encode_name: field.default for field in msgspec.structs.fields(paginator)}
    given = {
        name: value
        for name, value in msgspec.to_builtins(paginator).items()
        if name not in ("type", "stop", "$comment") and value != usual[name]
    }
    rest = ", ".join(f"{name} {value}" for name, value in given.items())
    stop = getattr(paginator, "stop", None)
    end = f", ends by {kind_of(stop)}" if stop not in (None, AtEmpty()) else ""
    return kind_of(paginator) + (f" ({rest})" if rest else "") + end


def unused_key(key: str) -> str:
    """Return a key of the same kind that no record has."""
    if key.isdigit():
        return str(int(key) + 10**8)
    try:
        uuid.UUID(key)
    except ValueError:
        return f"{key}-none"
    return str(uuid.uuid4())


def stamped_page(spec: Spec, records: Sequence[Record]) -> list[tuple[str, str]]:
    """Stamp and key of the records that have a stamp, oldest first."""
    pairs = ((stamp(spec, record), Key(spec.id, "")(record)) for record in records)
    return sorted((one, key) for one, key in pairs if one is not None)


def older_than(spec: Spec, records: Sequence[Record], since: str) -> int:
    """Return how many records are older than an incremental read from `since` should give."""
    overlap = _overlap(spec)
    if spec.modified_format == "number":
        least = str(max(0, int(since) - int(overlap))).zfill(len(since))
    else:
        form = (spec.incremental and spec.incremental.format) or spec.modified_format
        grain = _GRAINS.get(form, timedelta())
        least = to_text(datetime.fromisoformat(since) - timedelta(seconds=overlap) - grain)
    try:
        return sum((stamp(spec, record) or since) < least for record in records)
    except InvalidResponse:
        return 0


def _named(spec: Spec) -> str:
    """Return where the stamps are, for messages."""
    return ", ".join(
        source if isinstance(source, str) else f"{source.date} with {source.time}" for source in spec.modified
    )


def _overlap(spec: Spec) -> float:
    return 0 if spec.incremental is None else spec.incremental.overlap_seconds


def _plain(entity: Entity) -> Record:
    return {name: value for name, value in entity.items() if name[:1] not in ("_", "$")}


def _candidates(what: str, names: list[str]) -> str:
    return f"fields that look like {what}: {', '.join(names)}" if names else f"no field looks like {what}"
