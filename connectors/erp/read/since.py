"""The `since` protocol over an ERP's list: which filter to ask for, and which tokens to give out.

A token is the change stamp of the last entity read, and reading from it includes it again, so records that
share a stamp are never lost at a page end. Four cases need more care:

* A read cut off by `limit` amid equal stamps would never get past them. Where the ERP orders equal stamps by
  id, the last entity's token is `<stamp>~<id>`, which orders between this stamp and the next, and the read
  goes on there.
* A list whose stamps are not exact (`overlap_seconds`: whole seconds, or changes that show late): no token is
  later than the start of the read.
* A list in no order: were every entity to carry its own stamp, a read that breaks off would leave a token
  beyond records not yet read. All but the last entity carry the token of the request, and the last one the
  highest stamp, but nothing later than the start of the read.
* A read that does not ask for deletions, or cannot see those behind it, since it reads all (`known_at`): no
  token is later than what is known of deletions. Where they stand in a log, which is asked after the list, an
  incremental read has the tokens of a list in no order, so that one that breaks off loses none.
* An ERP without a filter is read whole, or as far as changes go where it lists the latest first
  (`connectors.erp.read.newest_first`), and older records are left out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.common.datatype import Entity
from connectors.common.entity_text import is_unreadable
from connectors.common.errors import BadRequest, FixSettings
from connectors.erp.mapping import stamps
from connectors.erp.mapping.first_seen import asks_for_changes
from connectors.erp.mapping.local_time import Clock, repeated_hour, utc_now, zone
from connectors.erp.profile.model.base import Template
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import Incremental, KeyLog, LogLookup
from connectors.erp.read.known_deletions import SKEW
from core.clock import to_text
from core.jsonio import Json

_SEPARATOR = "~"
_DAY_AND_TIME = "%Y-%m-%d %H:%M:%S"
_QUIET = timedelta(minutes=10)
"""How long ago the last change must be before a token moves beyond it."""

Pages = Iterator[list[Entity]]


@dataclass(frozen=True, slots=True)
class Token:
    """A `since` token: a stamp, and the id to go on after among records of that very stamp."""

    stamp: str
    after: str = ""

    def __str__(self) -> str:
        return f"{self.stamp}{_SEPARATOR}{self.after}" if self.after else self.stamp


class Since:
    """The tokens of one datatype."""

    def __init__(self, datatype: str, spec: DatatypeProfile, now: Clock = utc_now) -> None:
        incremental = spec.incremental or Incremental(order="none")
        self._datatype = datatype
        self._form: str = spec.modified_format
        self._param = incremental.param
        self._template = incremental.template
        self._filter_form: str = incremental.format or spec.modified_format
        self._overlap = incremental.overlap_seconds
        self._mark = spec.values.datetime.mark
        self._timezone = spec.timezone
        self._place = zone(spec.timezone)
        self._filters = asks_for_changes(spec)
        # Tokens of a list that begins with the latest are those of one in no order.
        self._order = "none" if incremental.order == "newest_first" else incremental.order
        self._logs_deletions = isinstance(spec.deleted, KeyLog | LogLookup)
        self.by_reading = not spec.modified
        """Whether records show no stamp: the time of the read that first shows a change is its stamp."""
        self._now = now

    def parse(self, text: str | None) -> Token | None:
        """Return a token given out earlier, or any UTC instant; else `BadRequest`."""
        if text is None:
            return None
        stamp, _, after = text.partition(_SEPARATOR)
        if stamps.is_stamp(self._form, stamp):
            return Token(stamp, after)
        try:
            return Token(to_text(datetime.fromisoformat(text)))
        except (ValueError, OverflowError):
            raise BadRequest(
                "since must be an _updated value of this dataset, or an instant as YYYY-MM-DDThh:mm:ssZ",
                field="since",
                rule="format",
            ) from None

    def least(self, token: Token | None) -> str | None:
        """Return the least stamp that a read from the token is about; None for a full read."""
        return None if token is None else stamps.earlier(self._form, token.stamp, self._overlap)

    def query(self, token: Token | None) -> dict[str, Template]:
        """Return the parameter that makes the ERP list only what changed at or after the token.

        Its value is a template.
        """
        if token is None or self._param is None:
            return {}
        return {self._param: self._template}

    def values(self, token: Token | None) -> Json:
        """Return what the profile's templates may use: `since`, in the form that the ERP's filter wants."""
        if token is None:
            return {}
        form, mark, timezone = self._filter_form, self._mark, self._timezone
        values = {"since": stamps.to_filter(form, token.stamp, self._overlap, mark, timezone)}
        if self._form != "number":
            day_and_time = stamps.to_filter(_DAY_AND_TIME, token.stamp, self._overlap, None, timezone)
            values["since_date"], _, values["since_time"] = day_and_time.partition(" ")
        return values

    def apply(
        self, pages: Pages, token: Token | None, limit: int | None, known_at: datetime | None = None
    ) -> Pages:
        """Yield the pages with tokens in place, without what is older.

        At most `limit` entities come. `known_at`: deletions after that moment are yet to be asked for.
        """
        is_local = self._place is not UTC
        if self._order == "none" or not self._filters or is_local or (token is not None and token.after):
            pages = self._newer(pages, token)
        if is_local:
            pages = self._held_at_repeated_hour(pages)
        if self._order == "none":
            return self._unordered(pages, token, limit, known_at)
        checked = self._ordered(pages)
        if self._logs_deletions and token is not None and limit is None:
            # The log is asked after the list: a read that breaks off before must be gone through again.
            return self._unordered(checked, token, limit, known_at)
        if known_at is not None or (self._overlap and self._form != "number"):
            checked = self._held_back(checked, token, known_at)
        return checked if limit is None else self._limited(checked, limit)

    def second_look(self) -> Token | None:
        """Return what to read again from after a full read that ends while a local hour comes twice.

        In a list by change stamp a record that changes then goes back to where the read has been already.
        """
        if self._order == "none" or self._place is UTC:
            return None
        begins = repeated_hour(self._now(), self._place)
        return None if begins is None else Token(to_text(begins))

    def _held_at_repeated_hour(self, pages: Pages) -> Pages:
        """While a local hour comes for the second time, no token is later than its beginning.

        What changes next may be stamped as earlier. It is read again until the hour is over.
        """
        for page in pages:
            begins = repeated_hour(self._now(), self._place)
            if begins is not None:
                ceiling = to_text(begins)
                for entity in page:
                    entity["_updated"] = min(entity["_updated"], ceiling)
            yield page

    def _ordered(self, pages: Pages) -> Pages:
        last = ""
        for page in pages:
            for entity in page:
                stamp = entity["_updated"]
                if stamp < last:
                    raise FixSettings(
                        f"{self._datatype}: lists are not ordered by change stamp as the profile says;"
                        " set incremental.order to none",
                        setting="ERP_PROFILE",
                    )
                last = stamp
            yield page

    def _newer(self, pages: Pages, token: Token | None) -> Pages:
        """Without what the token has seen; `after` counts only for records of its very stamp."""
        if token is None or self.by_reading:
            return pages
        ties = self._order == "modified_then_id" and bool(token.after)

        least = self.least(token) or ""

        def is_new(entity: Entity) -> bool:
            stamp = entity["_updated"]
            if ties and stamp == token.stamp:
                return bool(entity["_id"] > token.after)
            return bool(stamp >= least)

        return ([entity for entity in page if is_new(entity)] for page in pages)

    def _held_back(self, pages: Pages, token: Token | None, known_at: datetime | None) -> Pages:
        """Tokens not beyond the start of the read, where stamps are not exact, or beyond `known_at`.

        A record that was read may change again under the stamp it has, while later ones are still being read.
        """
        ceiling = max(self._ceiling(known_at), token.stamp if token else "")
        for page in pages:
            ceiling = ceiling or max((entity["_updated"] for entity in page), default="")
            for entity in page:
                entity["_updated"] = min(entity["_updated"], ceiling)
            yield page

    def _limited(self, pages: Pages, limit: int) -> Pages:
        left = limit
        if left == 0:
            yield []
            return
        for page in pages:
            # What stands for records that cannot be read is in front, and no place to go on from.
            unreadable = sum(map(is_unreadable, page))
            if len(page) - unreadable < left:
                left -= len(page) - unreadable
                yield page
                continue
            page = page[: left + unreadable]
            last = page[-1]
            if self._order == "modified_then_id" and not self._is_held():
                last["_updated"] = str(Token(last["_updated"], last["_id"]))
            yield page
            return

    def _is_held(self) -> bool:
        """Return whether others that follow may have the same token, in no order of their ids."""
        return self._place is not UTC and repeated_hour(self._now(), self._place) is not None

    def _unordered(
        self, pages: Pages, token: Token | None, limit: int | None, known_at: datetime | None
    ) -> Pages:
        if limit is not None:
            yield from self._first_few(pages, token, limit)
            return
        held = token.stamp if token else stamps.lowest(self._form)
        highest, ceiling, waiting = held, self._ceiling(known_at), None
        if known_at is not None and token is not None:
            ceiling = ceiling or held
        for page in pages:
            for entity in page:
                highest = max(highest, entity["_updated"])
                entity["_updated"] = held
            ceiling = ceiling or highest
            if page:
                if waiting is not None:
                    yield waiting
                waiting = page
        if waiting is not None:
            if self.by_reading:
                highest = ceiling
            elif highest == held:
                highest = self._beyond(held)
            waiting[-1]["_updated"] = max(held, min(highest, ceiling))
            yield waiting

    def _first_few(self, pages: Pages, token: Token | None, limit: int) -> Pages:
        """Look at an unordered list: its tokens stay where they are, since the rest was not seen."""
        left = limit
        for page in pages:
            page = page[:left]
            for entity in page:
                entity["_updated"] = token.stamp if token else stamps.lowest(self._form)
            yield page
            left -= len(page)
            if left == 0:
                return

    def _beyond(self, held: str) -> str:
        """Return the token after a read that gave nothing but what the overlap brings again.

        Once that is long ago, the token moves on past the overlap; else every later read would bring it
        again, and look for the same deletions.
        """
        if self._form == "number" or not self._overlap:
            return held
        passed = datetime.fromisoformat(held) + timedelta(seconds=self._overlap, microseconds=1)
        quiet = (repeated_hour(self._now(), self._place) or self._now()) - _QUIET
        return to_text(passed) if passed < quiet else held

    def _ceiling(self, known_at: datetime | None) -> str:
        """No record changed during this read, or deleted after `known_at`, may lie below the token.

        Change numbers have no clock: there it is the highest of the first page, since what changes after that
        gets a higher one.
        """
        return "" if self._form == "number" else to_text((known_at or self._now()) - SKEW)
