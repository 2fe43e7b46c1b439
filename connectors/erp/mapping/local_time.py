"""Local time: what a clock in a zone shows, read as an instant, when the clocks are changed as well.

In autumn an hour comes twice, and a stamp in it may mean either; in spring an hour is left out, though an ERP
may stamp with it. Three things follow, and each is a function here:

* A stamp that may mean two instants is read as the later one, unless that is yet to come: a change must never
  have a clock that is an hour early, or it would lose against an older one elsewhere.
* A filter by local time asks from the least reading of the clock that any later instant may have.
* While the repeated hour lasts, no token moves beyond its beginning: a change in the second hour may be
  stamped as earlier than one that was read in the first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Clock = Callable[[], datetime]

_SHIFT = timedelta(hours=2)
"""The most that any zone's clocks are changed by at once (Antarctica/Troll)."""

_AHEAD = timedelta(minutes=5)
"""How far an ERP's clock may be ahead of ours before its stamps count as yet to come."""


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


@cache
def zone(name: str | None) -> tzinfo:
    """Return the time zone of that name, UTC for None; ValueError if there is none."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name}") from None


def instant(shown: datetime, place: tzinfo, now: Clock) -> datetime:
    """Return the instant, in UTC, at which a clock in `place` showed this."""
    one, other = (shown.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    earlier, later = min(one, other), max(one, other)
    if earlier == later:
        return later
    return earlier if later > now() + _AHEAD else later


def shown(moment: datetime, place: tzinfo) -> datetime:
    """Return what a clock in `place` shows at a moment, without a zone."""
    try:
        return moment.astimezone(place).replace(tzinfo=None)
    except OverflowError:
        return moment.replace(tzinfo=None)


def least_shown(moment: datetime, place: tzinfo) -> datetime:
    """Return the least that a clock in `place` shows at this moment or at any later one."""
    try:
        offsets = [_offset(at, place) for at in (moment - _SHIFT, moment, moment + _SHIFT)]
        return moment.replace(tzinfo=None) + min(offsets)
    except OverflowError:  # before the year 1, or after 9999: a token of records without a stamp
        return moment.replace(tzinfo=None)


def repeated_hour(moment: datetime, place: tzinfo) -> datetime | None:
    """Return when the hour began that comes twice, None at any other time.

    It counts for the first time, the second time, and the few minutes after.
    """
    before, after = moment - 2 * _SHIFT, moment + _SHIFT
    change = _offset(before, place) - _offset(after, place)
    if change <= timedelta(0):
        return None
    low, high = before, after
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if _offset(middle, place) == _offset(before, place):
            low = middle
        else:
            high = middle
    turned = high.replace(microsecond=0)
    begins, ends = turned - change, turned + change
    return begins if begins <= moment <= ends + _AHEAD else None


def _offset(moment: datetime, place: tzinfo) -> timedelta:
    return moment.astimezone(place).utcoffset() or timedelta(0)
