"""Where a stack's settings come from, and what is said about bad ones."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from core.settings import BadSetting
from stack.environment import PORTS, read_env_file
from stack.settings import check_free, for_tests, from_environment

NAMES = [row.name for row in PORTS.values()] + [
    "ERP_BASE_URL",
    "CHARGEBEE_SITE",
    "CHARGEBEE_API_KEY",
    "CHARGEBEE_BASE_URL",
    "ERP_PROFILE",
    "ERP_TOKEN",
    "ORDERS",
]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_those_of_the_documents(tmp_path: Path) -> None:
    settings = from_environment("demo", tmp_path, root=tmp_path)
    assert sorted(settings.ports.values()) == [5001, 5002, 8701, 8702, 9042]
    assert not settings.real_erp
    assert not settings.real_chargebee
    assert settings.variables == {}


def test_environment_wins_over_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("NODE_PORT=9100\nERP_SANDBOX_PORT = '8800'\n# x\n\nexport ORDERS=import\n")
    monkeypatch.setenv("NODE_PORT", "9200")
    settings = from_environment("demo", tmp_path, root=tmp_path)
    assert (settings.ports["node"], settings.ports["erp-sandbox"]) == (9200, 8800)
    assert settings.variables == {"orders": "import"}


def test_real_systems_take_the_place_of_sandboxes(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "CHARGEBEE_SITE=acme-test\nCHARGEBEE_API_KEY=key\nERP_BASE_URL=https://erp.example\nERP_TOKEN=t\n"
    )
    settings = from_environment("demo", tmp_path, root=tmp_path)
    assert (settings.real_erp, settings.real_chargebee) == (True, True)
    assert settings.variables["orders"] == "link-only", (
        "the books of a real site are touched only when asked to"
    )
    assert settings.environment["CHARGEBEE_API_KEY"] == "key"


def test_bad_lines_and_ports_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("A=1\nnonsense\n")
    with pytest.raises(BadSetting, match="line 2"):
        read_env_file(tmp_path / ".env")
    (tmp_path / ".env").write_text("")
    monkeypatch.setenv("NODE_PORT", "90420")
    with pytest.raises(BadSetting, match="NODE_PORT"):
        from_environment("demo", tmp_path, root=tmp_path)


def test_a_taken_port_is_reported_with_its_setting() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        with pytest.raises(BadSetting, match=f"port {port} of node is taken: set NODE_PORT"):
            check_free({"node": port})


def test_tests_get_five_different_free_ports(tmp_path: Path) -> None:
    ports = for_tests(tmp_path, "empty").ports
    assert len(set(ports.values())) == 5
    check_free(ports)
