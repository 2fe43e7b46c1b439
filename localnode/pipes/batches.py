"""Run one batch through transforms and sink, committed together with its offset.

A failing batch is retried as a whole and then entity by entity, so that one bad entity does not hold up the
others. The policy decides about the bad one: end the run, queue it for a later attempt, or move it to the
dead letters.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from localnode.dtl import DtlError, DtlTrip
from localnode.pipes.base import Batch, Entity, RunScope, Sink, decoded
from localnode.pipes.chain import Chain
from localnode.pipes.context import RunContext
from localnode.pipes.errors import EntityUnfit, NotReady, PipeError, SequenceConflict
from localnode.pipes.execution_log import ExecutionLog
from localnode.pipes.policy import Policy
from localnode.pipes.unread import UNREAD, Unread
from localnode.store import (
    BreakerTripped,
    DiskFull,
    InvalidEntity,
    PipeState,
    RetryEntry,
    Store,
    Stored,
    WriteResult,
)
from localnode.store.state import Probe


class RunFailed(PipeError):
    """The run cannot continue; the cause is chained."""


class TooSlow(RunFailed):
    """A batch took longer than `max_seconds_per_entity`; `entity` is its first."""

    def __init__(self, message: str, entity: Entity) -> None:
        super().__init__(message)
        self.entity = entity


ABORT_RUN = (DtlTrip, BreakerTripped, DiskFull, NotReady, SequenceConflict, TooSlow)
NON_RETRYABLE = (DtlError, InvalidEntity, EntityUnfit)
DEAD = "$dead"
"""Where a dead letter says why: `{"error": text, "attempts": retries}`."""
Save = Callable[[Any], None]


@dataclass
class Counts:
    """Figures of one run: source entities read, versions written or entities sent, entities that failed."""

    read: int = 0
    written: int = 0
    changed: int = 0
    deleted: int = 0
    failed: int = 0
    reprocessed: int = 0

    def add(self, result: WriteResult) -> None:
        """Add the result of a sink."""
        self.written += result.total
        self.changed += result.changed
        self.deleted += result.deleted


class BatchRunner:
    """Processes the batches of one run."""

    def __init__(
        self,
        store: Store,
        chain: Chain,
        sink: Sink,
        scope: RunScope,
        context: RunContext,
        state: PipeState,
        log: ExecutionLog,
        policy: Policy,
        stop: threading.Event,
    ) -> None:
        self.counts = Counts()
        self.collected: set[tuple[Probe, str]] | None = None
        self._store = store
        self._chain = chain
        self._sink = sink
        self._scope = scope
        self._context = context
        self._state = state
        self._log = log
        self._policy = policy
        self._stop = stop
        self._consecutive = 0
        self._queued = {entry.id: entry for entry in state.retries()}

    def process(self, batch: Batch, save: Save) -> None:
        """Transform and write `batch`; `save(offset)` runs in the same transaction.

        Raises RunFailed if the run must end; what was written before is committed.
        """
        error = self._try_batch(batch, save)
        if error is None:
            return
        if len(batch.entities) == 1:
            self._failed_single(batch.entities[0], error, lambda: save(batch.offset))
        elif self._policy.fallback_to_single_entities_on_batch_fail:
            self._one_by_one(batch, save)
        else:
            raise RunFailed(_message(error)) from error
        self._commit(lambda: save(batch.offset), batch.on_commit)

    def _one_by_one(self, batch: Batch, save: Save) -> None:
        for at, entity in enumerate(batch.entities):
            # Without an offset for each entity only the whole batch moves it, in `process`.
            done = _later(save, batch.offsets[at]) if batch.offsets else _nothing
            try:
                self._attempt([entity], done, None)
            except ABORT_RUN:
                raise
            except Exception as error:
                self._failed_single(entity, error, done)

    def _try_batch(self, batch: Batch, save: Save) -> Exception | None:
        """Return None if the batch succeeded, otherwise the last error."""
        error: Exception | None = None
        attempt, policy = 0, self._policy
        while attempt <= policy.batch_retries:
            # A run that is to stop does not sit out the delay.
            if attempt and self._stop.wait(policy.write_retry_delay):
                break
            attempt += 1
            try:
                self._attempt(batch.entities, lambda: save(batch.offset), batch.on_commit)
                return None
            except ABORT_RUN:
                raise
            # These fail the same way however often they are tried.
            except NON_RETRYABLE as failure:
                return failure
            except Exception as failure:
                error, policy = failure, self._policy.after(failure)
        return error

    def _attempt(
        self,
        entities: Sequence[Entity | Stored],
        save: Callable[[], None],
        on_commit: Callable[[], None] | None,
    ) -> None:
        self._context.forget()
        for entity in entities:
            if type(entity) is Unread:
                raise EntityUnfit(f"it could not be read: {entity[UNREAD]}")
        outputs: Sequence[Entity | Stored] = entities
        if not self._chain.passes_unchanged:
            outputs = self._transformed([decoded(entity) for entity in entities])
        resolved = [name for entity in entities if self._queued and (name := _id(entity)) in self._queued]
        # A sink in our own store commits with its offset; one that calls out must not hold up all writers.
        if self._sink.transactional:
            with self._store.transaction():
                result = self._sink.write(outputs, self._scope)
                self._commit(save, on_commit, resolved)
        else:
            result = self._sink.write(outputs, self._scope)
            self._commit(save, on_commit, resolved)
        self._drop_dead_letters(entities)
        self.counts.add(result)
        self.counts.read += len(entities)
        if result.total:
            self._consecutive = 0
        for name in resolved:
            self._queued.pop(name, None)
        self._sink.check_limit(self._scope)

    def _transformed(self, entities: list[Entity]) -> list[Entity]:
        """Return the chain's output.

        Raises RunFailed if it took longer than `max_seconds_per_entity` on average.
        """
        began, limit = time.monotonic(), self._policy.max_seconds_per_entity
        outputs = self._chain.apply(entities, self._context)
        took = (time.monotonic() - began) / max(len(entities), 1)
        if limit is not None and took > limit:
            raise TooSlow(
                f"the transforms took {took:.3g} seconds per entity, max_seconds_per_entity is {limit:g};"
                f" the first entity of the batch is {entities[0].get('_id')!r}",
                entities[0],
            )
        return outputs

    def _commit(
        self, save: Callable[[], None], on_commit: Callable[[], None] | None, resolved: Sequence[str] = ()
    ) -> None:
        with self._store.transaction():
            if self._context.probes:
                self._state.add_probes(self._context.probes)
                if self.collected is not None:
                    self.collected.update(self._context.probes)
            for name in resolved:
                self._log.write_error(self._queued[name], retryable=False, resolved=True)
            if resolved:
                self._state.drop_retries(resolved)
            if on_commit:
                on_commit()
            save()

    def _drop_dead_letters(self, entities: Sequence[Entity | Stored]) -> None:
        """`track_dead_letters`: delete the dead letter of an entity that has gone through after all."""
        name = self._policy.dead_letter_dataset
        dataset = self._store.find(name) if name and self._policy.track_dead_letters else None
        if dataset is not None:
            letters = dataset.get_many([_id(entity) for entity in entities]).values()
            dataset.write([{**row.entity(), "_deleted": True} for row in letters if not row.deleted])

    def _failed_single(self, entity: Entity | Stored, error: Exception, save: Callable[[], None]) -> None:
        self.counts.read += 1
        self._fail(RetryEntry(_id(entity), decoded(entity), 0, _message(error)), error, save)
        self._consecutive += 1
        if self._consecutive >= self._policy.after(error).max_consecutive_write_errors:
            raise RunFailed(
                f"{self._consecutive} write errors in a row, the last: {_message(error)}"
            ) from error

    def retry(self, entry: RetryEntry) -> None:
        """Retry a queued entity once; another failure does not end the run."""
        entity = Unread(entry.entity) if UNREAD in entry.entity else entry.entity
        try:
            self._attempt([entity], _nothing, None)
        except ABORT_RUN:
            raise
        except Exception as error:
            again = RetryEntry(entry.id, entry.entity, entry.attempts + 1, _message(error))
            self._fail(again, error, _nothing)

    def _fail(self, entry: RetryEntry, error: Exception, save: Callable[[], None]) -> None:
        """Queue an entity for a retry, or make it a dead letter.

        RunFailed when the policy allows neither, or when it has no `_id` by which it could be found again.
        """
        self.counts.failed += 1
        # Not all of the source went through, so what is missing must not count as deleted.
        self._scope.complete = False
        known = entry.id in self._queued
        policy = self._policy.after(error)
        if (
            not policy.retries
            or not entry.id
            or (not known and len(self._queued) >= policy.max_write_errors_in_retry_dataset)
        ):
            with self._store.transaction():
                self._log.write_error(entry, retryable=False)
            raise RunFailed(entry.error) from error
        dead = entry.attempts >= policy.max_retries_per_entity
        with self._store.transaction():
            if dead:
                self._state.drop_retries([entry.id])
                add_dead_letter(self._store, self._policy, entry)
            else:
                self._state.put_retry(entry.entity, entry.attempts, entry.error)
            self._log.write_error(entry, retryable=not dead, dead=dead)
            save()
        if dead:
            self._queued.pop(entry.id, None)
        else:
            self._queued[entry.id] = entry


def add_dead_letter(store: Store, policy: Policy, entry: RetryEntry) -> None:
    """Add an entity to the dead letters, if the policy names a dataset for them."""
    name = policy.dead_letter_dataset
    if name:
        dataset = store.dataset(name, create=True)
        dataset.set_populated()
        dataset.write([{**entry.entity, DEAD: {"error": entry.error, "attempts": entry.attempts}}])


def _nothing() -> None:
    """There is no offset to store."""


def _later(save: Save, offset: object) -> Callable[[], None]:
    return lambda: save(offset)


def _id(entity: Entity | Stored) -> str:
    return entity.id if isinstance(entity, tuple) else str(entity.get("_id", ""))


def _message(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
