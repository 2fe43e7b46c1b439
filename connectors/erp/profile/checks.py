"""What an entity must not say although the schema allows it: one list of checks, each a small function.

Names that are used must be there, lists must end, no query may ask the same for every record, and every field
name must be one that the datatype's JSON Schema has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from connectors.erp.mapping.local_time import zone
from connectors.erp.mapping.templates import asks_since, names, names_in_path
from connectors.erp.profile.model.base import ProfilePart, kind_of
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.mapping import FieldSpec, spelt_out
from connectors.erp.profile.model.reading import (
    AtShort,
    Cursors,
    KeyLog,
    KeysetPages,
    LogLookup,
    LookupSpec,
    Offsets,
    PageNumbers,
    Paginator,
)
from connectors.erp.profile.model.webhooks import Webhooks
from connectors.erp.profile.model.writing import IdFromHeader, IfMatch
from connectors.erp.schema import DATATYPES
from core.suggestions import advice

Schema = Mapping[str, Any]
Finding = tuple[tuple[str, ...], str]
"""Where in the entity, and what to do about it."""

POSITIONS: Mapping[type[ProfilePart], str] = {
    PageNumbers: "page",
    Offsets: "offset",
    Cursors: "cursor",
    KeysetPages: "after",
}
"""What templates may use of each paginator, besides {size}."""

VALUES = {"since", "since_date", "since_time", "origin", "ids", "id", "value", "size", *POSITIONS.values()}


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks look at: an entity with its defaults, the look-ups, and the schema of its datatype."""

    entity: DatatypeProfile
    lookups: Mapping[str, LookupSpec]
    schema: Schema


def problems(checked: Checked) -> Iterator[Finding]:
    """Yield everything that is wrong with one entity."""
    for check in CHECKS:
        yield from check(checked)


def _needed(checked: Checked) -> Iterator[Finding]:
    entity = checked.entity
    if entity.origin is None and entity.create.allowed and not entity.read_only:
        yield (), "origin (without it, a repeated create creates twins; or set read_only) is missing"
    incremental = entity.incremental
    if incremental is not None and not entity.modified and incremental.order != "none":
        yield ("incremental", "order"), "must be none where records show no change timestamp (modified)"


def _references(checked: Checked) -> Iterator[Finding]:
    """Yield items, parts and look-ups that fields name."""
    entity = checked.entity
    yield from _field_references(checked, spelt_out(entity.fields or {}), ("fields",))
    for name, item in entity.items.items():
        if item.part is not None and item.part not in entity.parts:
            yield ("items", name, "part"), f"there is no part {item.part}; {_known(entity.parts)}"


def _field_references(
    checked: Checked, fields: Mapping[str, FieldSpec], place: tuple[str, ...], inside: bool = False
) -> Iterator[Finding]:
    """`inside`: the fields are those of a line, which has neither items nor parts."""
    items, parts = ({}, {}) if inside else (checked.entity.items, checked.entity.parts)
    for name, field in fields.items():
        for kind, used, there in (
            ("item", field.item, items),
            ("part", field.part, parts),
            ("lookup", field.lookup, checked.lookups),
        ):
            if used is not None and used not in there:
                yield (*place, name, kind), f"there is no {kind} {used}; {_known(there)}"
        for at, other in enumerate(field.also):
            if other.lookup not in checked.lookups:
                text = f"there is no lookup {other.lookup}; {_known(checked.lookups)}"
                yield (*place, name, "also", str(at), "lookup"), text
        if field.fields is not None:
            inner = spelt_out(field.fields)
            yield from _field_references(checked, inner, (*place, name, "fields"), inside=True)


def _lines(checked: Checked) -> Iterator[Finding]:
    """Refuse lines within lines: a field is a value or a list of lines."""
    for name, field in spelt_out(checked.entity.fields or {}).items():
        if field.fields is None:
            continue
        if field.const is not UNSET:
            yield ("fields", name), "a list of lines comes from a place in the record: name it in from"
        for inner, below in spelt_out(field.fields).items():
            if below.fields is not None:
                yield ("fields", name, "fields", inner), "lines have no lines of their own"


def _kept(checked: Checked) -> Iterator[Finding]:
    entity = checked.entity
    if entity.fields is None:
        return
    for name in entity.keep:
        if name not in entity.fields:
            yield ("keep",), f"there is no field {name} in fields"
    for name in entity.actions:
        if name not in entity.fields:
            yield ("actions", name), f"there is no field {name} in fields"


