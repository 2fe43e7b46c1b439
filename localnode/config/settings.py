"""Settings of the node process itself, from the environment and the command line, checked once at start."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from core.flags import parse_flag


class BadSetting(ValueError):
    """A setting that cannot be used; the message names it."""


@dataclass(frozen=True)
class NodeSettings:
    """How this node runs. `systems` maps system ids to the only addresses its pipes may reach."""

    data: Path = Path(".data/node")
    host: str = "127.0.0.1"
    port: int = 9042
    systems: Mapping[str, str] = field(default_factory=dict)
    schedule: bool = True
    open_loopback: bool = True
    pump_threads: int = 4
    http_threads: int = 32
    max_body_bytes: int = 256 * 1024 * 1024
    stop_seconds: int = 8
    sync_writes: str = "NORMAL"
    log_level: str = "INFO"


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


def settings_from_environment(env: Mapping[str, str] | None = None) -> NodeSettings:
    """Read NODE_PORT, NODE_HOST, NODE_DATA, NODE_SYSTEMS, NODE_OPEN_LOOPBACK, NODE_PUMP_THREADS,
    NODE_HTTP_THREADS, NODE_MAX_BODY_BYTES, NODE_SYNC_WRITES and LOG_LEVEL. Raises BadSetting."""
    values = os.environ if env is None else env
    default = NodeSettings()
    sync_writes = values.get("NODE_SYNC_WRITES", default.sync_writes).upper()
    if sync_writes not in ("NORMAL", "FULL"):
        raise BadSetting(f"NODE_SYNC_WRITES must be NORMAL or FULL, not {sync_writes}")
    return NodeSettings(
        data=Path(values.get("NODE_DATA") or default.data),
        host=values.get("NODE_HOST", default.host),
        port=_number(values, "NODE_PORT", default.port, 0, 65535),
        systems=parse_systems(pair for pair in values.get("NODE_SYSTEMS", "").split(",") if pair.strip()),
        open_loopback=_flag(values, "NODE_OPEN_LOOPBACK", default.open_loopback),
        pump_threads=_number(values, "NODE_PUMP_THREADS", default.pump_threads, 1, 64),
        http_threads=_number(values, "NODE_HTTP_THREADS", default.http_threads, 4, 256),
        max_body_bytes=_number(values, "NODE_MAX_BODY_BYTES", default.max_body_bytes, 1024, 1 << 40),
        sync_writes=sync_writes,
        log_level=values.get("LOG_LEVEL", default.log_level).upper(),
    )


def _number(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = values.get(name, "")
    if not text:
        return default
    if not text.isdigit() or not low <= int(text) <= high:
        raise BadSetting(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _flag(values: Mapping[str, str], name: str, default: bool) -> bool:
    text = values.get(name, "")
    try:
        return parse_flag(text) if text else default
    except ValueError as error:
        raise BadSetting(f"{name} {error}, not {text!r}") from None
