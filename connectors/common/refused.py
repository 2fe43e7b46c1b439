"""Write records without the properties that were refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from connectors.common import pointers
from connectors.common.datatype import Datatype, Record
from connectors.common.errors import Rejected
from connectors.common.outcome import Outcome
from connectors.common.share_request import ShareRequest
from core.dotted import get_path, has_path

_MOST = 20
"""Properties of one record that are left out before it is rejected as a whole."""

Write = Callable[[Datatype, ShareRequest, list[Record]], Outcome]
"""Carries out a request; the list gets the record as it is read before each write."""


def leaving_out_refused(datatype: Datatype, request: ShareRequest, write: Write) -> Outcome:
    """Write a request; refused properties are left out if the record can be written without them."""
    asked, seen = request.payload, list[Record]()
    refused: dict[str, Record] = {}
    first: Rejected | None = None
    while True:
        try:
            outcome = write(datatype, request, seen)
            break
        except Rejected as error:
            first = first or error
            request = _left_out(datatype, request, error, refused)
            at = _property(error.field or "")
            refused[at] = refused.get(at) or refusal(error, at, get_path(asked, pointers.dotted(at)))
    if first is None:
        return outcome
    wrote = outcome.operation != "none" or (bool(seen) and outcome.record != seen[0])
    if outcome.status != "ok":
        return outcome
    if not wrote:
        if request.operation == "insert":
            return outcome  # made earlier, and adopted as it is
        raise first
    done = "insert" if outcome.operation == "insert" else "update"
    return replace(outcome, operation=done, refused=(*refused.values(), *outcome.refused))


def _left_out(
    datatype: Datatype, request: ShareRequest, error: Rejected, refused: Mapping[str, Record]
) -> ShareRequest:
    """Return the request without the refused property; raises the refusal if that is impossible.

    If it is refused again although it is not sent any more, its present value conflicts with the rest: it is
    cleared.
    """
    at = _property(error.field or "")
    path, payload = pointers.dotted(at), request.payload
    if len(refused) >= _MOST or not at or not datatype.can_leave_out(request.operation, error):
        raise error
    is_sent = has_path(payload, path)
    if is_sent and (at not in refused or get_path(payload, path) is not None):
        return replace(request, payload=pointers.without(payload, path))
    if at in refused and request.operation == "update" and not is_sent:
        return replace(request, payload=pointers.cleared(payload, path))
    raise error


def _property(field: str) -> str:
    """Return the pointer of the property to leave out: a list is left out whole."""
    parts = field.split("/")
    for place, part in enumerate(parts):
        if part.isdigit():
            return "/".join(parts[:place])
    return field


def refusal(error: Rejected, at: str, value: object) -> Record:
    """Return the entry of `$refused` for the value at a pointer."""
    said = {name: text for name, text in error.as_dict().items() if name not in ("kind", "title", "errors")}
    return {**said, "field": at, "value": value}
