"""Describe a Flask application as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0).

Paths and methods are those of the application's routes, texts are the docstrings of its views. A query
parameter belongs to a call if the docstring names it in backticks; one table for all calls has the schemas of
the parameters.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from core.jsonio import Json
from core.problem import MEDIA_TYPE

Schema = dict[str, Any]

_VARIABLE = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>")
_QUOTED = re.compile(r"`([\w-]+)(?:=\w+)?`")
_NUMBERS = {"int": {"type": "integer", "minimum": 0}}

PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
"""A problem document (RFC 9457)."""


@dataclass(frozen=True)
class Api:
    """What a description needs in addition to the routes.

    `parameters`: schema of each query parameter. `values`: path variables with a few fixed values, each of
    which gets its own path. `bodies`: by endpoint, a function from the values of its path to the JSON Schema
    of its body. `schemas`: those that bodies refer to. `security`: the scheme that every call requires, None
    for none.
    """

    title: str
    version: str
    description: str
    parameters: Mapping[str, Schema]
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bodies: Mapping[str, Callable[[Mapping[str, str]], Schema]] = field(default_factory=dict)
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    security: str | None = None


def document(app: Flask, api: Api) -> Json:
    """Return the OpenAPI document of an application."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint.endswith("static"):
            continue
        for path, fixed in _paths(rule, api):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                paths.setdefault(path, {})[method.lower()] = _operation(app, rule, method, path, fixed, api)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": api.title, "version": api.version, "description": api.description},
        "paths": paths,
        "components": {"schemas": {"problem": PROBLEM, **api.schemas}},
    }
    if api.security is not None:
        found["components"]["securitySchemes"] = {"caller": {"type": "http", "scheme": api.security}}
        found["security"] = [{"caller": []}]
    return found


def components(name: str, schema: Schema) -> dict[str, Schema]:
    """Return a JSON Schema as schemas of a document: `name`, and `name.part` for each of its `$defs`."""
    whole = _referring(schema, name)
    parts = whole.pop("$defs", {})
    return {name: whole, **{f"{name}.{part}": inner for part, inner in parts.items()}}


def _referring(value: object, name: str) -> Any:
    """Return a schema whose references point to the schemas of a document."""
    if isinstance(value, dict):
        inner = {key: _referring(each, name) for key, each in value.items() if key not in ("$schema", "$id")}
        if isinstance(inner.get("$ref"), str):
            inner["$ref"] = inner["$ref"].replace("#/$defs/", f"#/components/schemas/{name}.")
        return inner
    return [_referring(each, name) for each in value] if isinstance(value, list) else value


def _paths(rule: Rule, api: Api) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the paths of a route, and the values of the variables that are written out in them."""
    named = [name for _, _, name in _VARIABLE.findall(rule.rule) if name in api.values]
    for chosen in product(*(api.values[name] for name in named)):
        fixed = dict(zip(named, chosen, strict=True))
        path = _VARIABLE.sub(r"{\3}", rule.rule)
        for name, value in fixed.items():
            path = path.replace(f"{{{name}}}", value)
        yield path, fixed


def _operation(
    app: Flask, rule: Rule, method: str, path: str, fixed: Mapping[str, str], api: Api
) -> dict[str, object]:
    said = inspect.getdoc(app.view_functions[rule.endpoint]) or ""
    summary, _, rest = said.partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method} {path}").strip("_").lower(),
        "summary": " ".join(summary.split()),
        "parameters": [*_in_path(rule, fixed), *_in_query(said, api)],
        "responses": {
            "2XX": {"description": "what was asked for"},
            "default": {
                "description": "a problem document",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}},
            },
        },
    }
    if rest:
        operation["description"] = rest
    if method in ("POST", "PUT", "PATCH"):
        schema = api.bodies[rule.endpoint](fixed) if rule.endpoint in api.bodies else {}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _in_path(rule: Rule, fixed: Mapping[str, str]) -> Iterator[Schema]:
    for converter, arguments, name in _VARIABLE.findall(rule.rule):
        if name not in fixed:
            schema: Schema = _NUMBERS.get(converter, {"type": "string"})
            if converter == "any":
                schema = {"enum": [each.strip().strip("'\"") for each in arguments.split(",")]}
            yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(said: str, api: Api) -> Iterator[Schema]:
    for name in dict.fromkeys(_QUOTED.findall(said)):
        if name in api.parameters:
            yield {"name": name, "in": "query", "schema": api.parameters[name]}
