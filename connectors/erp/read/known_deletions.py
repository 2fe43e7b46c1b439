"""What was last heard of deletions, which holds for a while, so that most reads ask for the list alone.

Two settings of `deleted` save calls, and neither loses a deletion:

* `every_seconds`: an answer counts for so long. Reads in between are given it again, and their tokens do not
  get past the moment it is from. So what was deleted after it still lies ahead of the token, whichever read,
  process or restart comes next.
* `if_any`: once that time is over, one question for all datatypes that have the same one, whether anything at
  all was deleted since. If not, the answers that are there count for as long again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.erp.http.client import ErpClient
from connectors.erp.mapping.local_time import Clock
from connectors.erp.mapping.templates import Values
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import ListCall, Paginator
from connectors.erp.read.deleted_record import DeletedRecord
from connectors.erp.read.lists import Lists, Source
from core.clock import to_text

SKEW = timedelta(minutes=2)
"""How much the ERP's clock may be behind ours before something that happens now could be missed."""

Ask = Callable[[Values, str], Iterable[DeletedRecord]]
"""Ask the ERP what was deleted, see `connectors.erp.read.deletion_detection.DeletionFinder`."""

ValuesOf = Callable[[str], Values]
"""What templates may use of a stamp: `{since}` in the form of the ERP's filter, and the like."""


class AnyDeletion:
    """Asks whether anything was deleted at all, once for all datatypes; safe to use from several threads."""

    def __init__(self, lists: Lists, every_seconds: float, now: Clock) -> None:
        self._lists = lists
        self._every = timedelta(seconds=every_seconds)
        self._now = now
        self._lock = threading.Lock()
        self._begin: datetime | None = None
        self._asked_at: datetime | None = None
        self._is_any = False

    def none_since(self, moment: datetime, values_of: ValuesOf) -> datetime | None:
        """Return until when nothing was deleted since `moment`; None if something was."""
        with self._lock:
            now = self._now()
            if self._begin is None or self._begin > moment or not is_fresh(self._asked_at, now, self._every):
                # Further back, so that datatypes whose last answers are a little older can use it, too.
                begin = moment - self._every
                first = next(self._lists.pages({}, values=values_of(to_text(begin - SKEW))), [])
                self._begin, self._asked_at, self._is_any = begin, now, bool(first)
            return None if self._is_any else self._asked_at


Shared = list[tuple[ListCall, Paginator, AnyDeletion]]
"""The questions that several datatypes share: those that are asked alike."""


def any_deletion(
    client: ErpClient, spec: DatatypeProfile, size: int, now: Clock, shared: Shared
) -> AnyDeletion | None:
    """Return what asks `deleted.if_any`, shared with other datatypes; None if the profile has none."""
    deleted = spec.deleted
    call: ListCall | None = getattr(deleted, "if_any", None)
    if call is None:
        return None
    paginator: Paginator = getattr(deleted, "paginator", None) or spec.paginator
    for asked, paged, there in shared:
        if (asked, paged) == (call, paginator):
            return there
    source = Source(call, paginator, "", spec.id)
    made = AnyDeletion(Lists(client, "deletions", source, size), every_seconds(spec), now)
    shared.append((call, paginator, made))
    return made


def every_seconds(spec: DatatypeProfile) -> float:
    """Return for how long an answer about deletions counts."""
    seconds: float = getattr(spec.deleted, "every_seconds", 0)
    return seconds


def is_fresh(moment: datetime | None, now: datetime, period: timedelta) -> bool:
    """Return whether a moment lies less than so long back, and not ahead of a clock that was put back."""
    return moment is not None and timedelta(0) <= now - moment < period


@dataclass(frozen=True, slots=True)
class _Answer:
    """The deletions since the stamp `least`, as known at a moment."""

    known_at: datetime
    least: str
    found: Sequence[DeletedRecord]


class KnownDeletions:
    """The deletions of one datatype, asked for no more often than the profile says."""

    def __init__(
        self, ask: Ask, every: float, if_any: AnyDeletion | None, values_of: ValuesOf, now: Clock
    ) -> None:
        self._ask = ask
        self._every = timedelta(seconds=every)
        self._if_any = if_any
        self._values_of = values_of
        self._now = now
        self._lock = threading.Lock()
        self._answer: _Answer | None = None

    def known_at(self, least: str) -> datetime | None:
        """Return, at a read's beginning, the moment that its answer will be from; None if it will ask."""
        with self._lock:
            answer = self._answer
            if answer is None or least < answer.least or answer.known_at > self._now():
                return None  # The last: the clock was put back, and nothing can be asked since then.
            if is_fresh(answer.known_at, self._now(), self._every):
                return answer.known_at
            if self._if_any is None or not self._every:
                return None
            until = self._if_any.none_since(answer.known_at, self._values_of)
            if until is not None:
                self._answer = _Answer(until, answer.least, answer.found)
            return until

    def find(self, values: Values, least: str, known_at: datetime | None) -> list[DeletedRecord]:
        """Return what was deleted since; `known_at` is what the read was told at its beginning."""
        with self._lock:
            answer = self._answer
            if known_at is None or answer is None or least < answer.least:
                began = self._now()
                answer = _Answer(began, least, list(self._ask(values, least)))
                if self._every:
                    self._answer = answer
            return [gone for gone in answer.found if gone.stamp is None or gone.stamp >= least]
