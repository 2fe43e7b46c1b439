"""UUIDs."""

from __future__ import annotations

import uuid
from typing import Any

from localnode.dtl.decorators import broadcast, plain, special
from localnode.dtl.kinds import INVALID
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import UUID, first, is_string, kind


@special("uuid", signature="[VALUES]", pure=lambda call: bool(call.args))
def uuid_(call: Call) -> Expr:
    """Without arguments a random UUID (version 4).

    Otherwise map-style: strings to UUIDs; what is none is dropped.
    """
    if not call.args:
        return Expr(lambda f, v: f"~u{uuid.uuid4()}")
    values = call.args[0].run
    return Expr(lambda f, v: broadcast(_convert, values(f, v)))


def _convert(value: Any) -> object:
    if is_string(value):
        value = f"~u{value}"
    return value.lower() if kind(value) == UUID else INVALID


@plain("is-uuid", signature="VALUES")
def is_uuid(values: object) -> bool:
    """Return True if the value, or the first of a list, is a UUID."""
    return kind(first(values)) == UUID
