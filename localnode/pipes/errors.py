"""Why a pipe could not do its work, sorted by what the caller must do.

PipeError
├── ConfigProblem      fix the settings (`path` leads to the place inside the pipe's config)
├── NotReady           wait: a dataset or completeness that the pipe needs is not there yet
├── Refused            decide first: breaker tripped, pump off or disabled, already running
├── NotAvailable       use a hosted node, or another component: this node has no such type
├── SequenceConflict   (409) the pusher has to start over with a new sequence
├── InvalidPush        (400) fix the data that was pushed
│   └── PartlyRefused  (400) fix some of the entities; the others are stored
├── BadToken           (400) continue from a token that this source has given out, or from the start
├── EntityUnfit        fix the data: a transform or sink cannot use the entity as it is
├── SourceFailed       retry: reading the source failed, nothing was deleted
└── RemoteFailed       retry: a system did not answer as agreed; carries the HTTP status if there was one
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.jsonio import Json


class PipeError(Exception):
    """Base of all errors that the engine raises deliberately."""


class ConfigProblem(PipeError):
    """A setting that cannot be used."""

    def __init__(self, path: Sequence[str | int], message: str) -> None:
        self.path = tuple(path)
        self.message = message
        place = "".join(f"[{step!r}]" for step in self.path)
        super().__init__(f"${place}: {message}")


class NotReady(PipeError):
    """The run must wait; the message says for what, `waits_for` names the datasets."""

    def __init__(self, message: str, waits_for: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.waits_for = tuple(waits_for)


class Refused(PipeError):
    """The operation is not possible in the present state of the pipe."""


class NotAvailable(PipeError):
    """A component that only hosted nodes have was asked for what it holds or does."""


class SequenceConflict(PipeError):
    """A push request that does not fit the active sequence."""


class InvalidPush(PipeError):
    """A push body or parameter that cannot be used; nothing was stored."""


@dataclass(frozen=True)
class RefusedEntity:
    """An entity of a request that was refused: its index (from 0), its `_id`, and the reason."""

    index: int
    entity_id: str
    reason: str

    @property
    def detail(self) -> str:
        """Return the refusal as a sentence."""
        return f"entity number {self.index} ({self.entity_id[:200]!r}): {self.reason}"


class PartlyRefused(InvalidPush):
    """Some entities of a push cannot be used; the others, `taken`, are stored."""

    def __init__(self, taken: Sequence[Json], refused: Sequence[RefusedEntity]) -> None:
        self.taken, self.refused = tuple(taken), tuple(refused)
        super().__init__(
            f"{len(refused)} of {len(taken) + len(refused)} entities are refused, the others are stored; "
            f"{refused[0].detail}"
        )


class BadToken(PipeError):
    """A since-token that this source never returned."""


class EntityUnfit(PipeError):
    """An entity that a transform or sink cannot use; a retry changes nothing."""


class SourceFailed(PipeError):
    """The source could not be read to its end."""


class RemoteFailed(PipeError):
    """A system answered with an error, not at all, or with an unexpected answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
