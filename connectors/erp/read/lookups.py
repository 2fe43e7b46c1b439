"""Codes and keys: a currency's key for NOK when a record is written, NOK for that key when one is read."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.common.errors import Rejected
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping.conditions import fits
from connectors.erp.mapping.local_time import Clock, utc_now
from connectors.erp.mapping.templates import CannotAsk, names, names_in_path
from connectors.erp.profile.model.reading import ListCall, LookupRead, LookupSpec, SinglePage
from connectors.erp.read.lists import Lists, Source
from core.dotted import get_path

_MOST = 1000
"""Keys remembered per look-up. Codes keep their keys, and a wrong one is refused by the ERP."""

_MOST_READ = 5000
_FRESH_S = 600.0
"""How many codes are remembered per look-up, and for how long: a code may be changed."""

_BATCH = 50
"""Keys asked for at once, so that the question fits into a URL."""


class Lookups:
    """The profile's look-ups, by name, for all datatypes; safe to use from several threads."""

    def __init__(self, client: ErpClient, specs: Mapping[str, LookupSpec], now: Clock = utc_now) -> None:
        self._specs = specs
        self._lists = {name: _list(client, name, spec) for name, spec in specs.items()}
        self._known: dict[tuple[str, Any], Any] = {}
        self._codes = {
            name: Codes(client, name, spec.read, spec.remember, now)
            for name, spec in specs.items()
            if spec.read is not None
        }

    def __call__(self, name: str, value: object) -> object:
        """Return the ERP's key for a value of ours.

        `Rejected` if it has no such thing, None if that is allowed.
        """
        spec = self._specs[name]
        if (name, value) in self._known:
            return self._known[name, value]
        page = self._asked(name, _number(value, spec))
        if not page:
            if spec.optional:
                return None
            raise Rejected(f"the ERP has no {name} {value}", rule="lookup")
        found = get_path(page[0], spec.value)
        if spec.remember:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[name, value] = found
        return found

    def codes(self, name: str) -> Codes | None:
        """Return what turns keys of that look-up into values of ours; None if it is for writing only."""
        return self._codes.get(name)

    def filled(self, template: object) -> Any:
        """Return a body template with every `{"$lookup": name, "value": …}` in it replaced by the key."""
        if isinstance(template, list):
            return [self.filled(item) for item in template]
        if isinstance(template, dict):
            if "$lookup" in template:
                return self(template["$lookup"], template["value"])
            return {name: self.filled(item) for name, item in template.items()}
        return template

    def _asked(self, name: str, value: object) -> list[Any]:
        try:
            return next(self._lists[name].pages({}, values={"value": value}), [])
        except CannotAsk:
            return []


class Codes:
    """The values of ours for the ERP's keys, by one look-up. Safe to use from several threads."""

    def __init__(self, client: ErpClient, name: str, spec: LookupRead, remember: bool, now: Clock) -> None:
        source = Source(_call(spec), spec.paginator or SinglePage(), spec.path, [spec.key], True)
        self._lists = Lists(client, f"lookup.{name}.read", source, _MOST_READ)
        self._spec = spec
        asked = names([spec.query, spec.body]) | names_in_path(spec.path)
        self._together = "ids" in asked
        self._alone = "id" in asked
        self._remember = remember
        self._now = now
        self._known: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def prefetch(self, keys: Iterable[object]) -> None:
        """Ask for keys that are not known, as many at once as the ERP can; what it does not have is None."""
        with self._lock:
            wanted = {str(key): key for key in keys if not self._is_known(str(key))}
            if not wanted:
                return
            if len(self._known) + len(wanted) > _MOST_READ:
                self._known.clear()
            for some in self._questions(list(wanted.values())):
                self._ask(some)

    def __call__(self, key: object) -> object:
        """Return the value of ours for a key; None for none, and for one that the ERP does not have."""
        if key is None:
            return None
        if not self._is_known(str(key)):
            self.prefetch([key])
        return self._known.get(str(key), (0.0, None))[1]

    def forget(self) -> None:
        """Begin a new page: what is not to be remembered is asked for again."""
        if not self._remember:
            with self._lock:
                self._known.clear()

    def _is_known(self, key: str) -> bool:
        known = self._known.get(key)
        return known is not None and known[0] > self._now().timestamp() - _FRESH_S

    def _questions(self, keys: Sequence[object]) -> list[Sequence[object]]:
        if not self._together and not self._alone:
            return [keys]  # the whole list, which has them all
        step = _BATCH if self._together else 1
        return [keys[at : at + step] for at in range(0, len(keys), step)]

    def _ask(self, keys: Sequence[object]) -> None:
        at = self._now().timestamp()
        self._known |= {str(key): (at, None) for key in keys}
        values = {"ids": list(keys)} if self._together else {"id": keys[0]} if self._alone else {}
        for page in self._lists.pages({}, values=values):
            for record in page:
                if not fits(self._spec.where, record):
                    continue
                self._known[str(get_path(record, self._spec.key))] = (at, get_path(record, self._spec.value))


def _list(client: ErpClient, name: str, spec: LookupSpec) -> Lists:
    source = Source(_call(spec), SinglePage(), spec.path, [spec.value], True)
    return Lists(client, f"lookup.{name}", source, 2)


def _call(spec: LookupSpec | LookupRead) -> ListCall:
    return ListCall(
        method=spec.method,
        path=spec.path,
        query=spec.query,
        headers=spec.headers,
        body=spec.body,
        records=spec.records,
    )


def _number(value: Any, spec: LookupSpec) -> object:
    return int(value) if spec.sent_as == "integer" and str(value).isdigit() else value
