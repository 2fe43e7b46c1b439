"""Settings of a program: one table says name, meaning, form and default of each; all else is made of it.

A table is a dataclass whose fields are made by `setting`. `read` fills one from the environment, once and at
start; the reference page and the list of known names are made of the same rows. ::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings:
        port: int = setting("NODE_PORT", "where the node listens", integer(1, 65535), 9042)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from core.suggestions import did_you_mean

T = TypeVar("T")
Reader = Callable[[str], Any]
"""Makes a value of the text of a variable; ValueError says what it must be ("must be …")."""

_KEY = "setting"
_REQUIRED = object()


class BadSetting(ValueError):
    """A setting is missing or cannot be used; the message names it and says what to change."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: the environment variable `name`, its meaning (Markdown), and its default as text."""

    name: str
    help: str
    reader: Reader
    default: str
    is_secret: bool


def setting(
    name: str,
    help: str,
    reader: Reader,
    default: object = _REQUIRED,
    *,
    secret: bool = False,
    shown: str | None = None,
) -> Any:
    """Return a dataclass field that is read from the environment variable `name`.

    Without `default` it is required. `secret`: its value must reach no log. `shown`: the default as shown on
    the page, if the value itself is not helpful.
    """
    said = shown if shown is not None else "" if default in (None, _REQUIRED) else _shown(default)
    row = Setting(name, help, reader, said, secret)
    if default is _REQUIRED:
        return dataclasses.field(metadata={_KEY: row})
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata={_KEY: row})
    return dataclasses.field(default=default, metadata={_KEY: row})


def rows(table: type[Any]) -> dict[str, Setting]:
    """Return the rows of a table by the names of their fields, in order."""
    fields = dataclasses.fields(table)
    return {field.name: field.metadata[_KEY] for field in fields if _KEY in field.metadata}


def read(
    table: type[T],
    values: Mapping[str, str],
    error: Callable[[str, str], Exception] | None = None,
    **others: object,
) -> T:
    """Return `table` filled from environment variables; an empty variable counts as missing.

    `others` are fields that are not settings. For the first missing or invalid variable, raises the exception
    that `error` creates from its name and the mistake; BadSetting by default.
    """
    error = error or _bad
    found: dict[str, Any] = {}
    for field in dataclasses.fields(table):  # type: ignore[arg-type]
        row = field.metadata.get(_KEY)
        if row is None:
            continue
        text = values.get(row.name, "").strip()
        if text:
            try:
                found[field.name] = row.reader(text)
            except ValueError as problem:
                raise error(row.name, str(problem)) from None
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise error(row.name, "is required")
    return table(**found, **others)


def secrets_of(settings: object) -> list[str]:
    """Return the secret values of a filled table."""
    named = [getattr(settings, field) for field, row in rows(type(settings)).items() if row.is_secret]
    return [value for value in named if value]


# -- readers -----------------------------------------------------------------------------------------------


def text(value: str) -> str:
    """Return any text."""
    return value


def integer(low: int, high: int) -> Reader:
    """Return a reader of whole numbers from `low` to `high`."""
    return _number(int, low, high, "a whole number")


def number(low: float, high: float) -> Reader:
    """Return a reader of numbers from `low` to `high`."""
    return _number(float, low, high, "a number")


def choice(*allowed: str) -> Reader:
    """Return a reader of one of the words `allowed`, in any case."""
    known = {word.lower(): word for word in allowed}

    def read_choice(value: str) -> str:
        if value.lower() not in known:
            hint = did_you_mean(value.lower(), known)
            raise ValueError(f"must be one of {', '.join(allowed)}, not {value}{hint}")
        return known[value.lower()]

    return read_choice


def url(value: str) -> str:
    """Return an http or https URL without user, query and fragment; no slash at its end."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL")
    if parts.username or parts.password:
        raise ValueError("must not hold a user or password; credentials have settings of their own")
    if parts.query or parts.fragment:
        raise ValueError("must not hold a query or fragment")
    return value.rstrip("/")


def file(value: str) -> str:
    """Return the path of an existing file."""
    if not Path(value).is_file():
        raise ValueError(f"must be a file; there is none at {value}")
    return value


def _number(parse: Callable[[str], float], low: float, high: float, called: str) -> Reader:
    def read_number(value: str) -> float:
        try:
            found = parse(value)
        except ValueError:
            found = math.nan
        if not low <= found <= high:
            raise ValueError(f"must be {called} from {low} to {high}")
        return found

    return read_number


def _bad(name: str, problem: str) -> BadSetting:
    return BadSetting(f"{name} {problem}")


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
