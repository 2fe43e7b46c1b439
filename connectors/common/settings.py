"""Read settings from the environment, once, into frozen objects; a bad one is named and explained."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

from connectors.common.errors import SettingsError

T = TypeVar("T")

_LOAD_ERROR = 4
"""Exit status on which gunicorn gives up instead of starting the worker again."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Environment:
    """Typed access to environment variables; every problem is a `SettingsError` naming the variable.

    An empty variable counts as missing. `secrets` collects the values that must reach no log.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.secrets: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        """A string; required when there is no default."""
        value = self._values.get(name, "").strip() or default
        if value is None:
            raise SettingsError(name, "is required")
        return value

    def optional(self, name: str) -> str | None:
        """A string, or None when missing."""
        return self._values.get(name, "").strip() or None

    def secret(self, name: str, default: str | None = None) -> str:
        """A required string that must reach no log."""
        value = self.text(name, default)
        self.secrets.append(value)
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return self._number(name, default, low, high, int, "a whole number")

    def seconds(self, name: str, default: float, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return self._number(name, default, low, high, float, "a number")

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of `allowed`, whatever its case."""
        value = self.text(name, default)
        for known in allowed:
            if known.lower() == value.lower():
                return known
        raise SettingsError(name, f"must be one of {', '.join(allowed)}")

    def url(self, name: str, default: str | None = None) -> str:
        """An http or https URL without user, password, query and fragment; no slash at the end."""
        return checked_url(name, self.text(name, default))

    def file(self, name: str) -> str | None:
        """The path of a readable file, or None when missing."""
        value = self.optional(name)
        if value is not None and not Path(value).is_file():
            raise SettingsError(name, f"there is no file {value}")
        return value

    def _number(self, name: str, default: T, low: T, high: T, parse: Callable[[str], T], called: str) -> T:
        text = self.optional(name)
        if text is None:
            return default
        try:
            value = parse(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:  # type: ignore[operator]
            raise SettingsError(name, f"must be {called} from {low} to {high}")
        return value


def checked_url(name: str, value: str) -> str:
    """`value` without a slash at its end if it is a plain http(s) URL, else `SettingsError` for `name`."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(name, "must be an http:// or https:// URL")
    if parts.username or parts.password:
        raise SettingsError(name, "must not hold a user or password; credentials have settings of their own")
    if parts.query or parts.fragment:
        raise SettingsError(name, "must not hold a query or fragment")
    return value.rstrip("/")


@dataclass(frozen=True, slots=True)
class CommonSettings:
    """What every service can be told. Sizes in bytes, times in seconds."""

    username: str | None
    password: str | None
    log_level: str
    max_request_bytes: int
    page_size: int
    connect_timeout: float
    read_timeout: float
    attempts: int
    backoff: float
    max_wait: float
    ca_file: str | None
    secrets: tuple[str, ...]


def common_settings(env: Environment) -> CommonSettings:
    """Read the settings that both services share. Call it after the service's own, so that `secrets` is
    whole.
    """
    username, password = env.optional("SERVICE_USERNAME"), env.optional("SERVICE_PASSWORD")
    if (username is None) != (password is None):
        missing = "SERVICE_PASSWORD" if password is None else "SERVICE_USERNAME"
        raise SettingsError(
            missing, "is required when the other of SERVICE_USERNAME and SERVICE_PASSWORD is set"
        )
    if password is not None:
        env.secrets.append(password)
    return CommonSettings(
        username=username,
        password=password,
        log_level=env.choice("LOG_LEVEL", "INFO", LOG_LEVELS),
        max_request_bytes=env.integer("MAX_REQUEST_BYTES", 4 * 1024 * 1024, 1024, 1024**3),
        page_size=env.integer("PAGE_SIZE", 100, 1, 10_000),
        connect_timeout=env.seconds("CONNECT_TIMEOUT_SECONDS", 5.0, 0.1, 300.0),
        read_timeout=env.seconds("READ_TIMEOUT_SECONDS", 30.0, 0.1, 3600.0),
        attempts=env.integer("UPSTREAM_ATTEMPTS", 5, 1, 20),
        backoff=env.seconds("UPSTREAM_BACKOFF_SECONDS", 0.5, 0.0, 60.0),
        max_wait=env.seconds("UPSTREAM_MAX_WAIT_SECONDS", 60.0, 0.0, 3600.0),
        ca_file=env.file("UPSTREAM_CA_FILE"),
        secrets=tuple(env.secrets),
    )


def stop(service: str, error: SettingsError) -> NoReturn:
    """End the process with one line that names the setting; gunicorn does not try again after this."""
    print(f"{service}: cannot start: {error.detail}", file=sys.stderr, flush=True)
    raise SystemExit(_LOAD_ERROR)
