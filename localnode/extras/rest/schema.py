"""JSON Schemas of operations and of what sources, transforms and sinks may say over them."""

from __future__ import annotations

from typing import Any

from core.jsonio import Json
from localnode.pipes.registry import COUNT, FLAG, NUMBER, OBJECT, POSITIVE, STRING, TRIGGER, Schema

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
READS = ("GET", "OPTIONS", "HEAD")
PAYLOAD_TYPES = ("text", "json", "json-transit", "form", "multipart-form")
QUERY, HEADER, MANUAL = "query", "header", "manual"
STRATEGIES = (
    "empty-result",
    "same-next-page-link",
    "next-page-link-empty",
    "same-next-page-request",
    "same-response",
    "not-full-page",
)
CODES: Schema = {"type": "string", "pattern": r"^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$"}
PAYLOAD: Schema = {"type": ["object", "string", "array"]}

_RATE: dict[str, Schema] = {"rate_limiting_retries": COUNT, "rate_limiting_delay": NUMBER}
_SENT: dict[str, Schema] = {"properties": OBJECT, "payload": PAYLOAD, **_RATE}
_EMITTED: dict[str, Schema] = {
    "response_property": STRING,
    "response_headers_property": STRING,
    "payload_property": STRING,
    "id_expression": STRING,
    "updated_expression": STRING,
}
_SINCE: dict[str, Schema] = {
    "since_property_name": STRING,
    "since_property_location": {"enum": [QUERY, HEADER, MANUAL]},
}
_STATUS: dict[str, Schema] = {
    "response_status_property": STRING,
    "allowed_status_codes": CODES,
    "ignored_status_codes": CODES,
}

_STRATEGY: Schema = {"enum": list(STRATEGIES)}
OPERATION: Schema = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "method": {"enum": list(METHODS)},
        "headers": OBJECT,
        "params": OBJECT,
        "payload-type": {"enum": list(PAYLOAD_TYPES)},
        **_SENT,
        **_EMITTED,
        **_SINCE,
        **_STATUS,
        "next_page_link": STRING,
        "next_page_termination_strategy": {"anyOf": [_STRATEGY, {"type": "array", "items": _STRATEGY}]},
        "page_size": POSITIVE,
        "error_expression": STRING,
        "comment": {"type": ["string", "array"]},
    },
    "required": ["url", "method"],
    "additionalProperties": False,
}
OPERATIONS: Schema = {"type": "object", "additionalProperties": OPERATION}

TRACE: Schema = {
    "anyOf": [
        FLAG,
        {
            "type": "object",
            "properties": {
                "log_request_headers": FLAG,
                "log_request_body_maxsize": COUNT,
                "log_response_headers": FLAG,
                "log_response_body_maxsize": COUNT,
            },
            "additionalProperties": False,
        },
    ]
}
_COMPONENT: dict[str, Schema] = {
    "system": STRING,
    "operation": STRING,
    "operations": OPERATIONS,
    "trace": TRACE,
}

SOURCE: dict[str, Schema] = {
    **_COMPONENT,
    **_SENT,
    **_EMITTED,
    **_SINCE,
    "response_include_content_type": FLAG,
    "initial_since_value": {"type": ["string", "integer"]},
}
TRANSFORM: dict[str, Schema] = {
    **_COMPONENT,
    **_SENT,
    **_EMITTED,
    **_STATUS,
    "response_include_content_type": FLAG,
    "replace_entity": FLAG,
    "if_transform_empty": {"enum": ["accept", "fail"]},
    "trigger_on": TRIGGER,
}
SINK: dict[str, Schema] = {**_COMPONENT, **_SENT}

SYSTEM: dict[str, Schema] = {
    "operations": OPERATIONS,
    "json_content_types": {"type": "array", "items": {"type": "string"}},
    **_RATE,
    "custom_auth": {
        "type": "object",
        "properties": {
            "get_token_operation": STRING,
            "get_refresh_token_operation": STRING,
            "expires_at_expression": STRING,
            "expires_in_expression": STRING,
            "refresh_token_expires_at_expression": STRING,
            "refresh_token_expires_in_expression": STRING,
            "refresh_window": NUMBER,
            "initial_refresh_token": OBJECT,
            "access_token_property": STRING,
            "refresh_token_property": STRING,
        },
        "required": ["get_token_operation"],
        "anyOf": [{"required": ["expires_at_expression"]}, {"required": ["expires_in_expression"]}],
        "additionalProperties": False,
    },
}

OVERRIDDEN = (*_SENT, *_EMITTED, *_SINCE, *_STATUS)
"""What a source, transform or sink may say over its operation."""


def status_codes(spec: str) -> frozenset[int]:
    """Return the codes of an expression such as "200-299,404"."""
    found: set[int] = set()
    for part in spec.split(","):
        low, _, high = part.partition("-")
        found.update(range(int(low), int(high or low) + 1))
    return frozenset(found)


def effective(operation: dict[str, object], component: Any, system: Any) -> Json:
    """Return an operation with what its component, and behind it the system, have to say about it."""
    behind = {name: system[name] for name in _RATE if name in system}
    over = {name: component[name] for name in OVERRIDDEN if name in component}
    return {**behind, **operation, **over}
