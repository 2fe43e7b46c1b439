"""What counts as a request of another web site."""

from __future__ import annotations

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from core.origin import is_foreign, is_loopback


def request(host: str = "127.0.0.1:9042", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(EnvironBuilder(headers={"Host": host, **named}).get_environ())


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9042", "localhost:9042", "[::1]:9042", "127.0.0.2:80"]
)
def test_a_program_on_this_machine_is_at_home(host: str) -> None:
    assert not is_foreign(request(host))
    assert is_foreign(request(host), must_tell=True), "a form tells where it comes from"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9042", "10.0.0.1", "localhost.evil.example", "::1.evil.example"]
)
def test_a_foreign_name_that_leads_here_is_foreign(host: str) -> None:
    assert is_foreign(request(host))


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({"Origin": "http://127.0.0.1:9042"}, False),
        ({"Origin": "http://127.0.0.1:9042", "Sec_Fetch_Site": "same-origin"}, False),
        ({"Sec_Fetch_Site": "none"}, False),
        ({"Origin": "http://127.0.0.1:9043"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "https://evil.example"}, True),
        ({"Sec_Fetch_Site": "cross-site"}, True),
        ({"Origin": "http://127.0.0.1:9042", "Sec_Fetch_Site": "cross-site"}, True),
    ],
)
def test_browsers_tell_where_a_request_comes_from(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(request(**headers)) is foreign
    assert is_foreign(request(**headers), must_tell=True) is foreign


@pytest.mark.parametrize("host", [None, "", "example.com", "192.168.0.1"])
def test_other_machines_are_not_this_one(host: str | None) -> None:
    assert not is_loopback(host)
