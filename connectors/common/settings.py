"""Define the settings of both services, and the environment variables that a profile may name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

from connectors.common.errors import SettingsError
from core.settings import choice, file, integer, number, read, secrets_of, setting, text, url

_LOAD_ERROR = 4
"""Exit status on which gunicorn gives up instead of starting the worker again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSettings:
    """The settings of every service. Sizes in bytes, times in seconds. `secrets` must reach no log."""

    username: str | None = setting(
        "SERVICE_USERNAME",
        "user name that callers must send (HTTP basic); no credentials are required if unset",
        text,
        None,
    )
    password: str | None = setting("SERVICE_PASSWORD", "the password for it", text, None, secret=True)
    page_size: int = setting("PAGE_SIZE", "records per upstream call", integer(1, 10_000), 100)
    max_request_bytes: int = setting(
        "MAX_REQUEST_BYTES", "a larger request body is refused with 413", integer(1024, 1024**3), 4 * 1024**2
    )
    connect_timeout: float = setting(
        "CONNECT_TIMEOUT_SECONDS", "how long an upstream call may take to connect", number(0.1, 300), 5.0
    )
    read_timeout: float = setting(
        "READ_TIMEOUT_SECONDS", "how long upstream may send nothing during a call", number(0.1, 3600), 30.0
    )
    call_seconds: float = setting(
        "UPSTREAM_CALL_SECONDS", "how long one upstream call may take as a whole", number(0.1, 3600), 120.0
    )
    attempts: int = setting(
        "UPSTREAM_ATTEMPTS", "attempts for an upstream call that may be repeated", integer(1, 20), 5
    )
    max_wait: float = setting(
        "UPSTREAM_MAX_WAIT_SECONDS",
        "how long one call may wait in total; a longer `Retry-After` is passed on as 503",
        number(0, 3600),
        60.0,
    )
    backoff: float = setting(
        "UPSTREAM_BACKOFF_SECONDS",
        "the pause before the first retry of a call, plus up to the same amount of jitter; it doubles"
        " with every further retry, up to 20 s",
        number(0, 60),
        0.5,
    )
    ca_file: str | None = setting(
        "UPSTREAM_CA_FILE", "certificates to trust upstream", file, None, shown="the system's"
    )
    log_level: str = setting(
        "LOG_LEVEL",
        "`DEBUG`, `INFO`, `WARNING`, `ERROR`",
        choice("DEBUG", "INFO", "WARNING", "ERROR"),
        "INFO",
    )
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """The settings of gunicorn, see `gunicorn.conf.py`."""

    bind: str = setting("BIND", "address and port to listen on", text, "0.0.0.0:5000")  # noqa: S104 - the only way to be reached in a container
    threads: int = setting("THREADS", "requests served at the same time", integer(1, 1000), 8)
    request_timeout: float = setting(
        "REQUEST_TIMEOUT_SECONDS",
        "a request that is not complete by then is answered 408 and closed; large ones get another"
        " second for every 64 KiB",
        number(0.1, 3600),
        30.0,
    )


class Environment:
    """Environment variables that a profile names. `secrets` collects values that must reach no log."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.secrets: list[str] = []

    def optional(self, name: str) -> str | None:
        """Return a text, or None when it is missing or empty."""
        return self.values.get(name, "").strip() or None

    def secret(self, name: str) -> str:
        """Return a text that must reach no log; `SettingsError` without it."""
        value = self._required(name)
        self.secrets.append(value)
        return value

    def url(self, name: str) -> str:
        """Return a plain http or https URL; `SettingsError` for anything else."""
        try:
            return url(self._required(name))
        except ValueError as problem:
            raise SettingsError(name, str(problem)) from None

    def _required(self, name: str) -> str:
        value = self.optional(name)
        if value is None:
            raise SettingsError(name, "is required")
        return value


def common_settings(values: Mapping[str, str], secrets: list[str] | None = None) -> CommonSettings:
    """Read the settings that both services share; `secrets` are those of the service's own."""
    found = read(CommonSettings, values, SettingsError)
    if (found.username is None) != (found.password is None):
        missing = "SERVICE_PASSWORD" if found.password is None else "SERVICE_USERNAME"
        raise SettingsError(
            missing, "is required when the other of SERVICE_USERNAME and SERVICE_PASSWORD is set"
        )
    return replace(found, secrets=(*(secrets or ()), *secrets_of(found)))


def process_settings(values: Mapping[str, str]) -> ProcessSettings:
    """Read the settings of gunicorn; an invalid one ends the process."""
    try:
        return read(ProcessSettings, values, SettingsError)
    except SettingsError as error:
        stop("gunicorn", error)


def stop(service: str, error: SettingsError) -> NoReturn:
    """End the process with one line that names the setting; gunicorn then does not retry."""
    print(f"{service}: cannot start: {error.detail}", file=sys.stderr, flush=True)
    raise SystemExit(_LOAD_ERROR)
