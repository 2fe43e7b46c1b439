"""The picture of the README, made of the demo data as `make run` shows it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from stack.processes import Stack
from tests.studio.browsing import SIZES, Visit, chromium
from tests.support.processes import ROOT

PICTURE = ROOT / "docs" / "images" / "studio.png"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_picture_of_the_readme(tmp_path: Path) -> None:
    """Makes build/studio/readme.png, which `make picture` copies to docs/images."""
    with chromium() as browser, Stack(data="demo", folder=tmp_path / "stack") as stack:
        stack.sync()
        seen = Visit(browser, stack.settings.url("node"))
        page = seen.go("/studio/flow")
        page.locator(".node").first.wait_for()
        path = seen.picture("readme", full=False)
        seen.close()
    assert size(path) == (SIZES["wide"]["width"], SIZES["wide"]["height"])


def test_the_readme_has_it() -> None:
    assert size(PICTURE) == (SIZES["wide"]["width"], SIZES["wide"]["height"])
    assert "docs/images/studio.png" in (ROOT / "README.md").read_text(encoding="utf-8")


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG, as its header has them."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height
