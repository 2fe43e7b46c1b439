"""Receivers: entities pushed to a pipe, with the state machine of the JSON push protocol."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from core.clock import now_us
from core.flags import parse_flag
from core.jsonio import Json, is_flat_text, is_shallow
from localnode import codec
from localnode.dtl import DtlError
from localnode.pipes.base import Entity, RunScope, unusable_id
from localnode.pipes.batches import bury
from localnode.pipes.errors import InvalidPush, PartlyRefused, RefusedEntity, SequenceConflict
from localnode.pipes.jinja import TemplateFailed, template
from localnode.pipes.parts import Parts
from localnode.pipes.unread import UNREAD, Unread
from localnode.store import InvalidEntity, RetryEntry, StaleEntity


class Receiver:
    """The receiver of one pipe. One request at a time (the pipe sees to that)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._source = parts.source.config
        expression = self._source.get("validation_expression")
        place = ("source", "validation_expression")
        self._validation = template(str(expression), place) if expression else None

    def receive(
        self,
        body: bytes,
        params: Mapping[str, str],
        completeness: int | None = None,
        url: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """Store what was pushed; all is committed when this returns the answer's JSON object.

        Raises InvalidPush (400), SequenceConflict (409), StaleEntity (optimistic locking), Refused
        (breaker), and RemoteFailed when a transform's or sink's system failed; nothing of the request is
        stored then. Raises PartlyRefused (400) where entities could not be read, once the others are stored.
        A full sequence is refused whole: what would be left out of it would count as deleted.
        """
        self._validate(url, params, headers or {})
        self._parts.sink.check_ready()
        entities, refused = self._entities(body)
        full, last = _flag(params, "is_full"), _flag(params, "is_last")
        if refused and (full or not entities):
            raise InvalidPush(f"{refused[0].detail}; nothing was stored")
        sequence = self._sequence(params, full)
        scope = RunScope(full=full, base=sequence["base"] if full else None)
        try:
            outputs = self._parts.chain.apply(entities, self._parts.context())
            self._store(outputs, scope, sequence, full and last, completeness)
        except StaleEntity:
            raise
        except (DtlError, InvalidEntity) as error:
            raise InvalidPush(str(error)) from error
        self._parts.compact()
        if refused:
            self._report(refused)
            raise PartlyRefused(entities, refused)
        return self._answer(outputs)

    # -- checking ------------------------------------------------------------------------------------------

    def _validate(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> None:
        if self._validation is None:
            return
        try:
            variables = {
                "url": url,
                "request_params": dict(params),
                "request_headers": dict(headers),
                "secret": self._parts.engine.secret,
            }
            objection = self._validation.text(variables).strip()
        except TemplateFailed as error:
            raise InvalidPush(f"validation_expression failed: {error}") from error
        if objection:
            raise InvalidPush(f"rejected by validation_expression: {objection}")

    def _entities(self, body: bytes) -> tuple[list[Entity], list[RefusedEntity]]:
        """Return the entities of a body, and those of them that cannot be taken."""
        as_decimal = bool(self._source.get("do_float_as_decimal", True))
        as_int = bool(self._source.get("do_float_as_int", True))

        def number(text: str) -> object:
            return _number(text, as_decimal, as_int)

        try:
            parsed = codec.parse_exact(body, number)
            if not is_flat_text(body) and not is_shallow(parsed):
                parsed = list(codec.iter_array([body], number, Unread.of_text, exact=True))
        except codec.MalformedJson as error:
            try:
                parsed = list(codec.iter_array([body], number, Unread.of_text, exact=True))
            except codec.MalformedJson:
                raise InvalidPush(f"the body is not JSON: {error}") from error
        entities = [parsed] if isinstance(parsed, dict) else parsed
        if not isinstance(entities, list):
            raise InvalidPush("the body must be a JSON array of entities")
        may_lack_id = self._parts.config.get("transform")
        taken: list[Entity] = []
        refused: list[RefusedEntity] = []
        for at, entity in enumerate(entities):
            reason = entity[UNREAD] if type(entity) is Unread else unusable_id(entity, may_lack_id)
            if reason is None:
                taken.append(entity)
            else:
                refused.append(RefusedEntity(at, _id_of(entity), reason))
        return taken, refused

    def _report(self, refused: list[RefusedEntity]) -> None:
        """Log what was left out and, where the pipe has a dataset for dead letters, keep it there."""
        with self._parts.store.transaction():
            for each in refused:
                entity = {"_id": each.entity_id, UNREAD: each.reason}
                entry = RetryEntry(each.entity_id, entity, 0, each.reason)
                bury(self._parts.store, self._parts.policy, entry)
                self._parts.log.write_error(entry, retryable=False, dead=True)

    def _sequence(self, params: Mapping[str, str], full: bool) -> Json:
        """Return the sequence this request belongs to, as it will be remembered.

        SequenceConflict when it does not fit.
        """
        active = self._parts.state.get("sequence")
        name = params.get("sequence_id")
        is_active = active is not None and name is not None and active["id"] == name
        if not full:
            if is_active:
                raise SequenceConflict(f"sequence {name!r} began with is_full=true")
            return active or {}
        if name is None:
            raise InvalidPush("is_full=true needs a sequence_id")
        previous = params.get("previous_request_id")
        expected = active["last"] if is_active else None
        if is_active and _flag(params, "is_first"):
            raise SequenceConflict(f"is_first=true, but sequence {name!r} has requests already")
        if previous != expected:
            raise SequenceConflict(f"previous_request_id is {previous!r}, the last request was {expected!r}")
        base = active["base"] if is_active else self._parts.sink.start_full()
        return {"id": name, "last": params.get("request_id"), "base": base}

    # -- storing -------------------------------------------------------------------------------------------

    def _store(
        self,
        outputs: list[Entity],
        scope: RunScope,
        sequence: Json,
        closes: bool,
        completeness: int | None,
    ) -> None:
        sink, store = self._parts.sink, self._parts.store
        if not sink.transactional:
            sink.begin(scope)
            sink.write(outputs, scope)
            outputs = []
        with store.transaction():
            if outputs:
                sink.write(outputs, scope)
            if closes:
                sink.finish(scope, self._parts.source)
                sink.commit(scope, self._parts.source)
            if scope.full:
                self._parts.state.put("sequence", None if closes else sequence)
            if sink.dataset:
                dataset = store.dataset(sink.dataset, create=True)
                dataset.set_completeness(now_us() if completeness is None else completeness, {})

    def _answer(self, outputs: list[Entity]) -> Json:
        sink = self._parts.sink
        if not (sink.config.get("enable_optimistic_locking") and len(outputs) == 1 and sink.dataset):
            return {}
        row = self._parts.store.dataset(sink.dataset).get(str(outputs[0]["_id"]))
        return {"updated_entity": row.entity()} if row else {}


def _id_of(entity: object) -> str:
    return str(Unread.of(entity, "")["_id"])


def _flag(params: Mapping[str, str], name: str) -> bool:
    try:
        return parse_flag(params.get(name) or "false")
    except ValueError as error:
        raise InvalidPush(f"{name} {error}, not {params[name]!r}") from None


def _number(text: str, as_decimal: bool, as_int: bool) -> object:
    """Return a JSON number with a point or exponent, as the receiver's settings want it."""
    exact = Decimal(text)
    if as_int and abs(exact.adjusted()) < 4000 and exact == exact.to_integral_value():
        return int(exact)
    return f"~f{exact:f}" if as_decimal else float(text)
