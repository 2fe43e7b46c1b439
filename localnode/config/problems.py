"""What is wrong with a configuration, in the words the node's API uses for it.

A `Problem` is one finding about one component; it has the wire shape
`{"elements": "$['source']['type']", "level": "error"|"warning", "msg": "…"}`.

    ConfigRefused            the upload as a whole is refused (HTTP 400); the running config stays
    +-- UnreadableUpload     it could not even be read: bad zip, bad JSON (names file, line, column)
    +-- InvalidConfig        it was read, and components of it have errors
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.jsonio import Json

ERROR = "error"
WARNING = "warning"
MAX_MESSAGE = 1000
"""How long a message may get that quotes what it is about."""


@dataclass(frozen=True)
class Problem:
    """One finding: `path` holds the keys and list positions that lead to the place, outermost first."""

    path: tuple[str | int, ...]
    msg: str
    level: str = ERROR
    suffix: str = field(default="", compare=False)

    @property
    def elements(self) -> str:
        """The place in the API's notation, `$['transform'][0]['rules']`."""
        return "$" + "".join(f"[{step!r}]" for step in self.path) + self.suffix

    def as_json(self) -> dict[str, str]:
        """Return the wire form."""
        shown = self.msg if len(self.msg) <= MAX_MESSAGE else f"{self.msg[:MAX_MESSAGE]}…"
        return {"elements": self.elements, "level": self.level, "msg": shown}


class ConfigRefused(Exception):
    """An upload that changes nothing; `validation_errors` is the list the API answers with."""

    def __init__(self, message: str, validation_errors: Sequence[Json]) -> None:
        super().__init__(message)
        self.validation_errors = list(validation_errors)


class UnreadableUpload(ConfigRefused):
    """The bytes are no configuration; the message names file, line and column."""

    def __init__(self, source: str, message: str) -> None:
        finding = Problem((), message)
        super().__init__(message, [{"posted-config": {"_id": source}, "config-errors": [finding.as_json()]}])


class InvalidConfig(ConfigRefused):
    """Components with errors; every finding of the upload, warnings too, is carried along."""


def has_errors(problems: Iterable[Problem]) -> bool:
    """Return True when at least one finding is an error."""
    return any(problem.level == ERROR for problem in problems)
