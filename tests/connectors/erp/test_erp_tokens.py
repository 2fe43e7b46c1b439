"""Tokens: what a token call says besides, refresh tokens that change with each use, cookies, and refusals."""

from __future__ import annotations

import base64
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import pytest

from connectors.common.errors import SettingsError
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

PEOPLE = [{"id": "1", "changed": "2026-01-01T00:00:00.000000Z"}]
SECRETS = {"ERP_USER": "ann", "ERP_TOKEN": "t0ps3cret", "ERP_FIRST": "r0"}


class TokenServer:
    """An ERP with a token endpoint. A refresh token counts once; one that is used again ends the consent.

    (RFC 9700, 4.14.2: the server cannot tell the thief from the client, and revokes what it gave.)
    """

    def __init__(self) -> None:
        self.refresh = "r0"
        self.access = {"none"}
        self.revoked = False
        self.calls: list[Asked] = []
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Reply:
        with self._lock:
            if asked.path == "/token":
                self.calls.append(asked)
                return self.token(asked)
            given = asked.headers.get("Authorization", "").removeprefix("Bearer ")
            return Reply(PEOPLE) if given in self.access else Reply({"message": "who?"}, 401)

    def token(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode()))
        if form["refresh_token"] != self.refresh or self.revoked:
            self.revoked = True
            return Reply({"error": "invalid_grant", "error_description": "Refresh token\nhas been used"}, 400)
        self.refresh = f"r{int(self.refresh[1:]) + 1}"
        self.access = {f"a{self.refresh[1:]}"}
        return Reply(
            {"access_token": f"a{self.refresh[1:]}", "refresh_token": self.refresh, "expires_in": 3600}
        )


@pytest.fixture
def server() -> TokenServer:
    return TokenServer()


@pytest.fixture
def upstream(server: TokenServer) -> Iterator[Upstream]:
    with scripted_upstream(server) as running:
        yield running


def refreshing(upstream: Upstream, **more: Any) -> dict[str, Any]:
    auth = {
        "type": "oauth2_refresh_token",
        "token_url": f"{upstream.url}/token",
        "client_id": "${ERP_USER}",
        "client_secret": "${ERP_TOKEN}",
        "refresh_token": "${ERP_FIRST}",
        "keep_in": "${ERP_TOKEN_FILE}",
        **more,
    }
    return profile({"auth": auth})


def test_a_refresh_token_that_changes_is_kept_over_restarts(
    server: TokenServer, upstream: Upstream, tmp_path: Path
) -> None:
    kept = tmp_path / "tokens.json"
    environment = {**SECRETS, "ERP_TOKEN_FILE": str(kept)}
    for calls in (1, 1):
        client = app_of(tmp_path, upstream.url, refreshing(upstream), **environment)
        assert client.get("/contact/entities").status_code == 200
        assert len(server.calls) == calls, "what lasts is taken from the file"
    server.access = {"none"}
    assert client.get("/contact/entities").status_code == 200, "a 401 fetches another"
    assert (server.refresh, len(server.calls)) == ("r2", 2)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "r0" not in kept.read_text()
    client = app_of(tmp_path, upstream.url, refreshing(upstream), **{**environment, "ERP_FIRST": "r9"})
    server.refresh = "r9"
    server.access = {"none"}
    assert client.get("/contact/entities").status_code == 200, "a new one of a person's begins again"
    assert server.refresh == "r10"


def test_replicas_share_the_file_and_never_use_a_refresh_token_twice(
    server: TokenServer, upstream: Upstream, tmp_path: Path
) -> None:
    environment = {**SECRETS, "ERP_TOKEN_FILE": str(tmp_path / "tokens.json")}
    replicas = [app_of(tmp_path, upstream.url, refreshing(upstream), **environment) for _ in range(4)]
    for turn in range(3):
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda one: one.get("/contact/entities").status_code, replicas))
        assert found == [200] * 4
        assert not server.revoked
        assert len(server.calls) == turn + 1
        server.access = {"none"}


def test_a_token_call_that_is_refused_says_what_the_erp_says(
    server: TokenServer, upstream: Upstream, tmp_path: Path
) -> None:
    server.revoked = True
    environment = {**SECRETS, "ERP_TOKEN_FILE": str(tmp_path / "tokens.json")}
    answer = app_of(tmp_path, upstream.url, refreshing(upstream), **environment).get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")
    detail = answer.json["detail"]
    assert "invalid_grant, Refresh token has been used" in detail
    assert "log in once more" in detail
    assert "t0ps3cret" not in detail


