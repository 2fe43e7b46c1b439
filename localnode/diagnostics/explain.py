"""Explain a record: the value and source of each shared property, the rule, the losers, the write."""

from __future__ import annotations

from datetime import UTC, datetime

from core.jsonio import Json
from core.names import COLLECT, TRANSFORM, Kind, RecordName
from localnode.config import NodeConfig
from localnode.diagnostics import conflict_resolution, history
from localnode.diagnostics.conflict_resolution import RULES, Claim, claims_on
from localnode.diagnostics.fields import read_from, written_to
from localnode.diagnostics.golden import enriched_in, golden_of
from localnode.diagnostics.history import Version
from localnode.diagnostics.names import Labels, called, listed, members
from localnode.errors import NotFound
from localnode.store import Store


def explain(
    store: Store, config: NodeConfig, system: str, datatype: str, key: str, prop: str | None = None
) -> Json:
    """Return the explanation of one record.

    With `prop` (a shared property, or a field of the record) only of that.

    ::

        {"system", "datatype", "id", "ni",           the record
         "name": what people call it, "" when nothing says so,
         "deleted": bool, "version": offset, "modified": "…Z", "record": {…},   as last collected
         "concept": "global-person" | null, "golden": "_id of the golden record" | null,
         "ambiguous": bool,                          a person must say which records belong together
         "counterparts": [{"system", "datatype", "id", "ni", "deleted", "modified"}],
         "properties": [{
             "property", "value",                    name in the shared model, and the golden value
             "fields": ["billing_address.city"],     where this record keeps it, [] where it does not
             "here": …, "in_sync": bool,             what this record says, and whether that is the value
             "note": "…" | null,                     why it may differ
             "clock": "…Z" | "",                     when the value last changed, "" for never
             "rule": {"name": "newest-clock", "text"},          one of `conflict_resolution.RULES`
             "source": {record, "field", "dataset", "version", "stored"},   who said it first, and in which
                                                     version of its collect dataset (`stored`: "…Z")
             "losers": [{record, "value", "clock", "why"}],
             "written": {"pipe", "call", "operation", "at", "before", "after", "version"} | null}],
         "writes": [{"pipe", "call", "operation", "at", "version",
                     "changes": [{"field", "before", "after"}]}],
         "open": [{"pipe", "status", "rule", "detail"}],
         "systems": {id: name}}                      how people call them

    NotFound when the record, or the property, is not known to the node.
    """
    name = RecordName(Kind(system, datatype), key)
    now = history.collected(store, name)
    if now is None:
        raise NotFound(f'no {name.kind.name} "{key}" has been collected')
    merged = golden_of(store, config, name)
    golden = merged[1] if merged else {}
    writes = history.writes(store, name)
    said = {who: member.get("claims") or {} for who, member in members(golden)}
    explained = _Explained(store, config, name, golden, said, writes)
    return {
        **name.as_json(),
        "name": called(now.entity),
        "deleted": bool(now.entity.get("_deleted")),
        "version": now.offset,
        "modified": now.entity.get("$last-modified"),
        "record": _own(now.entity),
        "concept": merged[0] if merged else None,
        "golden": golden.get("_id"),
        "ambiguous": True in listed(golden.get("ambiguous")),
        "counterparts": [
            {**who.as_json(), "deleted": bool(member.get("deleted")), "modified": member.get("modified")}
            for who, member in members(golden)
            if who != name
        ],
        "properties": explained.properties(prop),
        "writes": [{**_call(config, name, each), "changes": history.changes(each)} for each in writes],
        "open": history.open_cases(store, name, golden.get("_id")),
        "systems": Labels.of(config).systems,
    }


