"""The words by which ERPs call what this project knows, read once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ALL: dict[str, Any] = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))

DATATYPES: Mapping[str, Sequence[str]] = _ALL["datatypes"]
"""Names of collections in lower case, by datatype."""

FIELDS: Mapping[str, Sequence[str]] = _ALL["fields"]
"""Names of fields in letters and digits alone, by the last part of our field's name, likeliest first."""

PATHS: Mapping[str, Sequence[str]] = _ALL["paths"]
"""Names of objects that hold an address, by ours."""

PLAIN_PATHS: Sequence[str] = _ALL["plain_paths"]
"""Our addresses whose parts may stand in the record itself."""

LINK: str = _ALL["link"]
"""Our field that keeps the counterpart's key."""

OURS_ALONE: Sequence[str] = _ALL["ours_alone"]
"""Fields of ours that are guessed in other ways, or not at all."""

CODES: Sequence[str] = _ALL["codes"]
"""Last parts of our fields that hold codes in capital letters."""

UPSIDE_DOWN: Sequence[str] = _ALL["upside_down"]
"""Truth values that are true where `active` is false."""

ORIGIN: Sequence[str] = _ALL["origin"]
"""What is in the name of a field that keeps another system's key."""

VALUES: Mapping[str, Sequence[str]] = _ALL["values"]
"""Words for states and kinds, by ours."""

SIZES: Sequence[str] = _ALL["sizes"]
PAGES: Sequence[str] = _ALL["pages"]
OFFSETS: Sequence[str] = _ALL["offsets"]
CURSORS: Sequence[str] = _ALL["cursors"]
AFTER: Sequence[str] = _ALL["after"]
SINCE: Sequence[str] = _ALL["since"]
"""Query parameters to try; `{stamp}` is the field that holds the change timestamp."""

TOTALS: Sequence[str] = _ALL["totals"]
MORE: Sequence[str] = _ALL["more"]
NEXT: Sequence[str] = _ALL["next"]
"""Names by which an answer says how many records there are, whether there are more, and where."""
