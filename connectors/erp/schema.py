"""The JSON Schemas of the ERP's datatypes, each in its file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from core.jsonio import Json

DATATYPES = ("contact", "customer", "employee", "quote", "order", "product")
"""Every datatype that a profile may describe."""

_FOLDER = Path(__file__).parent / "schemas"


@cache
def load_schema(datatype: str) -> Json:
    """Return the schema of one datatype; everybody gets the same object, which nobody changes."""
    schema: dict[str, Any] = json.loads((_FOLDER / f"{datatype}.schema.json").read_bytes())
    return schema