class _Explained:
    """The properties of one record, explained one by one."""

    def __init__(
        self,
        store: Store,
        config: NodeConfig,
        name: RecordName,
        golden: Json,
        said: dict[RecordName, Json],
        writes: list[Version],
    ) -> None:
        self._store, self._config, self._name = store, config, name
        self._golden, self._said, self._writes = golden, said, writes
        known = set(golden.get("golden") or {})
        self._read = {who: read_from(config, who.kind, known) for who in said}
        self._targets: dict[Kind, dict[str, list[str]]] = {}
        self._changes: dict[tuple[str, int], list[Json]] = {}
        self._echoes = {who: writes if who == name else history.writes(store, who) for who in said}

    def properties(self, prop: str | None) -> list[Json]:
        """Return all of them, or those that `prop` names."""
        known: Json = self._golden.get("golden") or {}
        wanted = sorted(known) if prop is None else [each for each in sorted(known) if self._is(each, prop)]
        if prop is not None and not wanted:
            raise NotFound(f'"{prop}" is not a shared property of {self._name.kind.name} "{self._name.key}"')
        return [self._one(each, known[each] or {}) for each in wanted]

    def _is(self, known: str, prop: str) -> bool:
        return known == prop or prop in self._fields(known)

    def _wrote(self, kind: Kind) -> dict[str, list[str]]:
        """Return where a kind's transform pipe writes the properties."""
        if kind not in self._targets:
            self._targets[kind] = written_to(self._config, kind)
        return self._targets[kind]

    def _fields(self, prop: str) -> list[str]:
        read = self._read.get(self._name, {}).get(prop, [])
        return read or self._wrote(self._name.kind).get(prop, [])

    def _one(self, prop: str, golden: Json) -> Json:
        claims = claims_on(prop, self._said)
        winner = next((c for c in claims if c.of.ni == golden.get("of")), None)
        if winner is None:  # what a deleted record leaves behind names no record
            winner = Claim(self._name, golden.get("v"), golden.get("t") or conflict_resolution.NEVER)
        made = conflict_resolution.choose(winner, claims, lambda claim: self._is_echo(prop, claim))
        own = next((c for c in claims if c.of == self._name), None)
        return {
            "property": prop,
            "value": winner.value,
            "fields": self._fields(prop),
            "here": own.value if own else None,
            "in_sync": (in_sync := own is None or own.value == winner.value),
            "note": None if in_sync else self._note(),
            "clock": made.winner.clock,
            "rule": {"name": made.rule, "text": RULES[made.rule]},
            "source": self._source(prop, made.origin),
            "losers": [
                {**each.of.as_json(), "value": each.value, "clock": each.clock, "why": why}
                for each, why in made.losers
            ],
            "written": self._written(prop),
        }

    def _is_echo(self, prop: str, claim: Claim) -> bool:
        """Return whether a record has this value only because the sync wrote another record's claim there."""
        for write in self._echoes.get(claim.of, []):
            carried = history.sent(write, prop)
            foreign = carried.get("t") == claim.clock and carried.get("of") not in (None, claim.of.ni)
            if foreign and self._change(write, claim.of, prop):
                return True
        return False

    def _change(self, write: Version, name: RecordName, prop: str) -> Json | None:
        """Return what a write changed of a property in a record."""
        paths = {*self._wrote(name.kind).get(prop, []), *self._read.get(name, {}).get(prop, [])}
        place = (write.dataset, write.offset)
        if place not in self._changes:
            self._changes[place] = history.changes(write)
        return next(
            (c for c in self._changes[place] if any(_within(c["field"], path) for path in paths)), None
        )

    def _note(self) -> str:
        """Return why the record differs from the golden value."""
        transform = self._store.find(self._name.kind.pipe(TRANSFORM))
        row = transform.get(self._name.key) if transform is not None else None
        if row is None or row.deleted:
            return "it is not written to this record"
        if row.entity().get("$operation") == "none":
            return "the sync does not change it in this record"
        return "it waits to be written, see open"

    def _source(self, prop: str, origin: Claim) -> Json:
        claim = {"v": origin.value, "t": origin.clock}
        enriched = enriched_in(self._store, self._golden, origin.of)
        version = history.first_said(self._store, origin.of, enriched, prop, claim)
        paths = self._read.get(origin.of, {}).get(prop, [])
        return {
            **origin.of.as_json(),
            "field": paths[0] if paths else None,
            "dataset": origin.of.kind.pipe(COLLECT),
            "version": version.offset if version else None,
            "stored": _instant(version.stored) if version else None,
        }

    def _written(self, prop: str) -> Json | None:
        """Return the newest write that changed the property in this record."""
        for write in self._writes:
            change = self._change(write, self._name, prop)
            if change is not None:
                call = _call(self._config, self._name, write)
                return {**call, "before": change["before"], "after": change["after"]}
        return None


def _within(field: str, path: str) -> bool:
    return field == path or field.startswith(f"{path}.")


def _call(config: NodeConfig, name: RecordName, write: Version) -> Json:
    """Return which pipe wrote, through which call of which system, what and when.

    `at` is the time that the service reports.
    """
    pipe_id = write.dataset
    pipe = config.pipes.get(pipe_id)
    links = listed(pipe.effective.get("transform")) if pipe else []
    link = next((each for each in links if isinstance(each, dict) and each.get("type") == "http"), {})
    call = f"POST {link['url']}" if "url" in link else f"POST /{name.datatype}/share"
    row = write.entity
    return {
        "pipe": pipe_id,
        "call": call,
        "operation": row["$operation"],
        "at": row["$written"],
        "version": write.offset,
    }


def _own(entity: Json) -> Json:
    return {key: value for key, value in entity.items() if key[:1] not in ("_", "$")}


def _instant(us: int) -> str:
    moment = datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{us % 1_000_000:06d}Z"
