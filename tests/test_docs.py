"""Generated docs are current, and what the docs say is refused is refused."""

from __future__ import annotations

from localnode.config.schemas import SYSTEMS
from localnode.dtl.reference import markdown
from localnode.pipes import registry
from tests.support.processes import ROOT


def test_the_dtl_reference_is_current() -> None:
    written = (ROOT / "docs" / "dtl.md").read_text(encoding="utf-8")
    assert written.rstrip() == markdown().rstrip(), "run `make docs`"


def test_what_the_docs_say_is_refused_is_refused() -> None:
    text = (ROOT / "docs" / "local-node.md").read_text(encoding="utf-8")
    for kind, names in (
        ("source", ("sql", "csv", "ldap", "kafka")),
        ("sink", ("elasticsearch", "mail", "sms")),
    ):
        for name in names:
            assert f"`{name}`" in text and registry.find(kind, name) is None, name
    assert "ntlm" in text and "ntlm" not in str(SYSTEMS["system:url"])
