"""One table of settings: what is read, what is refused, and what the page and the log may know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.settings import (
    BadSetting,
    choice,
    file,
    integer,
    number,
    read,
    rows,
    secrets_of,
    setting,
    text,
    url,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    key: str = setting("THE_KEY", "a key", text, secret=True)
    port: int = setting("THE_PORT", "a port", integer(1, 65535), 80)
    pause: float = setting("THE_PAUSE", "a pause", number(0, 10), 0.5)
    mode: str = setting("THE_MODE", "a mode", choice("All", "none"), "All")
    address: str | None = setting("THE_ADDRESS", "an address", url, None, shown="from the key")
    certificate: str | None = setting("THE_FILE", "a file", file, None)
    systems: Mapping[str, str] = setting("THE_SYSTEMS", "some systems", lambda value: {"a": value}, {})
    given: int = 7


KEY = {"THE_KEY": "s3cret"}


def test_defaults_stand_where_nothing_is_said() -> None:
    found = read(Settings, {**KEY, "THE_PORT": "", "THE_MODE": "  "})
    assert (found.port, found.pause, found.mode, found.address, found.systems, found.given) == (
        80,
        0.5,
        "All",
        None,
        {},
        7,
    )
    assert read(Settings, KEY, given=8).given == 8


def test_what_is_said_is_read() -> None:
    values = {
        "THE_PORT": "81",
        "THE_PAUSE": "1e-1",
        "THE_MODE": "NONE",
        "THE_ADDRESS": " http://x/y/ ",
        "THE_SYSTEMS": "b",
    }
    found = read(Settings, {**KEY, **values})
    assert (found.port, found.pause, found.mode, found.address, found.systems) == (
        81,
        0.1,
        "none",
        "http://x/y",
        {"a": "b"},
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("THE_KEY", "", "THE_KEY is required"),
        ("THE_PORT", "0", "THE_PORT must be a whole number from 1 to 65535"),
        ("THE_PORT", "1.5", "THE_PORT must be a whole number"),
        ("THE_PAUSE", "nan", "THE_PAUSE must be a number from 0 to 10"),
        ("THE_MODE", "nona", 'THE_MODE must be one of All, none, not nona; did you mean "none"?'),
        ("THE_ADDRESS", "ftp://x", "THE_ADDRESS must be an http:// or https:// URL"),
        ("THE_ADDRESS", "http://u:p@x", "THE_ADDRESS must not hold a user"),
        ("THE_FILE", "/no/such/file", "THE_FILE must be a file"),
    ],
)
def test_a_bad_one_is_named_with_what_it_must_be(name: str, value: str, said: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read(Settings, {**KEY, name: value})
    assert str(caught.value).startswith(said)


def test_the_caller_chooses_the_error() -> None:
    with pytest.raises(LookupError, match="THE_KEY/is required"):
        read(Settings, {}, lambda name, problem: LookupError(f"{name}/{problem}"))


def test_a_file_that_is_there_will_do(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    assert read(Settings, {**KEY, "THE_FILE": str(tmp_path / "ca.pem")}).certificate == str(
        tmp_path / "ca.pem"
    )


def test_the_rows_tell_all_that_a_page_needs() -> None:
    found = rows(Settings)
    assert [row.name for row in found.values()] == [
        "THE_KEY",
        "THE_PORT",
        "THE_PAUSE",
        "THE_MODE",
        "THE_ADDRESS",
        "THE_FILE",
        "THE_SYSTEMS",
    ]
    assert [row.default for row in found.values()] == ["", "80", "0.5", "All", "from the key", "", "{}"]
    assert secrets_of(read(Settings, KEY)) == ["s3cret"]
