"""Which ports, folders and systems a stack uses: from the environment, a `.env` file, or free for tests.

The environment wins over `.env`. With ERP_BASE_URL, or CHARGEBEE_SITE and CHARGEBEE_API_KEY, the real system
takes the sandbox's place, and every other setting of its service (ERP_PROFILE, ERP_TOKEN, …) is handed on.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
PORTS = {
    "erp-sandbox": ("ERP_SANDBOX_PORT", 8701),
    "chargebee-sandbox": ("CHARGEBEE_SANDBOX_PORT", 8702),
    "erp-service": ("ERP_SERVICE_PORT", 5001),
    "chargebee-service": ("CHARGEBEE_SERVICE_PORT", 5002),
    "node": ("NODE_PORT", 9042),
}
PIPE_SETTINGS = {"DELETES": "deletes", "ORDERS": "orders", "QUOTES": "quotes", "ITEM_FAMILY": "item-family"}
"""Environment variables that override a variable of prod-env.json, which the pipes read."""
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")


class SettingError(ValueError):
    """A setting cannot be used; the message names it and says what to change."""


@dataclass(frozen=True)
class StackSettings:
    """`environment` goes to the children besides their own settings, `variables` override prod-env.json,
    `config` is the folder with the configuration that the node gets.
    """

    ports: Mapping[str, int]
    folder: Path
    data: str = "demo"
    real_erp: bool = False
    real_chargebee: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    schedule: bool = False
    sync_config: Path | None = None
    config: Path = ROOT

    @property
    def credentials(self) -> tuple[str, str] | None:
        """What callers of the services must present, None when that is nothing."""
        user, password = (self.environment.get(f"SERVICE_{part}", "") for part in ("USERNAME", "PASSWORD"))
        return (user, password) if user and password else None

    @property
    def node_variables(self) -> dict[str, str]:
        """What overrides prod-env.json: `variables`, and how the node is to call the services."""
        if self.credentials is None:
            return dict(self.variables)
        return {"service-auth": "basic", "service-username": self.credentials[0], **self.variables}

    @property
    def node_secrets(self) -> dict[str, str]:
        """Secrets that the systems name and this node needs."""
        return {"service-password": self.credentials[1]} if self.credentials else {}

    def url(self, name: str) -> str:
        """Where a process of the stack listens, without a path."""
        return f"http://{HOST}:{self.ports[name]}"


def from_environment(data: str, schedule: bool, folder: Path, root: Path = ROOT) -> StackSettings:
    """The settings of `make run`; `.env` is looked for in `root`. Raises SettingError."""
    values = {**read_env_file(root / ".env"), **os.environ}
    real_chargebee = bool(values.get("CHARGEBEE_SITE") and values.get("CHARGEBEE_API_KEY"))
    variables = {name: values[key] for key, name in PIPE_SETTINGS.items() if values.get(key)}
    if real_chargebee:
        variables.setdefault("orders", "link-only")
    return StackSettings(
        ports={name: _port(values, key, default) for name, (key, default) in PORTS.items()},
        folder=folder,
        data=data,
        real_erp=bool(values.get("ERP_BASE_URL")),
        real_chargebee=real_chargebee,
        environment=values,
        variables=variables,
        schedule=schedule,
        sync_config=root / ".syncconfig" if folder == root / ".data" else None,
    )


def for_tests(folder: Path, data: str) -> StackSettings:
    """Sandboxes on free ports, nothing read from `.env`, short pauses before calls are repeated."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    system = {name: os.environ[name] for name in kept if name in os.environ}
    return StackSettings(
        free_ports(), folder, data, environment={**system, "UPSTREAM_BACKOFF_SECONDS": "0.05"}
    )


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; blank lines and `#` comments are passed over, quotes around a value dropped."""
    values: dict[str, str] = {}
    if not path.is_file():
        return values
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found:
            raise SettingError(f"{path.name} line {number} is not of the form NAME=value")
        name, value = found.groups()
        is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        values[name] = value[1:-1] if is_quoted else value
    return values


def free_ports() -> dict[str, int]:
    """One port for each process, all different and free a moment ago."""
    with ExitStack() as sockets:
        ports = {}
        for name in PORTS:
            sock = sockets.enter_context(socket.socket())
            sock.bind((HOST, 0))
            ports[name] = int(sock.getsockname()[1])
        return ports


def check_free(ports: Mapping[str, int]) -> None:
    """Raise SettingError naming every taken port with the setting that moves it."""
    taken = [name for name, port in ports.items() if not _is_free(port)]
    if taken:
        lines = [f"port {ports[name]} of {name} is taken: set {PORTS[name][0]} to another" for name in taken]
        raise SettingError("; ".join(lines))


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, port))
        except OSError:
            return False
    return True


def _port(values: Mapping[str, str], key: str, default: int) -> int:
    text = values.get(key, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise SettingError(f"{key} must be a port from 1 to 65535, not {text!r}")
    return int(text)
