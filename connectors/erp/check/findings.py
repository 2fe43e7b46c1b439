"""What a check finds, and where in the profile it belongs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.jsonio import pointer

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong (`error`) or doubtful (`warning`): `pointer` into the profile, and what to do."""

    level: str
    pointer: str
    problem: str
    advice: str


@dataclass(slots=True)
class Report:
    """One datatype: what was understood, the first record as the service shows it, and findings."""

    datatype: str
    path: str
    understood: dict[str, str] = field(default_factory=dict)
    first: Mapping[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; warnings do not count."""
        return all(finding.level != ERROR for finding in self.findings)


class Places:
    """Where a profile says things: in the entity itself, or in the defaults."""

    def __init__(self, file: Path) -> None:
        self._document = json.loads(file.read_bytes())

    def of(self, datatype: str, *path: str) -> str:
        """Return the JSON Pointer of an entity's property.

        Its own, else the default's, else where it would be its own.
        """
        own, default = ("entities", datatype, *path), ("defaults", *path)
        return pointer(default if not self._has(own) and self._has(default) else own)

    def _has(self, path: tuple[str, ...]) -> bool:
        value = self._document
        for name in path:
            if not isinstance(value, dict) or name not in value:
                return False
            value = value[name]
        return True
