"""Settings: typed, checked once, and named when they are bad."""

from __future__ import annotations

import json

import pytest

from connectors.common.errors import SettingsError
from connectors.common.logs import Redactor
from connectors.common.settings import Environment, common_settings
from core.jsonio import dumps, loads, pointer, type_name


def test_defaults() -> None:
    settings = common_settings({})
    assert (settings.page_size, settings.username, settings.log_level) == (100, None, "INFO")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAGE_SIZE", "0"),
        ("PAGE_SIZE", "many"),
        ("LOG_LEVEL", "LOUD"),
        ("MAX_REQUEST_BYTES", "-1"),
        ("READ_TIMEOUT_SECONDS", "nan"),
        ("CONNECT_TIMEOUT_SECONDS", "1e9"),
        ("UPSTREAM_ATTEMPTS", "1.5"),
        ("UPSTREAM_BACKOFF_SECONDS", "-1"),
        ("UPSTREAM_CA_FILE", "/no/such/file"),
    ],
)
def test_a_bad_setting_names_itself(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        common_settings({name: value})
    assert caught.value.name == name
    assert "\n" not in caught.value.detail


def test_user_and_password_come_together() -> None:
    with pytest.raises(SettingsError, match="SERVICE_PASSWORD"):
        common_settings({"SERVICE_USERNAME": "x"})
    with pytest.raises(SettingsError, match="SERVICE_USERNAME"):
        common_settings({"SERVICE_PASSWORD": "x"})


@pytest.mark.parametrize("url", ["ftp://x", "x", "http://", "http://u:p@x", "http://x?y=1", "http://x#y"])
def test_urls(url: str) -> None:
    with pytest.raises(SettingsError, match="THE_URL"):
        Environment({"THE_URL": url}).url("THE_URL")
    assert Environment({"THE_URL": " http://x/y/ "}).url("THE_URL") == "http://x/y"


def test_redactor() -> None:
    redact = Redactor(["s3cret-token", "x"])
    assert redact("a s3cret-token b") == "a *** b"
    assert redact("Authorization: Basic dXNlcjpwYXNz") == "Authorization: ***"
    assert redact("http://user:pass@host/x") == "http://***@host/x"
    assert redact("extra x") == "extra x", "too short to be told from ordinary text"


def test_json_with_long_integers_and_odd_texts() -> None:
    for value in (2**70, -(2**70), [2**63], {"a": 10**25}, "1" * 30, "5", 3.25, None, [True]):
        assert loads(dumps(value)) == value
        assert json.loads(dumps(value)) == value
    for text in (b"", b"{", b"nul", b"\xff"):
        with pytest.raises(ValueError):
            loads(text)


def test_pointer_and_type_names() -> None:
    assert pointer(["a/b", 0, "c~"]) == "/a~1b/0/c~0"
    assert [type_name(v) for v in (None, True, 1, 1.5, "", [], {})] == [
        "null",
        "boolean",
        "integer",
        "number",
        "string",
        "array",
        "object",
    ]
