"""The since-token of sources that read several datasets: how far each has been read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from localnode.pipes.errors import BadToken

_WIDTH = 12
_TOKEN = re.compile(r"\d{1,18}(\.\d{1,18})*", re.ASCII)
LARGEST = (1 << 63) - 1


def check_offset(token: object, dataset: str) -> None:
    """BadToken unless the token may be an offset of a dataset, or is None."""
    if token is not None and (type(token) is not int or abs(token) > LARGEST):
        raise BadToken(f"{token!r:.100} is not an offset of dataset {dataset!r}: offsets are whole numbers")


class Offsets:
    """Offsets by dataset position. The token is text that grows bytewise as the positions do."""

    def __init__(self, count: int, token: str | None = None) -> None:
        parts = token.split(".") if token else []
        self.next = [int(part) for part in parts[:count]] + [0] * (count - len(parts))

    @staticmethod
    def check(token: object) -> None:
        """BadToken unless the token may be one of these, or is None."""
        if token is not None and not (isinstance(token, str) and _TOKEN.fullmatch(token)):
            raise BadToken(f"{token!r:.100} is not a token of this source: use an _updated from it")

    def since(self, at: int) -> int | None:
        """Return the offset to read dataset number `at` after."""
        return self.next[at] - 1 if self.next[at] else None

    def advance(self, at: int, offset: int) -> None:
        """Dataset number `at` has been read up to `offset`."""
        self.next[at] = max(self.next[at], offset + 1)

    @property
    def token(self) -> str:
        """The token that continues here."""
        return ".".join(f"{n:0{_WIDTH}}" for n in self.next)


def split_alias(entry: str) -> tuple[str, str]:
    """(dataset, alias) of an entry such as "orders o"; the alias defaults to the dataset."""
    name, _, alias = entry.partition(" ")
    return name, alias.strip() or name


def names(entries: Sequence[str]) -> list[str]:
    """Dataset ids of a list of entries."""
    return [split_alias(entry)[0] for entry in entries]
