"""JSON templates: what a profile writes into queries, headers and bodies, with `{name}` for values.

A text that is nothing but `{name}` takes the value with its type; inside a longer text it is written out. In
lists and objects, `{"$if": "name", "$then": …}` is left out when there is no such value.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.erp.profile.model.base import JsonText, Template
from core import jsonio

_NAMED = re.compile(r"\{([a-z_]+)\}")
_LEFT_OUT = object()

Values = Mapping[str, Any]


def render(template: Any, values: Values) -> Any:
    """The template with its values put in; names that are not among `values` stay as they are."""
    if isinstance(template, str):
        return _text(template, values)
    if isinstance(template, list):
        items = (render(item, values) for item in template)
        return [item for item in items if item is not _LEFT_OUT]
    if isinstance(template, dict):
        if "$if" in template:
            return render(template["$then"], values) if template["$if"] in values else _LEFT_OUT
        members = ((name, render(item, values)) for name, item in template.items())
        return {name: item for name, item in members if item is not _LEFT_OUT}
    return template


def names(template: Any) -> set[str]:
    """The names that a template asks for, those of optional parts as well."""
    if isinstance(template, str):
        return set(_NAMED.findall(template))
    if isinstance(template, list):
        return {name for item in template for name in names(item)}
    if isinstance(template, dict):
        return {name for item in template.values() for name in names(item)} | (
            {template["$if"]} if "$if" in template else set()
        )
    if isinstance(template, JsonText):
        return names([template.json, template.b64json])
    return set()


def asks_since(template: Any) -> bool:
    """Whether a template asks for what changed since a token, in one value or as a day and a time."""
    return bool(names(template) & {"since", "since_date"})


def parameters(templates: Mapping[str, Template], values: Values) -> list[tuple[str, str]]:
    """Query parameters or headers: text, a list of texts (repeated), or JSON sent as text.

    A plain one that asks for a value that is not there is left out.
    """
    return [(name, text) for name, template in templates.items() for text in _written(template, values)]


def _written(template: Template, values: Values) -> Iterator[str]:
    if isinstance(template, JsonText):
        plain = template.b64json is None
        value = render(template.json if plain else template.b64json, values)
        if value is not _LEFT_OUT:
            text = jsonio.dumps(value)
            yield text.decode() if plain else base64.urlsafe_b64encode(text).decode()
        return
    for one in template if isinstance(template, list) else [template]:
        if names(one) <= values.keys():
            yield _plain(render(one, values))


def _text(template: str, values: Values) -> Any:
    whole = _NAMED.fullmatch(template)
    if whole is not None:
        return values.get(whole[1], template)
    return _NAMED.sub(lambda found: _plain(values.get(found[1], found[0])), template)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value)
