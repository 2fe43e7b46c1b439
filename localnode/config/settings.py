"""Settings of the node process itself, from the environment and the command line, checked once at start."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.flags import parse_flag
from core.settings import BadSetting, choice, integer, number, read, setting, text


def parse_systems(pairs: Iterable[str]) -> dict[str, str]:
    """`["billing=http://127.0.0.1:5001", …]` as a mapping; BadSetting names the pair that is wrong."""
    systems: dict[str, str] = {}
    for pair in pairs:
        name, equals, url = pair.strip().partition("=")
        parts = urlsplit(url)
        if not equals or not name or parts.scheme not in ("http", "https") or not parts.netloc:
            raise BadSetting(f'"{pair}" is not of the form system=http://host:port')
        systems[name] = url.rstrip("/")
    return systems


def _systems(value: str) -> dict[str, str]:
    return parse_systems(pair for pair in value.split(",") if pair.strip())


@dataclass(frozen=True)
class NodeSettings:
    """How this node runs. `systems` maps system ids to the only addresses its pipes may reach."""

    data: Path = setting("NODE_DATA", "data folder", Path, Path(".data/node"))
    host: str = setting("NODE_HOST", "address to listen on", text, "127.0.0.1")
    port: int = setting("NODE_PORT", "where the local node listens", integer(0, 65535), 9042)
    systems: Mapping[str, str] = setting(
        "NODE_SYSTEMS",
        "the only addresses that pipes may reach: `system=http://host:port`, separated by commas",
        _systems,
        {},
        shown="",
    )
    schedule: bool = True
    open_loopback: bool = setting(
        "NODE_OPEN_LOOPBACK", "callers on this machine need no token", parse_flag, True
    )
    pump_threads: int = setting("NODE_PUMP_THREADS", "pumps that run at the same time", integer(1, 64), 4)
    http_threads: int = setting("NODE_HTTP_THREADS", "requests served at the same time", integer(4, 256), 32)
    max_body_bytes: int = setting(
        "NODE_MAX_BODY_BYTES", "a larger request body is refused", integer(1024, 1 << 40), 256 * 1024**2
    )
    request_timeout: float = setting(
        "NODE_REQUEST_TIMEOUT_SECONDS",
        "a request that is not complete by then is closed; large ones get another second for every 64 KiB",
        number(0.1, 3600),
        30.0,
    )
    stop_seconds: int = 8
    sync_writes: str = setting(
        "NODE_SYNC_WRITES",
        "`FULL`: writes survive a failure of the machine; `NORMAL`: they survive a failure of the process",
        choice("NORMAL", "FULL"),
        "NORMAL",
    )
    log_level: str = setting(
        "LOG_LEVEL",
        "`DEBUG`, `INFO`, `WARNING`, `ERROR`",
        choice("DEBUG", "INFO", "WARNING", "ERROR"),
        "INFO",
    )
    name: str = setting("NODE_NAME", "name of this node in alerts", text, "local node")


def settings_from_environment(env: Mapping[str, str] | None = None) -> NodeSettings:
    """Read the environment variables of `NodeSettings`; BadSetting names the one that is wrong."""
    return read(NodeSettings, os.environ if env is None else env)
