"""Which ports, folders and systems a stack uses: from the environment, a `.env` file, or free for tests.

The environment wins over `.env`. A real system that is configured there takes the sandbox's place, and every
other setting of its service (ERP_PROFILE, ERP_TOKEN, …) is handed on.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from core.settings import BadSetting, read
from stack import environment
from stack.environment import PORTS, ROOT, PipeSettings, Ports

HOST = "127.0.0.1"
SANDBOX = "sandbox"


@dataclass(frozen=True)
class StackSettings:
    """What a stack is started with.

    `environment` goes to the children besides their own settings, `variables` override prod-env.json,
    `config` is the folder with the configuration that the node gets.
    """

    ports: Mapping[str, int]
    folder: Path
    data: str = "demo"
    real_erp: bool = False
    real_chargebee: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    sync_config: Path | None = None
    config: Path = ROOT

    @property
    def credentials(self) -> tuple[str, str] | None:
        """What callers of the services must present, None when that is nothing."""
        user, password = (self.environment.get(f"SERVICE_{part}", "") for part in ("USERNAME", "PASSWORD"))
        return (user, password) if user and password else None

    @property
    def node_variables(self) -> dict[str, str]:
        """What overrides prod-env.json: `variables`, that shares are made, and how to call the services."""
        found = {"share-mode": "scheduled"}
        if self.credentials is not None:
            found |= {"service-auth": "basic", "service-username": self.credentials[0]}
        return {**found, **self.variables}

    @property
    def node_secrets(self) -> dict[str, str]:
        """Secrets that the systems name and this node needs."""
        return {"service-password": self.credentials[1]} if self.credentials else {}

    @property
    def systems(self) -> dict[str, str]:
        """What is synced: each system's address, or SANDBOX."""
        return {
            "customerp": environment.erp_address(self.environment) if self.real_erp else SANDBOX,
            "chargebee": environment.chargebee_address(self.environment) if self.real_chargebee else SANDBOX,
        }

    def url(self, name: str) -> str:
        """Return where a process of the stack listens, without a path."""
        return f"http://{HOST}:{self.ports[name]}"


def from_environment(data: str, folder: Path, root: Path = ROOT) -> StackSettings:
    """Return the settings of `make run`; `.env` is looked for in `root`. Raises BadSetting."""
    if not (ROOT / "pipes").is_dir():
        raise BadSetting(f"there is no configuration in {ROOT}: start it in a checkout of the project")
    values = environment.read(root / ".env", os.environ)
    real_chargebee = environment.is_real_chargebee(values)
    given = asdict(read(PipeSettings, values))
    variables = {name.replace("_", "-"): value for name, value in given.items() if value}
    if real_chargebee:
        variables.setdefault("orders", "link-only")
    return StackSettings(
        ports={name.replace("_", "-"): port for name, port in asdict(read(Ports, values)).items()},
        folder=folder,
        data=data,
        real_erp=environment.is_real_erp(values),
        real_chargebee=real_chargebee,
        environment=values,
        variables=variables,
        sync_config=root / ".syncconfig" if folder == root / ".data" else None,
    )


def for_tests(folder: Path, data: str) -> StackSettings:
    """Sandboxes on free ports, nothing read from `.env`, short pauses before calls are repeated."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    system = {name: os.environ[name] for name in kept if name in os.environ}
    return StackSettings(
        free_ports(), folder, data, environment={**system, "UPSTREAM_BACKOFF_SECONDS": "0.05"}
    )


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
    """Raise BadSetting naming every taken port with the setting that moves it."""
    taken = [name for name, port in ports.items() if not _is_free(port)]
    if taken:
        lines = [
            f"port {ports[name]} of {name} is taken: set {PORTS[name].name} to another" for name in taken
        ]
        raise BadSetting("; ".join(lines))


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, port))
        except OSError:
            return False
    return True
