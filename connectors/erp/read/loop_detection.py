"""A list that would never end: a page that comes again, or one empty page after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from connectors.common.errors import InvalidResponse

_LONE = 20
"""How often a page of one record may come: it may well have changed meanwhile, and come again for that."""

_EMPTY = 1000
"""Empty pages one after the other that are followed; a list that is filtered late has some."""


class EndlessList(InvalidResponse):
    """A page came again, or only empty ones did: the list would never end."""


class LoopDetector:
    """The pages of one read.

    A page is known by its ids: what else is in a record may differ each time, such as when it was asked for.
    One id does not tell that much; there the record counts too.
    """

    def __init__(self, name: str) -> None:
        """`name` of the list, for messages."""
        self._name = name
        self._asked = set[int]()
        self._seen = Counter[int]()
        self._empty = 0

    def note(self, question: int, ids: Sequence[object], records: Sequence[object]) -> None:
        """Note a page; `InvalidResponse` if it shows that the list would not end."""
        self._empty = 0 if ids else self._empty + 1
        if self._empty > _EMPTY:
            raise EndlessList(f"{self._name}: the ERP gave {_EMPTY} empty pages; the list would never end")
        page = hash(repr(ids))
        lone = len({repr(key) for key in ids}) < 2
        same = hash((page, repr(records[:1]))) if lone else page
        self._seen.update({page, same} if ids else ())
        again = self._seen[same] > 1 or self._seen[page] > _LONE
        if question in self._asked or again:
            raise EndlessList(f"{self._name}: the ERP gave the same page twice; the list would never end")
        self._asked.add(question)
