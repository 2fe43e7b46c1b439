"""Lists that show a summary: each listed record is read by itself (`list.detail` in the profile).

Only what a read is about is read so: records whose stamp in the list is older than the token are passed
over. A record that comes again with the very stamp it had (reads overlap) is not read again, but for one
case: a second change within the unit of its stamp, such as the same second, shows by nothing. Until that
time has passed since the record was first seen so, or since its stamp, it is read once more.
"""

from __future__ import annotations

import contextvars
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from connectors.common.datatype import Record
from connectors.common.errors import InvalidResponse, NotFound, NotJson
from connectors.erp.mapping.key import Key
from connectors.erp.mapping.local_time import Clock
from connectors.erp.mapping.shape import LISTED
from connectors.erp.read.single import SingleReader
from connectors.erp.read.unreadable import Unreadable

_REMEMBERED = 2000
"""Records that are kept, the newest; each takes some kilobytes."""

_UNITS = (("T00:00:00.000000Z", 86_400.0), (":00.000000Z", 60.0), (".000000Z", 1.0), ("000Z", 0.001))
"""How a stamp ends that may be one of whole days, minutes, seconds or milliseconds, and how long these
are.
"""


_SKEW = 300.0
"""Seconds that the ERP's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A record as it was `listed`, and by itself; first seen so at `since`, and read at `at`."""

    listed: Record
    since: float
    at: float
    record: Record


class DetailReader:
    """Reads the records of a page one by one, some at a time. Safe to use from several threads."""

    def __init__(
        self,
        single: SingleReader,
        key: Key,
        stamp: Callable[[Record], str],
        lowest: str,
        concurrency: int,
        now: Clock,
    ) -> None:
        """`stamp` gives the change stamp of a listed record, `lowest` if it shows none."""
        self._single = single
        self._key = key
        self._stamp = stamp
        self._lowest = lowest
        self._concurrency = concurrency
        self._now = now
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def whole(self, page: Sequence[Record], least: str | None, failed: Unreadable) -> list[Record]:
        """Return the records of a page as they are by themselves, over what the list shows of them.

        The order is the page's. Those with a stamp before `least` are left out, and those gone meanwhile;
        what comes for a single record and cannot be read is noted in `failed`.
        """
        seen = self._now().timestamp()
        listed = [record for record in page if least is None or self._may_be_new(record, least)]
        with ThreadPoolExecutor(max(1, min(self._concurrency, len(listed)))) as pool:
            tasks = [
                pool.submit(contextvars.copy_context().run, self._one, record, seen, failed)
                for record in listed
            ]
            try:
                found = [task.result() for task in tasks]
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return [record for record in found if record is not None]

    def _may_be_new(self, record: Record, least: str) -> bool:
        stamp = self._stamp(record)
        return stamp == self._lowest or stamp >= least

    def _one(self, listed: Record, seen: float, failed: Unreadable) -> Record | None:
        key, stamp = self._key(listed), self._stamp(listed)
        with self._lock:
            known = self._known.get(key)
        if known is not None and known.listed == listed and stamp != self._lowest:
            if known.at >= min(known.since, _seconds(stamp) + _SKEW) + _unit(stamp):
                return dict(known.record)
            seen = known.since
        at = self._now().timestamp()
        try:
            record = {**listed, **self._single.fetch(key)}
            if stamp != self._lowest:
                record[LISTED] = stamp
        except NotFound:
            return None
        # A page for people in place of JSON says nothing of the record: it is what comes for all of them.
        except NotJson:
            raise
        except InvalidResponse as error:
            failed.note(listed, error)
            return None
        with self._lock:
            self._known[key] = _Known(dict(listed), seen, at, dict(record))
            self._known.move_to_end(key)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return record


def _seconds(stamp: str) -> float:
    """Return a stamp as seconds since 1970.

    The end of time for a change number, which says nothing of when.
    """
    return datetime.fromisoformat(stamp).timestamp() if stamp.endswith("Z") else float("inf")


def _unit(stamp: str) -> float:
    """Return seconds within which a second change may have got the same stamp."""
    return next((seconds for end, seconds in _UNITS if stamp.endswith(end)), 0.0)
