"""Generated docs are current, and what the docs say is refused is refused."""

from __future__ import annotations

import pytest

from docs.generate import pages
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
    names = sorted(
        f"{name}.md"
        for name in ("chargebee-facts", "commands", "endpoints", "pipes", "profile", "readings", "settings")
    )
    assert sorted(made) == names


def test_what_the_docs_say_only_a_hosted_node_has_is_not_available() -> None:
    text = (ROOT / "docs" / "local-node.md").read_text(encoding="utf-8")
    for kind, names in (
        ("source", ("sql", "csv", "ldap", "kafka")),
        ("sink", ("elasticsearch", "mail", "sms")),
    ):
        for name in names:
            found = registry.find(kind, name)
            assert f"`{name}`" in text and found is not None and not found.available, name
    assert "authentication: ntlm" in text
