"""The shipped mappings, read once for all tests of a worker, and the pipes as they stand in `pipes/`."""

from __future__ import annotations

import json
from functools import cache

from core.jsonio import Json
from stack.environment import ROOT
from stack.mappings.render import Mappings


@cache
def mappings() -> Mappings:
    """Return the mappings of the project. Their pipes are rendered on the first use."""
    return Mappings(ROOT)


@cache
def pipes() -> dict[str, Json]:
    """Return the pipes of the project by id, as they are uploaded."""
    files = (ROOT / "pipes").glob("*.conf.json")
    found = (json.loads(path.read_text(encoding="utf-8")) for path in files)
    return {pipe["_id"]: pipe for pipe in found}
