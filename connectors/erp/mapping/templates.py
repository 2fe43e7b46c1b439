"""JSON templates: what a profile writes into paths, queries, headers and bodies, with `{name}` for values.

A text that is nothing but `{name}` takes the value with its type; inside a longer text it is written out.
`{name|integer}` and `{name|text}` give it another type. In lists and objects, `{"$if": "name", "$then": …}`
is left out when there is no such value, or is what stands in `"$else"`.

In what asks the ERP (paths, queries, bodies of lists), a value between quotes is written so that it stays
there: by the ERP's `quotes`, a quote within it is doubled (OData, SQL) or escaped with a backslash. A list
between quotes is written with each of its values in quotes of its own.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote

from connectors.common.errors import InvalidResponse, NotFound, Rejected
from connectors.erp.profile.model.base import JsonText, Template
from core import jsonio
from core.dotted import get_path

_NAMED = re.compile(r"\{([a-z_][a-z0-9_.]*)(?:\|(integer|text))?\}")
_IN_PATH = re.compile(r"\{([^{}|]+)(?:\|(integer|text))?\}")
_LEFT_OUT = object()
_OURS = ("since", "since_date", "since_time", "size", "page", "offset", "cursor")
"""Values that are made here or were given by the ERP itself: they may stand in an expression without
quotes.
"""

_ONE_WORD = re.compile(r"[\w.:+-]*")

Values = Mapping[str, Any]
Quotes = Literal["doubled", "backslash", "as_is"]


class CannotAsk(Rejected):
    """A value cannot be put into a template: it is no number, or would change what is asked."""


def render(template: object, values: Values, quotes: Quotes | None = None) -> Any:
    """Return the template with its values put in; names that are not among `values` stay as they are.

    `quotes`: how values in quotes are written, None where a template is no question. `CannotAsk` for a value
    that does not fit.
    """
    if isinstance(template, str):
        return _text(template, values, quotes)
    if isinstance(template, list):
        items = (render(item, values, quotes) for item in template)
        return [item for item in items if item is not _LEFT_OUT]
    if isinstance(template, dict):
        if "$if" in template:
            if template["$if"] in values:
                return render(template["$then"], values, quotes)
            return render(template["$else"], values, quotes) if "$else" in template else _LEFT_OUT
        members = ((name, render(item, values, quotes)) for name, item in template.items())
        return {name: item for name, item in members if item is not _LEFT_OUT}
    return template


def names(template: object) -> set[str]:
    """Return the names that a template asks for, those of optional parts as well."""
    if isinstance(template, str):
        return {found[1] for found in _NAMED.finditer(template)}
    if isinstance(template, list):
        return {name for item in template for name in names(item)}
    if isinstance(template, dict):
        return {name for item in template.values() for name in names(item)} | (
            {template["$if"]} if "$if" in template else set()
        )
    if isinstance(template, JsonText):
        return names([template.json, template.b64json, template.text]) | (
            set() if template.only_with is None else {template.only_with}
        )
    return set()


def asks_since(template: object) -> bool:
    """Return whether a template asks for what changed since a token, in one value or as a day and a time."""
    return bool(names(template) & {"since", "since_date"})


def parameters(
    templates: Mapping[str, Template], values: Values, quotes: Quotes | None = None
) -> list[tuple[str, str]]:
    """Query parameters or headers: text, a list of texts (repeated), or JSON sent as text.

    A plain one that asks for a value that is not there is left out.
    """
    return [
        (name, text) for name, template in templates.items() for text in _written(template, values, quotes)
    ]


def fill_path(
    template: str,
    path: str,
    values: Values,
    raw: Mapping[str, object] | None = None,
    quotes: Quotes = "doubled",
) -> str:
    """`template` with `{path}` and URL-encoded values.

    A name that is not among them is a path into `raw`, the ERP's record. A key that is no path segment is a
    record not found; so is one with an empty or dotted part between slashes, even encoded: servers take such
    paths apart and answer with a redirect or another record (werkzeug and nginx merge slashes by default).
    """

    def value(match: re.Match[str]) -> str:
        name, form = match[1], match[2]
        if name == "path":
            return path
        found = values[name] if name in values else get_path(raw, name)
        if name == "id" and not {"", ".", ".."}.isdisjoint(str(found).split("/")):
            raise NotFound(f"{found!r} is not the id of a record", entity=str(found))
        if isinstance(found, bool | dict | list) or found is None:
            raise InvalidResponse(f"the ERP's record has no {name}, which {template} needs")
        mark = _quote_around(template[: match.start()])
        return quote(_escaped(str(_typed(name, found, form)), mark, quotes), safe="")

    return _IN_PATH.sub(value, template)


def names_in_path(template: str) -> set[str]:
    """Return the names in a path, those of values in the record as well."""
    return {found[1] for found in _IN_PATH.finditer(template)}


def _written(template: Template, values: Values, quotes: Quotes | None) -> Iterator[str]:
    if isinstance(template, JsonText) and template.text is not None:
        if names(template) <= values.keys():
            yield _plain(render(template.text, values, quotes))
        return
    if isinstance(template, JsonText):
        plain = template.b64json is None
        value = render(template.json if plain else template.b64json, values, quotes)
        if value is not _LEFT_OUT:
            text = jsonio.dumps(value)
            yield text.decode() if plain else base64.urlsafe_b64encode(text).decode()
        return
    for one in template if isinstance(template, list) else [template]:
        if names(one) <= values.keys():
            yield _plain(render(one, values, quotes))


def _text(template: str, values: Values, quotes: Quotes | None) -> object:
    whole = _NAMED.fullmatch(template)
    if whole is not None:
        return _typed(whole[1], values[whole[1]], whole[2]) if whole[1] in values else template
    is_expression = quotes is not None and any(part.isspace() for part in _NAMED.sub("", template))

    def value(match: re.Match[str]) -> str:
        name, form = match[1], match[2]
        if name not in values:
            return match[0]
        found = _typed(name, values[name], form)
        mark = _quote_around(template[: match.start()]) if quotes is not None else ""
        if isinstance(found, list) and mark:
            return f"{mark},{mark}".join(_escaped(str(one), mark, quotes) for one in found)
        if is_expression and not mark and name not in _OURS and not _is_one_word(found):
            raise CannotAsk(
                f"{name} cannot be put into the profile's {template} without quotes around it", rule="filter"
            )
        return _escaped(_plain(found), mark, quotes)

    return _NAMED.sub(value, template)


def _is_one_word(value: object) -> bool:
    """Return whether a value, or each in a list, cannot be taken for more than itself in an expression."""
    return all(_ONE_WORD.fullmatch(str(one)) for one in (value if isinstance(value, list) else [value]))


def _typed(name: str, value: Any, form: str | None) -> object:
    if form is None or isinstance(value, list):
        return value
    if form == "text":
        return str(value)
    try:
        return int(value)
    except (ValueError, TypeError):
        raise CannotAsk(f"{name} must be a whole number in this ERP", rule="type") from None


def _quote_around(before: str) -> str:
    """Return the quote that is open after a text; none is the empty text."""
    mark = ""
    for character in before:
        if character == mark:
            mark = ""
        elif not mark and character in "'\"":
            mark = character
    return mark


def _escaped(text: str, mark: str, quotes: Quotes | None) -> str:
    """Return a text as it stands between two `mark`s."""
    if not mark or quotes in (None, "as_is"):
        return text
    if quotes == "backslash":
        return text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return text.replace(mark, mark * 2)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value)
