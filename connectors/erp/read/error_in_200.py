"""Errors that stand beside an empty list in an answer with status 200, whatever the ERP calls them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_ERRORS = ("error", "errors", "fault", "exception")
_WELL = ("success", "ok", "succeeded")
_FAILED = ("error", "fail", "failed", "failure")
_FINE = (None, False, 0, 200, "", "0", "200", "ok", "none", "success")


def error_in_200(body: object, place: str) -> str | None:
    """Return what in an answer whose list at `place` is empty says that something went wrong, in words."""
    for holder in _around(body, place):
        for name, value in holder.items():
            word = name.lower()
            if (word in _ERRORS and not _is_fine(value)) or (word in _WELL and value is False):
                return f"{name} beside it"
            if word == "status" and isinstance(value, str) and value.lower() in _FAILED:
                return f"the status {value.lower()}"
    return None


def _around(body: object, place: str) -> Iterator[Mapping[str, object]]:
    """Yield the objects on the way to the list."""
    for step in [*place.split("."), ""]:
        if not isinstance(body, Mapping):
            return
        yield body
        body = body.get(step)


def _is_fine(value: object) -> bool:
    """Return nothing, or an error object whose code says that there is none."""
    if isinstance(value, Mapping):
        codes = [value[name] for name in value if name.lower() in ("code", "status", "number")]
        return not value or (bool(codes) and all(_is_fine(code) for code in codes))
    if isinstance(value, list):
        return not value
    return (value.lower() if isinstance(value, str) else value) in _FINE
