"""When a change was first seen, of records that the ERP gives no change stamp.

Reads overlap, so a record comes several times; it keeps the time of the read that first showed it as it is,
or each read would look like a change.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping

from connectors.erp.mapping.templates import asks_since
from connectors.erp.profile.model.datatype import DatatypeProfile
from core import jsonio

_REMEMBERED = 50_000
"""Records; each takes some hundred bytes. One that is forgotten looks changed once more."""


class FirstSeen:
    """The times of one datatype, for as long as this process lives. Safe to use from several threads."""

    def __init__(self, asked_for_changes: bool) -> None:
        """`asked_for_changes`: whether the ERP lists only what changed, or everything each time.

        Of everything, what this process sees first has no time: it may be as old as can be.
        """
        self._asked_for_changes = asked_for_changes
        self._known: OrderedDict[str, tuple[bytes, str | None]] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, key: str, raw: Mapping[str, object], seen: str | None) -> str | None:
        """Return when a listed record was first seen as it is: `seen`, unless it was so before."""
        digest = _digest(raw)
        with self._lock:
            known = self._known.get(key)
            if known is None or known[0] != digest:
                is_change = known is not None or self._asked_for_changes
                known = self._known[key] = digest, seen if is_change else None
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return known[1]

    def known(self, key: str, raw: Mapping[str, object]) -> str | None:
        """Return when a list first showed a record as it is; None if none has."""
        with self._lock:
            known = self._known.get(key)
        return known[1] if known is not None and known[0] == _digest(raw) else None


def asks_for_changes(spec: DatatypeProfile) -> bool:
    """Return whether the ERP is asked for changed records only, and not for all each time."""
    has_param = spec.incremental is not None and spec.incremental.param is not None
    return has_param or asks_since([spec.listing.query, spec.listing.body, spec.listing.headers])


def _digest(raw: Mapping[str, object]) -> bytes:
    return hashlib.blake2b(jsonio.dumps(raw), digest_size=12).digest()
