"""The JSON Schemas of the ERP's datatypes, each in its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "schemas"


def load_schema(datatype: str) -> dict[str, Any]:
    """The schema of one datatype."""
    schema: dict[str, Any] = json.loads((_FOLDER / f"{datatype}.schema.json").read_bytes())
    return schema
