"""Generated docs are current, and what the docs say is refused is refused."""

from __future__ import annotations

import pytest

from docs.generate import pages
from localnode.config.schemas import SYSTEMS
from localnode.dtl.reference import markdown
from localnode.pipes import registry
from tests.support.processes import ROOT


def test_the_dtl_reference_is_current() -> None:
    written = (ROOT / "docs" / "dtl.md").read_text(encoding="utf-8")
    assert written.rstrip() == markdown().rstrip(), "run `make docs`"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize(
    "name",
    ["chargebee-facts.md", "commands.md", "endpoints.md", "pipes.md", "profile.md", "settings.md"],
)
def test_the_reference_is_current(made: dict[str, str], name: str) -> None:
    """Every endpoint, pipe, command and profile key is there, with a description: without one nothing is made."""
    assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == made[name], "run `make docs`"


def test_no_page_that_is_made_goes_unchecked(made: dict[str, str]) -> None:
    names = ["chargebee-facts.md", "commands.md", "endpoints.md", "pipes.md", "profile.md", "settings.md"]
    assert sorted(made) == names


def test_what_the_docs_say_is_refused_is_refused() -> None:
    text = (ROOT / "docs" / "local-node.md").read_text(encoding="utf-8")
    for kind, names in (
        ("source", ("sql", "csv", "ldap", "kafka")),
        ("sink", ("elasticsearch", "mail", "sms")),
    ):
        for name in names:
            assert f"`{name}`" in text and registry.find(kind, name) is None, name
    assert "ntlm" in text and "ntlm" not in str(SYSTEMS["system:url"])
