"""Ages of pinned packages are counted from the first version that was missed; what the registry calls odd is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import Any

import pytest
from packaging.version import Version

from tests.support.processes import ROOT

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def ages() -> ModuleType:
    loader = SourceFileLoader("ages", str(ROOT / ".ci/ages"))
    spec = spec_from_loader("ages", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def days(**ago: int) -> dict[Version, datetime]:
    return {Version(name[1:].replace("_", ".")): NOW - timedelta(days=count) for name, count in ago.items()}


@pytest.mark.parametrize(("pinned", "expected"), [("1.0", 100), ("1.1", 10), ("1.2", 0), ("2.0", 0)])
def test_days_count_from_the_first_version_missed(ages: ModuleType, pinned: str, expected: int) -> None:
    published = days(v1_0=300, v1_1=100, v1_2=10, v2_0rc1=90)
    assert ages.days_behind(Version(pinned), published, NOW) == expected


@pytest.mark.parametrize(
    ("file", "version"),
    [
        ("a_b-1.2-py3-none-any.whl", "1.2"),
        ("a_b-1.2.tar.gz", "1.2"),
        ("a_b-1.2.exe", None),
        ("odd", None),
    ],
)
def test_versions_of_files(ages: ModuleType, file: str, version: Any) -> None:
    found = ages.version_of({"filename": file})
    assert (None if found is None else str(found)) == version


def test_a_version_that_another_package_refuses_is_held_back_by_it(
    ages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        """A package that wants another below 0.23, and one of an extra that nobody asked for below 1."""

        requires = ("Other-Package>=0.20,<0.23", 'third<1; extra == "docs"')
        version = "9.0"
        metadata = {"Name": "Holder"}  # noqa: RUF012

    monkeypatch.setattr(ages, "distributions", lambda: [Installed])
    held = ages.holders("other_package", [Version("0.22.5"), Version("0.23")])
    assert list(held) == [Version("0.23")] and held[Version("0.23")].startswith("Holder 9.0")
    assert ages.holders("third", [Version("2")]) == {}
