"""Lists of records: in the order of (`modified_at`, id), page by page behind an opaque cursor."""

from __future__ import annotations

from collections.abc import Mapping

from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData

from core.clock import text_to_us, us_to_text
from sandbox.common.state import KeyValue, Range, Row, State
from sandbox.erp.problems import FieldError, Invalid

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
PARAMETERS = ("modified_since", "include_deleted", "limit", "cursor", "external_ref")


def list_records(state: State, kind: str, query: Mapping[str, str]) -> dict[str, object]:
    """One page, `{"items": […], "next": cursor or null}`; raises Invalid for a bad parameter."""
    for name in query:
        if name not in PARAMETERS:
            raise _bad(name, "unknown", f"is not a parameter; known are {', '.join(PARAMETERS)}")
    limit = _limit(query.get("limit"))
    key = "modified_at" if _flag(query, "include_deleted") else "live"
    part = Range(first=_since(query.get("modified_since")), after=_place(query.get("cursor")))
    if "external_ref" in query:
        rows = _referenced(state, kind, query["external_ref"], key, part, limit + 1)
    else:
        rows = state.page(kind, key, limit + 1, part)
    following = cursor_of(rows[limit - 1]) if len(rows) > limit else None
    return {"items": [row.record for row in rows[:limit]], "next": following}


def _referenced(state: State, kind: str, reference: str, key: str, part: Range, limit: int) -> list[Row]:
    system, separator, external_id = reference.partition(":")
    if not separator or not system:
        raise _bad("external_ref", "format", "must be <system>:<id>, such as chargebee:cust-1")
    found = state.find(kind, f"ref:{system}", external_id)
    rows = [
        Row(record, record["modified_at"], record["id"])
        for record in found
        if key == "modified_at" or not record["deleted_at"]
    ]
    rows = [row for row in rows if part.first is None or row.record["modified_at"] >= part.first]
    rows = [row for row in rows if part.after is None or row.place > part.after]
    return sorted(rows, key=lambda row: (row.record["modified_at"], row.id))[:limit]


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isdecimal() or int(text) < 1:
        raise _bad("limit", "range", "must be a whole number from 1")
    return min(int(text), MAX_LIMIT)


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise _bad(name, "type", "must be true or false")
    return text == "true"


def _since(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return us_to_text(text_to_us(text))
    except (ValueError, OverflowError) as error:
        raise _bad("modified_since", "datetime", "must be an instant YYYY-MM-DDThh:mm:ss.ffffffZ") from error


def cursor_of(row: Row) -> str:
    """Return an opaque cursor for what follows a row."""
    return base64_encode(f"{row.value} {row.id}").decode()


def place_of(cursor: str | None, descending: bool = False) -> Range:
    """Return the part of a list that follows a cursor; raises Invalid when it is none."""
    return Range(after=_place(cursor), descending=descending)


def _place(cursor: str | None) -> tuple[KeyValue, str] | None:
    if cursor is None:
        return None
    try:
        stamp, separator, record_id = base64_decode(cursor).decode().partition(" ")
    except (BadData, UnicodeDecodeError) as error:
        raise _bad("cursor", "format", "is not a cursor of this list") from error
    if not separator:
        raise _bad("cursor", "format", "is not a cursor of this list")
    return stamp, record_id


def _bad(name: str, rule: str, message: str) -> Invalid:
    return Invalid([FieldError(name, rule, message)])