def test_a_file_that_cannot_be_written_stops_the_service(upstream: Upstream, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ERP_TOKEN_FILE: must be the path of a file"):
        app_of(
            tmp_path, upstream.url, refreshing(upstream), **SECRETS, ERP_TOKEN_FILE=str(tmp_path / "no" / "x")
        )


@pytest.mark.parametrize("grant", ["client_credentials", "password"])
def test_token_calls_say_more_where_the_erp_wants_it(tmp_path: Path, grant: str) -> None:
    def script(asked: Asked) -> Reply:
        if asked.path != "/token":
            return Reply(PEOPLE) if asked.headers["X-Auth"] == "tok a1" else Reply({}, 401)
        assert asked.headers["TenantId"] == "7"
        body = asked.json
        assert (body["grant_type"], body["audience"], body["client_secret"]) == (grant, "erp", "t0ps3cret")
        if grant == "password":
            assert (body["username"], body["password"]) == ("ann", "t0ps3cret")
        return Reply(b"\xef\xbb\xbf" + json.dumps({"data": {"token": "a1"}}).encode())

    with scripted_upstream(script) as upstream:
        auth = {
            "type": f"oauth2_{grant}",
            "token_url": f"{upstream.url}/token",
            "client_id": "${ERP_USER}",
            "client_secret": "${ERP_TOKEN}",
            "client_in": "body",
            "sent_as": "json",
            "parameters": {"audience": "erp"},
            "headers": {"TenantId": "${ERP_TENANT}"},
            "token_path": "data.token",
            "header": "X-Auth",
            "template": "tok {token}",
        }
        if grant == "password":
            auth |= {"username": "${ERP_USER}", "password": "${ERP_TOKEN}"}
        client = app_of(tmp_path, upstream.url, profile({"auth": auth}), **SECRETS, ERP_TENANT="7")
        assert client.get("/contact/entities").status_code == 200


def test_a_literal_secret_among_the_parameters_is_refused(tmp_path: Path) -> None:
    auth = {
        "type": "oauth2_client_credentials",
        "token_url": "https://erp.example/token",
        "client_id": "${ERP_USER}",
        "client_secret": "${ERP_TOKEN}",
        "parameters": {"api_key": "hunter2"},
    }
    with pytest.raises(SettingsError, match="/connection/rest/auth/parameters/api_key"):
        app_of(tmp_path, "http://127.0.0.1:1", profile({"auth": auth}), **SECRETS)


def test_all_cookies_of_a_login_go_with_every_call_and_an_expired_session_begins_again(
    tmp_path: Path,
) -> None:
    logins: list[Any] = []

    def script(asked: Asked) -> Reply:
        if asked.path == "/Login":
            logins.append(asked.json)
            cookies = [f"SESSION=s{len(logins)}; HttpOnly", "ROUTE=.node2; path=/", "lang=en"]
            return Reply({}, headers={"Set-Cookie": cookies})
        if f"SESSION=s{len(logins)}" not in asked.headers.get("Cookie", "") or expired:
            expired.clear()
            return Reply({"error": {"code": 301, "message": "Invalid session"}})
        assert asked.headers["Cookie"] == f"SESSION=s{len(logins)}; ROUTE=.node2; lang=en"
        return Reply(PEOPLE)

    expired: list[bool] = []
    auth = {
        "type": "session",
        "path": "/Login",
        "cookies": True,
        "body": {"CompanyDB": "SBO", "Password": "${ERP_TOKEN}", "Language": 3, "roles": ["a"]},
    }
    errors = [{"when": {"path": "error.code", "equals": 301}, "action": "expired"}]
    with scripted_upstream(script) as upstream:
        client = app_of(tmp_path, upstream.url, profile({"auth": auth, "errors": errors}), **SECRETS)
        assert client.get("/contact/entities").status_code == 200
        expired.append(True)
        assert client.get("/contact/entities").status_code == 200
        assert len(logins) == 2
        assert logins[0] == {"CompanyDB": "SBO", "Password": "t0ps3cret", "Language": 3, "roles": ["a"]}
        upstream.script = lambda asked: (
            Reply({"error": {"code": 301}}) if asked.path != "/Login" else script(asked)
        )
        answer = client.get("/contact/entities")
        assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")


LOGINS: list[tuple[str, Reply, dict[str, Any], str, str]] = [
    ("500, and the password is wrong", Reply({"said": {"why": "Invalid credentials"}}, 500), {"contains": "credentials"}, "refused", "fix-settings"),
    ("200, and the password is wrong", Reply({"said": {"why": "no such user"}}), {"present": True}, "rejected", "fix-settings"),
    ("403, and it is being maintained", Reply({"said": {"why": "closed until six"}}, 403), {"contains": "closed"}, "unavailable", "wait"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "when", "action", "kind"), [one[1:] for one in LOGINS], ids=[one[0] for one in LOGINS]
)
def test_a_login_is_understood_by_the_rules_of_all_calls(
    tmp_path: Path, reply: Reply, when: dict[str, Any], action: str, kind: str
) -> None:
    auth = {"type": "session", "path": "/Login", "token_path": "token", "body": {"key": "${ERP_TOKEN}"}}
    errors = [{"when": {"path": "said.why", **when}, "action": action}]
    rest = {"auth": auth, "errors": errors, "error_message": "said.why"}
    with scripted_upstream(lambda asked: reply) as upstream:
        answer = app_of(tmp_path, upstream.url, profile(rest), **SECRETS).get("/contact/entities")
        assert answer.json["kind"] == kind
        assert reply.body["said"]["why"] in answer.json["detail"]


def sent(asked: Asked) -> str:
    """Return the query as it was sent."""
    return urlencode(asked.query, quote_via=quote, safe="")


def of_query(asked: Asked) -> bytes:
    """Return what Unleashed signs: https://apidocs.unleashedsoftware.com/AuthenticationHelp."""
    return base64.b64encode(hmac.digest(b"t0ps3cret", sent(asked).encode(), "sha256"))


def of_all(asked: Asked) -> bytes:
    text = f"{asked.headers['X-Time']}{asked.method}{asked.path}?{sent(asked)}{asked.body.decode()}"
    return b"v1=" + hmac.digest(b"t0ps3cret", text.encode(), "sha512").hex().encode()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, of_query),
        (
            {
                "signed": "{timestamp}{method}{path}?{query}{body}",
                "written_as": "hex",
                "hash": "sha512",
                "template": "v1={signature}",
                "timestamp_header": "X-Time",
            },
            of_all,
        ),
    ],
)
def test_calls_are_signed_with_a_key_that_is_never_sent(
    tmp_path: Path, more: dict[str, Any], expected: Callable[[Asked], bytes]
) -> None:
    def script(asked: Asked) -> Reply:
        signed = hmac.compare_digest(asked.headers["X-Signature"].encode(), expected(asked))
        return Reply(PEOPLE) if signed else Reply({"message": "who?"}, 403)

    auth = {"type": "signature", "key": "${ERP_TOKEN}", "header": "X-Signature", **more}
    with scripted_upstream(script) as upstream:
        for listing in ({"query": {"who": "a b/ø", "tag": "x"}}, {"method": "POST", "body": {"name": "ø"}}):
            document = profile({"auth": auth}, list=listing)
            answer = app_of(tmp_path, upstream.url, document, **SECRETS).get("/contact/entities")
            assert answer.status_code == 200, answer.json
        refused = app_of(tmp_path, upstream.url, document, **{**SECRETS, "ERP_TOKEN": "other"})
        assert refused.get("/contact/entities").json["kind"] == "fix-settings"


