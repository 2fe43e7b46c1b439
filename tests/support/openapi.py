"""Holds calls and answers against Chargebee's OpenAPI document, where that is at hand beside the project."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from jsonschema import Draft202012Validator

from tests.support.processes import ROOT
from tests.support.upstream import Asked

DOCUMENT = ROOT.parent / "shared" / "reference" / "chargebee-openapi-subset.json"
FORM = "application/x-www-form-urlencoded"


def _text(length: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": length}


def _on_an_invoice(**parameters: dict[str, Any]) -> dict[str, Any]:
    """A call about one invoice, which answers with it."""
    answer = {
        "type": "object",
        "required": ["invoice"],
        "properties": {"invoice": {"$ref": "#/components/schemas/Invoice"}},
    }
    return {
        "requestBody": {"content": {FORM: {"schema": {"properties": parameters}}}},
        "responses": {"200": {"content": {"application/json": {"schema": answer}}}},
    }


PAYMENT = {
    "type": "object",
    "required": ["payment_method"],
    "properties": {
        "payment_method": {"enum": ["cash", "check", "bank_transfer", "other", "custom"]},
        "amount": {"type": "integer", "minimum": 0},
        "date": {"type": "integer"},
        "reference_number": _text(100),
    },
}
BESIDES: dict[str, dict[str, Any]] = {
    "POST /invoices/{invoice-id}/void": _on_an_invoice(comment=_text(300), void_reason_code=_text(100)),
    "POST /invoices/{invoice-id}/delete": _on_an_invoice(comment=_text(300)),
    "POST /invoices/{invoice-id}/record_payment": _on_an_invoice(comment=_text(300), transaction=PAYMENT),
}
"""Operations that the document at hand leaves out, from their own pages.

https://apidocs.chargebee.com/docs/api/invoices/void-an-invoice, delete-an-invoice, record-an-invoice-payment
"""


@cache
def document() -> dict[str, Any]:
    whole: dict[str, Any] = orjson.loads(DOCUMENT.read_bytes())
    return whole


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    check = Draft202012Validator({**schema, "components": document()["components"]})
    return [f"{list(error.path)}: {error.message[:150]}" for error in check.iter_errors(value)]


def operation_of(asked: Asked) -> tuple[str, dict[str, Any]]:
    """The documented operation of a call; paths without a parameter go before those with one."""
    path = asked.path.removeprefix("/api/v2")
    for known in sorted(document()["paths"], key=lambda one: one.count("{")):
        pattern = re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(known))
        if re.fullmatch(pattern, path) and asked.method.lower() in document()["paths"][known]:
            return f"{asked.method} {known}", document()["paths"][known][asked.method.lower()]
    for name, operation in BESIDES.items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", name), f"{asked.method} {path}"):
            return name, operation
    raise AssertionError(f"{asked.method} {path} is not documented")


def nested(pairs: list[tuple[str, str]], schema: dict[str, Any]) -> dict[str, Any]:
    """Bracketed names as objects and lists, with values of the types that the schema names."""
    found: dict[str, Any] = {}
    for name, text in pairs:
        steps = name.replace("]", "").split("[")
        place, rule = found, schema
        for step in steps[:-1]:
            rule = rule.get("properties", {}).get(step, {})
            place = place.setdefault(step, {})
        rule = (
            rule["items"]
            if steps[-1].isdigit() and "items" in rule
            else rule.get("properties", {}).get(steps[-1], {})
        )
        place[steps[-1]] = typed(text, rule)
    return listed(found)


def typed(text: str, rule: dict[str, Any]) -> Any:
    if rule.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if rule.get("type") == "number" and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    if rule.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def listed(value: Any) -> Any:
    """Objects whose keys are numbers are lists; a column has a gap where a row lacks the value, as official clients
    send it.
    """
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [listed(value[key]) for key in sorted(value, key=int)]
    return {key: listed(part) for key, part in value.items()}


def request_problems(asked: Asked, operation: dict[str, Any]) -> list[str]:
    """What is wrong with a call. An empty text clears an attribute, whatever its type."""
    pairs = [pair for pair in parse_qsl(asked.body.decode(), keep_blank_values=True) if pair[1] != ""]
    found: list[str] = []
    if asked.method == "POST" and pairs:
        assert asked.headers["Content-Type"] == FORM
        schema = operation["requestBody"]["content"][FORM]["schema"]
        value = nested(pairs, schema)
        found += problems(schema, value)
        found += [
            f"{name} is no parameter"
            for name in value
            if name not in schema["properties"] and name[:3] != "cf_"
        ]
    parameters = {
        one["name"]: one["schema"] for one in operation.get("parameters", []) if one.get("in") == "query"
    }
    query = nested(list(asked.query.items()), {"properties": parameters})
    for name, value in query.items():
        found += [f"{name} is no filter"] if name not in parameters else problems(parameters[name], value)
    if "chargebee-idempotency-key" in asked.headers:
        found += [] if len(asked.headers["chargebee-idempotency-key"]) <= 100 else ["long idempotency key"]
    return found
