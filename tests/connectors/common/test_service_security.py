"""What keeps a service safe: TLS checked, callers who stall cut off, deep bodies refused, passwords compared evenly."""

from __future__ import annotations

import hmac
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.chargebee import app as chargebee_app
from connectors.common import auth
from connectors.erp import app as erp_app
from tests.support.processes import free_port, process, wait_until

SERVICES = {
    "chargebee": lambda url: {"CHARGEBEE_BASE_URL": f"{url}/api/v2", "CHARGEBEE_API_KEY": "key-1"},
    "erp": lambda url: {"ERP_BASE_URL": f"{url}/api/v1", "ERP_TOKEN": "token-1"},
}
APPS = {"chargebee": chargebee_app, "erp": erp_app}
READS = {"chargebee": "customer", "erp": "contact"}


@contextmanager
def serving(name: str, upstream: str, **settings: str) -> Iterator[str]:
    """A service under gunicorn with its production settings."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = ["python", "-m", "gunicorn", "-c", "connectors/common/gunicorn.conf.py"]
    env = {
        **SERVICES[name](upstream),
        "BIND": f"127.0.0.1:{port}",
        "UPSTREAM_BACKOFF_SECONDS": "0.01",
        "UPSTREAM_MAX_WAIT_SECONDS": "1",
        **settings,
    }
    with process([*command, f"connectors.{name}.app:create_app()"], f"{base}/health", env):
        yield base


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An https upstream with empty lists, and the certificate to trust."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"list": [], "items": [], "next": null}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    cert, key = certificate(tmp_path_factory.mktemp("tls"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}", cert
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", SERVICES)
def test_a_certificate_that_nobody_vouches_for_is_refused_and_can_be_trusted(
    name: str, secure: tuple[str, Path]
) -> None:
    url, cert = secure
    create_app = APPS[name].create_app
    answer = create_app(SERVICES[name](url)).test_client().get(f"/{READS[name]}/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")
    assert "TLS" in answer.json["detail"]
    trusting = {**SERVICES[name](url), "UPSTREAM_CA_FILE": str(cert)}
    answer = create_app(trusting).test_client().get(f"/{READS[name]}/entities")
    assert (answer.status_code, answer.json) == (200, [])


@pytest.mark.slow
def test_callers_who_stop_midway_do_not_take_all_threads() -> None:
    with serving("chargebee", "http://127.0.0.1:9", REQUEST_TIMEOUT_SECONDS="1", THREADS="4") as base:
        host, port = base.removeprefix("http://").split(":")
        head = b"POST /customer/share HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        whole = head + b"Content-Length: 100\r\n\r\n[{"
        stalled = []
        for text in (head, whole) * 6:
            stalled.append(socket.create_connection((host, int(port)), timeout=10))
            stalled[-1].sendall(text)
        started = time.monotonic()
        wait_until(lambda: requests.get(f"{base}/health", timeout=20).status_code == 200, what="health")
        assert time.monotonic() - started < 12
        said = [one.recv(4096).split(b"\r\n")[0] for one in stalled]
        assert b"HTTP/1.1 408 REQUEST TIMEOUT" in said
        for one in stalled:
            one.close()


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[" * 900 + b"]" * 900, b'[{"a":' * 40 + b"1" + b"}]" * 40,
                                  b"[" * 5000 + b"1" * 30 + b"]" * 5000])  # fmt: skip
def test_deep_bodies_harm_nothing(body: bytes) -> None:
    """They are refused as a whole, or the entity that is too deep is, alone."""
    from connectors.chargebee.app import create_app

    client = create_app(SERVICES["chargebee"]("http://127.0.0.1:9")).test_client()
    answer = client.post("/customer/share", data=body, content_type="application/json")
    said = answer.get_json()
    assert answer.status_code in (200, 400)
    assert (
        [entity["$status"] for entity in said] == ["rejected"]
        if answer.status_code == 200
        else said["detail"]
    )


def test_passwords_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.chargebee.app import create_app

    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    class Watched:
        compare_digest = staticmethod(compare)

    monkeypatch.setattr(auth, "hmac", Watched)
    settings = {
        **SERVICES["chargebee"]("http://127.0.0.1:9"),
        "SERVICE_USERNAME": "sesam", "SERVICE_PASSWORD": "pw-1",
        "WEBHOOK_USERNAME": "cb", "WEBHOOK_PASSWORD": "pw-2", "NODE_URL": "http://127.0.0.1:9/api",
    }  # fmt: skip
    client = create_app(settings).test_client()
    assert client.get("/", auth=("sesam", "wrong")).status_code == 401
    assert client.get("/", auth=("sesam", "pw-1")).status_code == 200
    assert client.post("/webhooks", auth=("cb", "wrong"), json={}).status_code == 401
    assert client.post("/webhooks", auth=("cb", "pw-2"), json={}).status_code == 422
    assert len(compared) == 4


@pytest.mark.parametrize("credentials", [None, ("sesam", "wrong"), ("", "")], ids=["none", "wrong", "empty"])
@pytest.mark.parametrize("name", APPS)
def test_whoever_has_no_credentials_gets_nothing(name: str, credentials: tuple[str, str] | None) -> None:
    settings = {
        **SERVICES[name]("http://127.0.0.1:9"),
        "SERVICE_USERNAME": "sesam", "SERVICE_PASSWORD": "pw-1", "WEBHOOK_USERNAME": "cb",
        "WEBHOOK_PASSWORD": "pw-2", "ERP_WEBHOOK_KEY": "key-2", "NODE_URL": "http://127.0.0.1:9/api",
    }  # fmt: skip
    app = APPS[name].create_app(settings)
    client, asked = app.test_client(), 0
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]*>", "x", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"} if path != "/health" else ():
            answer = client.open(path, method=method, auth=credentials, json=[])
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
            asked += 1
    assert asked >= 10
