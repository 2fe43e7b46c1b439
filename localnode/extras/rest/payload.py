"""Payloads: from a value to the body of a request and its content type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from urllib3.filepost import encode_multipart_formdata

from localnode import codec
from localnode.dtl.functions.bytes import bytes_of
from localnode.dtl.functions.json import json_text
from localnode.pipes.errors import EntityUnfit


@dataclass(frozen=True)
class Body:
    """The body of a request, and its content type unless the headers name one."""

    data: bytes = b""
    content_type: str | None = None


NOTHING = Body()


def encode(value: Any, payload_type: str) -> Body:
    """Return the body for a payload; texts and bytes go out as they are.

    EntityUnfit when a form is no object.
    """
    if value is None or value == "":
        return NOTHING
    if payload_type in ("form", "multipart-form"):
        return _form(value, payload_type)
    content = bytes_of(value) if isinstance(value, str) else None
    if payload_type == "text":
        if content is not None:
            return Body(content, "application/octet-stream")
        return Body((value if isinstance(value, str) else json_text(value)).encode(), "text/plain")
    if isinstance(value, str):
        return Body(value.encode() if content is None else content, "application/json")
    data = codec.dumps(value) if payload_type == "json-transit" else json_text(value).encode()
    return Body(data, "application/json")


def _form(value: object, payload_type: str) -> Body:
    if not isinstance(value, dict):
        raise EntityUnfit(f"a {payload_type} payload must be an object of names and values")
    fields = {name: _field(inner) for name, inner in value.items()}
    if payload_type == "form":
        return Body(urlencode(fields).encode(), "application/x-www-form-urlencoded")
    boundary = codec.digest(codec.dumps(fields)).hex()
    data, content_type = encode_multipart_formdata(fields, boundary=boundary)
    return Body(data, content_type)


def _field(value: object) -> str:
    """Return a form value: text as it is, everything else in transit form."""
    return value if isinstance(value, str) else codec.dumps(value).decode()
