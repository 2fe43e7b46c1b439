"""A `.env` that is half-filled or misspelt is refused, with what is missing and what was probably meant."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from core.settings import BadSetting
from stack.environment import (
    KNOWN,
    OF_CHARGEBEE,
    OF_ERP,
    is_real_chargebee,
    is_real_erp,
    read,
    read_env_file,
)
from stack.settings import from_environment
from tests.support.processes import ROOT

OWN = {
    "name": "own",
    "connection": {
        "rest": {"base_url": "${OWN_ERP_URL}", "auth": {"type": "bearer", "token": "${OWN_ERP_KEY}"}}
    },
}


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(OWN))
    return path


def refused(tmp_path: Path, text: str, process: dict[str, str] | None = None) -> str:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(BadSetting) as caught:
        read(tmp_path / ".env", process or {})
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CHARGEBEE_SITE=acme-test", ["CHARGEBEE_API_KEY is missing", "CHARGEBEE_SITE is set"]),
        ("CHARGEBEE_SITE=acme-test\nCHARGEBEE_API_KEY=", ["CHARGEBEE_API_KEY is missing"]),
        ("CHARGEBEE_API_KEY=k", ["CHARGEBEE_SITE (or CHARGEBEE_BASE_URL", "CHARGEBEE_API_KEY is set"]),
        ("CHARGEBEE_BASE_URL=https://x.example/api/v2", ["CHARGEBEE_API_KEY is missing"]),
        (
            "CHARGEBEE_SIET=acme-test\nCHARGEBEE_API_KEY=k",
            ["CHARGEBEE_SIET in .env", 'did you mean "CHARGEBEE_SITE"?'],
        ),
        ("CHARGEBE_API_KEY=k\nCHARGEBEE_SITE=x-test", ['did you mean "CHARGEBEE_API_KEY"?']),
        ("ERP_PROFILE=nope.json", ["there is no file nope.json (", "shipped profiles: ", " cursor, "]),
        ("ERP_PROFILE=odata", ['did you mean "odata-v4"?']),
        (
            "ERP_PROFILE=connectors/erp/profiles/tryton8.json",
            ['did you mean "connectors/erp/profiles/tryton-8.json"?'],
        ),
        (
            "ERP_PROFILE=cursor",
            ["ERP_BASE_URL and ERP_TOKEN are missing", "ERP_PROFILE=cursor asks for a real ERP"],
        ),
        ("ERP_BASE_URL=https://erp.example", ["ERP_TOKEN is missing: ERP_BASE_URL asks for a real ERP"]),
        ("ERP_TOKEN=t", ["ERP_BASE_URL is missing"]),
        (
            "OWN_ERP_URL=https://erp.example",
            ["OWN_ERP_URL in .env is not a setting", "ERP_PROFILE names that profile"],
        ),
        (
            "DELETES=archiv",
            ["DELETES must be one of ignore, archive, delete, not archiv", 'did you mean "archive"?'],
        ),
        ("CHARGEBEE_SITE=…\nCHARGEBEE_API_KEY=k", ["still the placeholder"]),
        ("NODE_PORT=9042\nNODE_PORT=9043", ["line 2: NODE_PORT is there twice"]),
        ("anything=1", ["anything in .env is not a setting"]),
        ("chargebee_site=acme-test", ['did you mean "CHARGEBEE_SITE"?']),
        ("ERP_BASE_URL=erp.example/api\nERP_TOKEN=t", ["ERP_BASE_URL must be an http:// or https:// URL"]),
        ("CHARGEBEE_BASE_URL=acme-test\nCHARGEBEE_API_KEY=k", ["CHARGEBEE_BASE_URL must be an http"]),
    ],
)
def test_what_is_half_filled_or_misspelt_is_refused(tmp_path: Path, text: str, said: list[str]) -> None:
    message = refused(tmp_path, text)
    assert not [part for part in said if part not in message], message


def test_a_profiles_own_variables_count_as_much_as_the_shipped_ones(tmp_path: Path, profile: Path) -> None:
    named = f"ERP_PROFILE={profile}\n"
    assert "OWN_ERP_KEY and OWN_ERP_URL are missing" in refused(tmp_path, named)
    assert "OWN_ERP_KEY is missing" in refused(tmp_path, f"{named}OWN_ERP_URL=https://erp.example")
    assert 'did you mean "OWN_ERP_KEY"?' in refused(
        tmp_path, f"{named}OWN_ERP_URL=https://e.example\nOWN_ERP_KYE=k"
    )
    (tmp_path / ".env").write_text(f"{named}OWN_ERP_URL=https://erp.example/\nOWN_ERP_KEY=k\n")
    settings = from_environment("demo", tmp_path / "data", root=tmp_path)
    assert settings.real_erp and settings.systems == {
        "customerp": "https://erp.example",
        "chargebee": "sandbox",
    }


def test_the_variables_of_the_process_are_looked_at_too(tmp_path: Path) -> None:
    assert 'did you mean "CHARGEBEE_SITE"?' in refused(tmp_path, "", {"CHARGEBEE_SIET": "acme-test"})
    assert "CHARGEBEE_API_KEY is missing" in refused(tmp_path, "", {"CHARGEBEE_SITE": "acme-test"})
    found = read(tmp_path / "none", {"ERP_HOME": "/opt/erp", "PATH": "/bin", "ONCE": "1"})
    assert not is_real_erp(found) and not is_real_chargebee(found)


@pytest.mark.parametrize(
    ("text", "erp", "chargebee"),
    [
        ("", False, False),
        ("# nothing\nCHARGEBEE_SITE=\nCHARGEBEE_API_KEY=\nERP_BASE_URL=\n", False, False),
        ("CHARGEBEE_SITE=acme-test\nCHARGEBEE_API_KEY=k", False, True),
        ("CHARGEBEE_BASE_URL=https://acme-test.eu.chargebee.com/api/v2\nCHARGEBEE_API_KEY=k", False, True),
        ("ERP_BASE_URL=https://erp.example\nERP_TOKEN=t", True, False),
        (
            "ERP_PROFILE=cursor\nERP_BASE_URL=https://erp.example\nERP_TOKEN=t\nHTTPS_PROXY=http://p:1\nTZ=UTC",
            True,
            False,
        ),
    ],
)
def test_which_systems_are_real(tmp_path: Path, text: str, erp: bool, chargebee: bool) -> None:
    (tmp_path / ".env").write_text(text)
    values = read(tmp_path / ".env", {})
    assert (is_real_erp(values), is_real_chargebee(values)) == (erp, chargebee)


def test_every_documented_setting_may_stand_in_the_file(tmp_path: Path) -> None:
    page = (
        (ROOT / "docs" / "reference" / "settings.md")
        .read_text(encoding="utf-8")
        .partition("## Of the local node")[0]
    )
    documented = {
        name
        for row in page.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])
    }
    assert len(documented) > 25
    assert documented <= KNOWN
    assert {*OF_ERP, *OF_CHARGEBEE} <= documented


def test_quotes_comments_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfexport NODE_PORT = '9100'\n# x\n\nLOG_LEVEL=\"DEBUG\"\n")
    assert read_env_file(tmp_path / ".env") == {"NODE_PORT": "9100", "LOG_LEVEL": "DEBUG"}
