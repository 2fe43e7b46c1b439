"""Receive entities that are pushed to a pipe, with the state machine of the JSON push protocol.

The documentation only says that what is posted to a receiver "will be written to the pipe's sink"
(https://docs.sesam.io/hub/documentation/service-configuration/pipes/configuration-sources-http.html), and
nothing about an entity that fails. So a receiver does what a pump does: a failing batch is retried one by
one, and a bad entity does not affect the others. The answer names it and is not a success, so a sender that
repeats everything loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from core.clock import now_us
from core.flags import parse_flag
from core.jsonio import Json, is_flat_text, is_shallow
from localnode import codec
from localnode.dtl import DtlTrip
from localnode.pipes.base import Entity, RunScope, unusable_id
from localnode.pipes.batches import NON_RETRYABLE, add_dead_letter
from localnode.pipes.compaction import compact
from localnode.pipes.errors import EntityUnfit, InvalidPush, PartlyRefused, RefusedEntity, SequenceConflict
from localnode.pipes.unread import UNREAD, Unread
from localnode.store import RetryEntry, StaleEntity

if TYPE_CHECKING:
    from localnode.extras.jinja import Template
    from localnode.pipes.pipe import Pipe


class Receiver:
    """The receiver of one pipe. One request at a time (the pipe ensures that)."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._source = pipe.source.config
        self._validation: Template | None = None
        if expression := self._source.get("validation_expression"):
            from localnode.extras.jinja import template

            self._validation = template(str(expression), ("source", "validation_expression"))

    def receive(
        self,
        body: bytes,
        params: Mapping[str, str],
        completeness: int | None = None,
        url: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """Store pushed entities; everything is committed when this returns the answer's JSON object.

        Raises InvalidPush (400), SequenceConflict (409), StaleEntity (optimistic locking), Refused (breaker),
        and RemoteFailed if a transform's or sink's system failed: repeat it. Raises PartlyRefused (400) if
        entities could not be read, transformed or stored, once the others are stored. A full sequence is
        refused whole, because left-out entities would count as deleted.
        """
        self._validate(url, params, headers or {})
        self._pipe.sink.check_ready()
        entities, refused = self._entities(body)
        full, last = _flag(params, "is_full"), _flag(params, "is_last")
        if refused and (full or not entities):
            raise InvalidPush(f"{_verdicts(refused)[0].detail}; nothing was stored")
        sequence = self._sequence(params, full)
        scope = RunScope(full=full, base=sequence["base"] if full else None)
        try:
            outputs = self._pipe.chain.apply(list(entities.values()), self._pipe.context())
            self._store(outputs, scope, sequence, full and last, completeness)
        except StaleEntity:
            raise
        except DtlTrip as error:
            raise InvalidPush(str(error)) from error
        except NON_RETRYABLE as error:
            unfit = {} if full or len(entities) == 1 else self._one_by_one(entities, scope, completeness)
            refused |= unfit
            if len(unfit) in (0, len(entities)):
                raise InvalidPush(f"{error}; nothing was stored") from error
            entities = {at: entity for at, entity in entities.items() if at not in unfit}
        compact(self._pipe)
        if refused:
            self._report(refused)
            raise PartlyRefused(list(entities.values()), _verdicts(refused))
        return self._answer(outputs)

    def _one_by_one(
        self, entities: dict[int, Entity], scope: RunScope, completeness: int | None
    ) -> dict[int, RetryEntry]:
        """Store what can be stored; return what cannot, by its index in the body."""
        unfit: dict[int, RetryEntry] = {}
        for at, entity in entities.items():
            try:
                outputs = self._pipe.chain.apply([entity], self._pipe.context())
                self._store(outputs, scope, {}, False, completeness)
            except (StaleEntity, DtlTrip):
                raise
            except NON_RETRYABLE as error:
                unfit[at] = RetryEntry(_id_of(entity), {**entity, "_id": _id_of(entity)}, 0, str(error))
        return unfit

    # -- checking ------------------------------------------------------------------------------------------

    def _validate(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> None:
        if self._validation is None:
            return
        try:
            variables = {
                "url": url,
                "request_params": dict(params),
                "request_headers": dict(headers),
                "secret": self._pipe.engine.secret,
            }
            objection = self._validation.text(variables).strip()
        except EntityUnfit as error:
            raise InvalidPush(f"validation_expression failed: {error}") from error
        if objection:
            raise InvalidPush(f"rejected by validation_expression: {objection}")

    def _entities(self, body: bytes) -> tuple[dict[int, Entity], dict[int, RetryEntry]]:
        """Return the entities of a body by index, and those that cannot be accepted."""
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
        may_lack_id = self._pipe.config.get("transform")
        taken: dict[int, Entity] = {}
        refused: dict[int, RetryEntry] = {}
        for at, entity in enumerate(entities):
            reason = entity[UNREAD] if type(entity) is Unread else unusable_id(entity, may_lack_id)
            if reason is None:
                taken[at] = entity
            else:
                name = _id_of(entity)
                refused[at] = RetryEntry(name, {"_id": name, UNREAD: reason}, 0, reason)
        return taken, refused

    def _report(self, refused: dict[int, RetryEntry]) -> None:
        """Log refused entities and, if the pipe has a dataset for dead letters, keep them there."""
        with self._pipe.store.transaction():
            for entry in refused.values():
                add_dead_letter(self._pipe.store, self._pipe.policy, entry)
                self._pipe.log.write_error(entry, retryable=False, dead=True)

    def _sequence(self, params: Mapping[str, str], full: bool) -> Json:
        """Return the sequence of this request, in its stored form.

        Raises SequenceConflict if it does not fit.
        """
        active = self._pipe.state.get("sequence")
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
        base = active["base"] if is_active else self._pipe.sink.start_full()
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
        sink, store = self._pipe.sink, self._pipe.store
        if not sink.transactional:
            sink.begin(scope)
            sink.write(outputs, scope)
            outputs = []
        with store.transaction():
            if outputs:
                sink.write(outputs, scope)
            if closes:
                sink.finish(scope, self._pipe.source)
                sink.commit(scope, self._pipe.source)
            if scope.full:
                self._pipe.state.put("sequence", None if closes else sequence)
            if sink.dataset:
                dataset = store.dataset(sink.dataset, create=True)
                dataset.set_completeness(now_us() if completeness is None else completeness, {})

    def _answer(self, outputs: list[Entity]) -> Json:
        sink = self._pipe.sink
        if not (sink.config.get("enable_optimistic_locking") and len(outputs) == 1 and sink.dataset):
            return {}
        row = self._pipe.store.dataset(sink.dataset).get(str(outputs[0]["_id"]))
        return {"updated_entity": row.entity()} if row else {}


def _verdicts(refused: dict[int, RetryEntry]) -> list[RefusedEntity]:
    return [RefusedEntity(at, entry.id, entry.error) for at, entry in sorted(refused.items())]


def _id_of(entity: object) -> str:
    return str(Unread.of(entity, "")["_id"])


def _flag(params: Mapping[str, str], name: str) -> bool:
    try:
        return parse_flag(params.get(name) or "false")
    except ValueError as error:
        raise InvalidPush(f"{name} {error}, not {params[name]!r}") from None


def _number(text: str, as_decimal: bool, as_int: bool) -> object:
    """Return a JSON number with a point or exponent, in the form that the receiver's settings ask for."""
    exact = Decimal(text)
    if as_int and abs(exact.adjusted()) < 4000 and exact == exact.to_integral_value():
        return int(exact)
    return f"~f{exact:f}" if as_decimal else float(text)
