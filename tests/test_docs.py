"""Generated docs are current, and what the docs say is refused is refused."""

from __future__ import annotations

from localnode.config.schemas import PIPE, PUMP
from localnode.dtl.reference import markdown
from tests.support.processes import ROOT


def test_the_dtl_reference_is_current() -> None:
    written = (ROOT / "docs" / "dtl.md").read_text(encoding="utf-8")
    assert written.rstrip() == markdown().rstrip(), "run `make docs`"


def test_options_without_effect_are_not_accepted() -> None:
    assert "compaction" not in PIPE["properties"]
    assert "max_seconds_per_entity" not in PUMP["properties"]