def test_calls_are_signed_as_oauth_1_says(tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        said = dict(re.findall(r'(\w+)="([^"]*)"', asked.headers["Authorization"]))
        parts = {
            name: unquote(value) for name, value in said.items() if name not in ("realm", "oauth_signature")
        }
        # RFC 5849, 3.4.1: method, address and all parameters in order, each encoded.
        pairs = sorted((quote(n, safe=""), quote(v, safe="")) for n, v in {**asked.query, **parts}.items())
        text = "&".join(f"{name}={value}" for name, value in pairs)
        base = "&".join(quote(one, safe="") for one in (asked.method, upstream.url + asked.path, text))
        digest = hmac.digest(b"c0nsumer&t0ps3cret", base.encode(), "sha256")
        good = unquote(said["oauth_signature"]) == base64.b64encode(digest).decode()
        return Reply(PEOPLE) if good and said["realm"] == "123_SB1" else Reply({"message": "who?"}, 401)

    auth = {
        "type": "oauth1",
        "consumer_key": "${ERP_USER}",
        "consumer_secret": "${ERP_CONSUMER}",
        "token": "${ERP_FIRST}",
        "token_secret": "${ERP_TOKEN}",
        "realm": "${ERP_ACCOUNT}",
    }
    environment = {**SECRETS, "ERP_CONSUMER": "c0nsumer", "ERP_ACCOUNT": "123_SB1"}
    with scripted_upstream(script) as upstream:
        for listing in ({"query": {"q": 'name IS "a b/ø"'}}, {"method": "POST", "body": {"name": "ø"}}):
            document = profile({"auth": auth}, list=listing)
            answer = app_of(tmp_path, upstream.url, document, **environment).get("/contact/entities")
            assert answer.status_code == 200, answer.json
        refused = app_of(tmp_path, upstream.url, document, **{**environment, "ERP_CONSUMER": "other"})
        assert refused.get("/contact/entities").json["kind"] == "fix-settings"
