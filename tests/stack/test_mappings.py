"""`pipes/` is what comes of `mappings/` and `templates/`."""

from __future__ import annotations

import json

import pytest

from stack.environment import ROOT
from stack.mappings.render import Mappings

RENDERED = Mappings(ROOT).pipes()
EDITED = """pipes/{0}.conf.json is not what comes of mappings/ and templates/.
If you changed a mapping or a template: run `make pipes`. If you edited the pipe by hand: that edit is lost with the next
`make pipes`. Look at it with `git diff pipes/{0}.conf.json`, make the same change in the row of mappings/ or the rule of
templates/ that it comes from, and run `make pipes`."""


@pytest.mark.parametrize("pipe_id", sorted(RENDERED))
def test_the_pipes_are_rendered(pipe_id: str) -> None:
    path = ROOT / "pipes" / f"{pipe_id}.conf.json"
    there = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    assert there == RENDERED[pipe_id], EDITED.format(pipe_id)