def _paging(checked: Checked) -> Iterator[Finding]:
    """Yield what keeps a list from ending: a next page that is asked for like the first one."""
    entity, paginator = checked.entity, checked.entity.paginator
    asked = names([entity.listing.query, entity.listing.body, entity.listing.headers])
    asked |= names_in_path(entity.listing.path) & {"page", "offset"}  # what the first page has as well
    position = POSITIONS.get(type(paginator))
    if position is not None and _param(paginator) is None and position not in asked:
        yield (
            ("paginator",),
            f"the list would never end: name the param for the {position},"
            f" or use {{{position}}} in list.query",
        )
    limit_param = getattr(paginator, "limit_param", None)
    sized = limit_param is not None or "size" in asked or entity.listing.page_size is not None
    if isinstance(getattr(paginator, "stop", None), AtShort) and not sized:
        yield (
            ("paginator", "stop"),
            "it must be known how many were asked for: name limit_param, or list.page_size",
        )
    if limit_param is not None and _param(paginator) == limit_param:
        yield ("paginator", "limit_param"), "param and limit_param are one parameter; it cannot say both"
    if isinstance(paginator, KeysetPages) and "{value}" not in paginator.template:
        yield ("paginator", "template"), "every page would be asked for alike; put {value} into it"
    if isinstance(paginator, KeysetPages) and paginator.field in entity.modified:
        advice = "records that share a change timestamp would be skipped at a page's end; use the key"
        yield ("paginator", "field"), advice


def _param(paginator: Paginator) -> str | None:
    found: str | None = getattr(paginator, "param", None)
    return found


def _parts(checked: Checked) -> Iterator[Finding]:
    parts, within = checked.entity.parts, checked.entity.create.within
    if within is not None and within.part not in parts:
        yield ("create", "within", "part"), f"there is no part {within.part}; {_known(parts)}"
    if within is not None and checked.entity.commands is None:
        yield ("create", "within"), "needs commands, which say how an item of a list is created"
    for name, part in parts.items():
        if part.create is not None and (within is None or name != within.part):
            for need in ("path", "into"):
                if getattr(part.create, need) is None:
                    yield ("parts", name, "create"), f"{need} is missing"


def _zones(checked: Checked) -> Iterator[Finding]:
    given = {
        ("timezone",): checked.entity.timezone,
        ("values", "date", "timezone"): checked.entity.values.date.timezone,
        ("values", "datetime", "timezone"): checked.entity.values.datetime.timezone,
    }
    for place, name in given.items():
        try:
            zone(name)
        except ValueError as error:
            yield place, str(error)


def _fixed_queries(checked: Checked) -> Iterator[Finding]:
    """Yield queries that would always be answered in the same way."""
    entity = checked.entity
    if entity.incremental is not None and not asks_since(entity.incremental.template):
        yield ("incremental", "template"), "the filter would never change; put {since} into it"
    asked = [entity.origin.query if entity.origin else None, entity.listing.query, entity.listing.body]
    if entity.origin is not None and entity.create.allowed and "origin" not in names(asked):
        advice = "every record would be looked up by the same question; put {origin} into it"
        yield ("origin", "query"), advice
    for name, call in (("get", entity.get), ("update", entity.update), ("delete", entity.delete)):
        asked = [call.path, call.query, call.headers, call.body, getattr(call, "besides", None)]
        used = names(asked) | names_in_path(call.path)
        if not used - {"path", "changes", "version"} and call.body is UNSET:
            yield (name, "path"), "every record would have the same address; put {id} into it"
    lock = entity.update.lock
    if isinstance(lock, IfMatch) and lock.template != "*" and "{version}" not in lock.template:
        yield ("update", "lock", "template"), "no write would ever fit; put {version} into it"


def _unknown_values(checked: Checked) -> Iterator[Finding]:
    """Yield names in templates that nothing stands for: what asks for them would silently be left out."""
    entity = checked.entity
    paging = POSITIONS.get(type(entity.paginator), "")
    for part in ("query", "headers", "body"):
        for name in sorted(names(getattr(entity.listing, part)) & (set(POSITIONS.values()) - {paging})):
            there = f"has {{{paging}}}" if paging else "has no such value"
            kind = kind_of(entity.paginator)
            yield ("list", part), f"{{{name}}} is never there: the paginator {kind} {there}"
    calls: list[tuple[tuple[str, ...], Any]] = [
        ((), entity), (("list",), entity.listing), (("get",), entity.get), (("create",), entity.create),
        (("update",), entity.update), (("delete",), entity.delete),
        (("incremental",), entity.incremental), (("origin",), entity.origin),
    ]  # fmt: skip
    for place, holder in calls:
        for part in ("query", "headers", "template"):
            for name in sorted(names(getattr(holder, part, None)) - VALUES):
                yield (*place, part), f"there is no value {{{name}}}; there are {', '.join(sorted(VALUES))}"


def _children(checked: Checked) -> Iterator[Finding]:
    for name, child in checked.entity.children.items():
        own = names_in_path(child.path) - {"path"}
        if child.parent is None and not own:
            advice = "every record would be given the same children; put {id} into it, or name their parent"
            yield ("children", name, "path"), advice


