"""Drawing from the word lists with a seed: the same seed gives the same data on every machine and day."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from core.clock import to_text
from core.jsonio import Json
from sandbox.common.iso import decimals

T = TypeVar("T")
WORDS: dict[str, Any] = json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))
BASE = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)
"""Nothing in the demo data is younger than this instant."""
HISTORY_DAYS = 400


class Draw:
    """Random choices of one chapter of the data, so that a longer chapter does not change the next."""

    def __init__(self, seed: int, chapter: str) -> None:
        self.random = random.Random(f"{seed}:{chapter}")

    def one(self, values: Sequence[T]) -> T:
        """Any of the values."""
        return self.random.choice(values)

    def word(self, name: str) -> str:
        """Any word of a list in words.json."""
        return str(self.one(WORDS[name]))

    def chance(self, share: float) -> bool:
        """Return True in this share of the calls."""
        return self.random.random() < share

    def maybe(self, value: T, share: float = 0.75) -> T | None:
        """Return the value, or in the rest of the cases nothing: fields are missing in real data."""
        return value if self.chance(share) else None

    def moment(self, after: datetime | None = None) -> datetime:
        """Return an instant of the last 400 days before BASE, not before `after`."""
        first = after or BASE - timedelta(days=HISTORY_DAYS)
        span = max(1, int((BASE - first).total_seconds()))
        return first + timedelta(
            seconds=self.random.randrange(span), microseconds=self.random.randrange(10**6)
        )

    def amount(self, currency: str, low: int, high: int, step: int = 1) -> str:
        """Return an amount from `low` to `high` in the currency's decimals, a multiple of `step` hundredths.

        A third decimal is 0, since nobody who has customers in Chargebee can use it.
        """
        used = min(decimals(currency), 2)
        minor = self.random.randrange(low * 10**used, high * 10**used, step)
        return f"{Decimal(minor).scaleb(-used):.{decimals(currency)}f}"

    def phone(self, country: str) -> str:
        """Return a telephone number in one of the notations that people use."""
        code = WORDS["dial"][country]
        digits = f"{self.random.randrange(10**7, 10**8)}"
        pairs = " ".join(digits[place : place + 2] for place in range(0, 8, 2))
        return self.one(
            [
                f"{code} {pairs}",
                f"{code}{digits}",
                f"00{code[1:]}-{digits}",
                f"({code}) {digits[:4]}-{digits[4:]}",
            ]
        )

    def address(self, country: str) -> Json:
        """Return an ERP address; state and second line are often missing."""
        city, state, postal_code = self.one(WORDS["places"][country])
        return {
            "line1": f"{self.word('streets')} {self.random.randrange(1, 99)}",
            "line2": self.maybe('c/o "Hos O\'Hara", 2. etg.', 0.2),
            "line3": None,
            "city": city,
            "state": state or None,
            "postal_code": postal_code,
            "country": country,
        }


def stamps(draw: Draw) -> Json:
    """When an ERP record was made and last changed, with a version that fits."""
    created = draw.moment()
    changes = draw.random.randrange(0, 6)
    modified = draw.moment(created) if changes else created
    return {"created_at": stamp(created), "modified_at": stamp(modified), "version": changes + 1}


def stamp(moment: datetime) -> str:
    """Return an instant as the ERP writes it."""
    return to_text(moment)


def seconds(moment: datetime) -> int:
    """Return an instant as Chargebee writes it."""
    return int(moment.timestamp())


def mailbox(text: str) -> str:
    """Return the letters of a name that an e-mail address can hold on both sides: `o'neil`, `odegard`."""
    plain = text.casefold().translate(str.maketrans("øłþæđ", "oltad"))
    kept = [
        char
        for char in unicodedata.normalize("NFKD", plain)
        if char.isascii() and (char.isalnum() or char in "'-")
    ]
    return "".join(kept).strip("'-")
