"""What the parts of the model are made of: the base class, and the kinds of text in a profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias

from msgspec import Meta, Struct, field

NO_VARIABLE = {
    "not": {
        "pattern": r"\$\{",
        "description": "may not hold ${NAME}: that is for base_url, token_url and secrets, and only as the"
        " whole value",
    }
}
"""JSON Schema: no environment variable in it; they are allowed where a description says so."""


class ProfilePart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One object of a profile. Class variables add in JSON Schema terms what the members alone cannot say."""

    comment: Annotated[str | list[str] | None, Meta(description="For people; not used.")] = field(
        name="$comment", default=None
    )

    one_of: ClassVar[Sequence[str]] = ()
    """Members of which exactly one is there."""

    at_least: ClassVar[int] = 0
    """The number of members that an object has at least."""

    needs: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Members that need others."""

    short: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    """Members that may be written in a shorter form, with its schema; `connectors.erp.profile.load` spells it
    out before the objects are made."""


def kind_of(node: ProfilePart) -> str:
    """Return the word that a profile has in `type` or `strategy` for an object of this class."""
    return str(type(node).__struct_config__.tag)


Text: TypeAlias = Annotated[str, Meta(min_length=1, extra_json_schema=NO_VARIABLE)]
Path: TypeAlias = Annotated[
    Text,
    Meta(
        description="Dotted path into a JSON value, such as meta.next or errors.0.field. A key that"
        " contains dots itself may be matched whole."
    ),
]
Place: TypeAlias = Annotated[
    Text,
    Meta(
        description="Path below base_url that starts with a slash; {path} is the entity's own path, {id} the"
        " record's id, URL-encoded.",
        extra_json_schema={"pattern": "^[/{]", **NO_VARIABLE},
    ),
]
Variable: TypeAlias = Annotated[
    str,
    Meta(
        description="An environment variable, ${NAME}. Secrets are never written literally.",
        extra_json_schema={"pattern": r"^\$\{[A-Z][A-Z0-9_]*\}$"},
    ),
]
Url: TypeAlias = Annotated[
    str,
    Meta(
        description="${NAME} alone, or an http:// or https:// address.",
        extra_json_schema={
            "anyOf": [{"pattern": r"^\$\{[A-Z][A-Z0-9_]*\}$"}, {"pattern": r"^https?://[^$\s]+$"}]
        },
    ),
]
Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=3600)]
Json: TypeAlias = Annotated[
    Any,
    Meta(
        description="Any JSON; no environment variables in it.",
        extra_json_schema={"$ref": "#/$defs/json"},
    ),
]
Scalar: TypeAlias = str | int | float | bool
Zone: TypeAlias = Annotated[
    Text,
    Meta(
        description="IANA time zone of timestamps without an offset, such as Europe/Oslo; UTC by default.",
    ),
]


class JsonText(ProfilePart, frozen=True):
    """JSON that is sent as text, plain (`json`) or in URL-safe base64 (`b64json`); or text on a condition."""

    json: Annotated[Json, Meta(description="The JSON, a template.")] = field(default=None)
    b64json: Annotated[Json, Meta(description="The JSON, a template, sent in base64.")] = field(default=None)
    text: Annotated[
        Text | None, Meta(description="A text without a value of its own, such as an operator; with `if`.")
    ] = field(default=None)
    only_with: Annotated[
        Text | None, Meta(description="The value without which the text is left out, such as since.")
    ] = field(default=None, name="if")
    one_of = ("json", "b64json", "text")


Template: TypeAlias = Text | Annotated[list[Text], Meta(min_length=1)] | JsonText
Templates: TypeAlias = Annotated[
    dict[str, Template],
    Meta(
        description="Query parameters or headers. A text may contain {name} for a value: since (and"
        " since_date, since_time), origin, ids, id, value, the paginator's size, page, offset, cursor"
        " and after, and the names in variables; {name|integer} makes it a number, {name|text} a text."
        " A parameter without a value is left out. A value between quotes cannot break out of them,"
        ' see quotes. A list of texts is sent as a repeated parameter. {"json": …} and {"b64json": …}'
        ' contain JSON that is sent as text, plain or in URL-safe base64; {"$if": "since", "$then": …}'
        ' in it is left out if there is no such value, or replaced by its "$else". {"text": ">=",'
        ' "if": "since"} is sent only together with that value.'
    ),
]
PageSize: TypeAlias = Annotated[
    int, Meta(ge=1, description="Records to request at once; the setting PAGE_SIZE by default.")
]