def _deletion_log(checked: Checked) -> Iterator[Finding]:
    deleted = checked.entity.deleted
    if isinstance(deleted, LogLookup):
        asked = [deleted.log.query, deleted.log.body, deleted.log.headers]
        for need, is_there in (("since", asks_since(asked)), ("ids", "ids" in names(asked))):
            if not is_there:
                advice = "the log is asked with {since}, and with {ids} of which records"
                yield ("deleted", "log", "query"), f"put {{{need}}} into it: {advice}"


def _any_deletion(checked: Checked) -> Iterator[Finding]:
    call = getattr(checked.entity.deleted, "if_any", None)
    if call is None:
        return
    if not asks_since([call.query, call.body, call.headers]):
        yield ("deleted", "if_any", "query"), "put {since} into it: it is asked what was deleted since then"
    if checked.entity.modified_format == "number":
        yield ("deleted", "if_any"), "needs stamps that tell the time; modified_format is number"


def _patterns(checked: Checked) -> Iterator[Finding]:
    """Regular expressions that are none, or have no group that could hold a key."""
    entity, given = checked.entity, dict[tuple[str, ...], str | None]()
    if isinstance(entity.create.id_from, IdFromHeader):
        given["create", "id_from", "pattern"] = entity.create.id_from.pattern
    if isinstance(entity.deleted, KeyLog):
        given["deleted", "pattern"] = entity.deleted.pattern
    for place, pattern in given.items():
        yield from _pattern(place, pattern)


def _pattern(place: tuple[str, ...], pattern: str | None) -> Iterator[Finding]:
    try:
        if pattern is not None and re.compile(pattern).groups == 0:
            yield place, "put the part that counts into parentheses"
    except re.error as error:
        yield place, f"this is not a regular expression: {error}"


def webhook_problems(webhooks: Webhooks, entities: Mapping[str, DatatypeProfile]) -> Iterator[Finding]:
    """Everything that is wrong with webhooks for these datatypes."""
    yield from ((("webhooks", *place), said) for place, said in _webhook_problems(webhooks))
    for name, entity in entities.items():
        if entity.fields is not None and "modified_at" not in entity.fields:
            said = 'events are weighed against reads by modified_at: map it, as {"from": "@modified"}'
            yield ("entities", name, "fields"), said


def _webhook_problems(webhooks: Webhooks) -> Iterator[Finding]:
    for at, source in enumerate(webhooks.id):
        yield from _pattern(("id", str(at), "pattern"), source.pattern)
    if webhooks.datatype.source is not None:
        yield from _pattern(("datatype", "from", "pattern"), webhooks.datatype.source.pattern)
    for word, datatypes in webhooks.datatype.map.items():
        for name in datatypes:
            if name not in DATATYPES:
                yield ("datatype", "map", word), f"there is no datatype {name}; {advice(name, DATATYPES)}"


def _field_names(checked: Checked) -> Iterator[Finding]:
    """Yield names that no schema has; they would be lost on the way."""
    entity = checked.entity
    yield from _mapped_names(spelt_out(entity.fields or {}), checked.schema, ("fields",))
    named: Mapping[tuple[str, ...], Collection[str]] = {
        ("keep",): entity.keep,
        ("ignore",): entity.ignore,
        ("actions",): entity.actions,
        ("line_keys",): entity.line_keys,
        ("origin", "field"): [entity.origin.field] if entity.origin is not None else [],
    }
    for place, used in named.items():
        for name in used:
            yield from _unknown_name(name, checked.schema, place)


def _mapped_names(
    fields: Mapping[str, FieldSpec], schema: Schema, place: tuple[str, ...]
) -> Iterator[Finding]:
    for name, field in fields.items():
        yield from _unknown_name(name, schema, (*place, name))
        if field.fields is not None:
            lines = _schema_of(name, schema) or {}
            inner = spelt_out(field.fields)
            yield from _mapped_names(inner, lines.get("items", {}), (*place, name, "fields"))


def _unknown_name(name: str, schema: Schema, place: tuple[str, ...]) -> Iterator[Finding]:
    if _schema_of(name, schema) is None:
        instead = advice(name.partition(".")[0], list(schema.get("properties", {})))
        yield place, f"this datatype has no field {name}; {instead}"


def _schema_of(name: str, schema: Schema) -> Schema | None:
    """Return the schema of a dotted name; None if there is no such field."""
    node: Schema = schema
    for step in name.split("."):
        properties = node.get("properties", {})
        if step in properties:
            node = properties[step]
        elif node.get("additionalProperties") in (None, False):
            return None
        else:
            node = {"additionalProperties": True}
    return node


def _known(there: Collection[str]) -> str:
    return f"there are {', '.join(there)}" if there else "there are none"


CHECKS: tuple[Callable[[Checked], Iterator[Finding]], ...] = (
    _needed,
    _references,
    _lines,
    _kept,
    _paging,
    _parts,
    _zones,
    _fixed_queries,
    _unknown_values,
    _children,
    _deletion_log,
    _any_deletion,
    _patterns,
    _field_names,
)
