"""Strings.

Namespaced identifiers, URIs and other tagged values are not strings: cast them with `string` first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from localnode.dtl.budget import FREE, spend, spend_items
from localnode.dtl.decorators import aligned, broadcast, fold_constant, mapped, plain, special, string_scalar
from localnode.dtl.functions.json import json_text
from localnode.dtl.kinds import ABSENT, INVALID
from localnode.dtl.patterns import Matcher
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Evaluator, Expr
from localnode.dtl.values import (
    BYTES,
    DATE,
    DATETIME,
    NI,
    STRING,
    URI,
    UUID,
    Text,
    as_list,
    first,
    is_string,
    kind,
    text,
    to_bytes,
)
from localnode.readings import reads


@special("concat", signature="VALUES+")
def concat(call: Call) -> Expr:
    """One string from all strings in all arguments, lists included; other values are left out."""
    runs = [arg.run for arg in call.args]
    part_of = _tagged_text if reads("concat-tagged", "text") else _string_only
    if len(runs) == 1:
        return fold_constant(_concat_one(runs[0], part_of), call.args)

    def run(f: Frame, v: object) -> str:
        parts: list[str] = []
        for argument in runs:
            value = argument(f, v)
            if type(value) is str and value[:1] != "~":
                if len(value) > FREE:
                    spend(len(value))
                parts.append(value)
            else:
                found = [part for item in as_list(value) if (part := part_of(item)) is not None]
                spend(sum(map(len, found)))
                parts += found
        joined = "".join(parts)
        return text(joined) if joined[:1] == "~" else joined

    return fold_constant(run, call.args)


def _concat_one(argument: Evaluator, part_of: Callable[[object], str | None]) -> Evaluator:
    """Return `concat` of a single argument, which rules use to read a computed name as one."""

    def run(f: Frame, v: object) -> str:
        value = argument(f, v)
        if type(value) is str and value[:1] != "~":
            return value
        parts = [part for item in as_list(value) if (part := part_of(item)) is not None]
        spend(sum(map(len, parts)))
        return text("".join(parts))

    return run


@plain("join", signature="SEPARATOR:string VALUES")
def join(separator: str, values: object) -> str | None:
    """One string from all strings in VALUES with SEPARATOR in between.

    `""` if there are none, null for null.
    """
    if values is None:
        return None
    part_of = _tagged_text if reads("concat-tagged", "text") else _string_only
    parts = [part for item in as_list(values) if (part := part_of(item)) is not None]
    if not parts and reads("join-of-none", "null"):
        return None
    spend(sum(map(len, parts)) + len(separator) * len(parts))
    return text(separator.join(parts))


def _string_only(value: Any) -> str | None:
    return value if is_string(value) else None


def _tagged_text(value: Any) -> str | None:
    """Return a string, or an identifier, URI, time or UUID as `string` writes it."""
    if is_string(value):
        return str(value)
    return value[2:] if kind(value) in (NI, URI, DATE, DATETIME, UUID) else None


@mapped("length", over="strings")
def length(value: str) -> int:
    """Map-style: the number of characters."""
    return len(value)


@mapped("lower", over="strings")
def lower(value: str) -> str:
    """Map-style: the string in lower case."""
    return value.lower()


@mapped("upper", over="strings")
def upper(value: str) -> str:
    """Map-style: the string in upper case."""
    return value.upper()


@mapped("strip", signature="[CHARACTERS:string] VALUES", over="strings")
def strip(characters: Any) -> Callable[[str], str]:
    """Map-style: the string without CHARACTERS (default: whitespace) at both ends."""
    return str.strip if characters is ABSENT else lambda value: value.strip(characters)


@mapped("lstrip", signature="[CHARACTERS:string] VALUES", over="strings")
def lstrip(characters: Any) -> Callable[[str], str]:
    """Map-style: the string without CHARACTERS (default: whitespace) on the left."""
    return str.lstrip if characters is ABSENT else lambda value: value.lstrip(characters)


@mapped("rstrip", signature="[CHARACTERS:string] VALUES", over="strings")
def rstrip(characters: Any) -> Callable[[str], str]:
    """Map-style: the string without CHARACTERS (default: whitespace) on the right."""
    return str.rstrip if characters is ABSENT else lambda value: value.rstrip(characters)


MAX_WIDTH = 1_000_000


@mapped("ljust", signature="WIDTH FILL VALUES", over="strings", fold=False)
def ljust(width: object, fill: object) -> Callable[[str], str] | None:
    """Map-style: the string, filled up on the right with FILL to WIDTH characters.

    Null if WIDTH is not an integer (up to a million) or FILL is not exactly one character.
    """
    return _justified(str.ljust, width, fill)


@mapped("rjust", signature="WIDTH FILL VALUES", over="strings", fold=False)
def rjust(width: object, fill: object) -> Callable[[str], str] | None:
    """Map-style: the string, filled up on the left with FILL to WIDTH characters; otherwise as `ljust`."""
    return _justified(str.rjust, width, fill)


def _justified(side: Callable[[str, int, str], str], width: object, fill: Any) -> Callable[[str], str] | None:
    width, fill = first(width), first(fill)
    if type(width) is not int or width > MAX_WIDTH or not is_string(fill) or len(fill) != 1:
        return None
    return lambda value: side(value, width, fill)


@plain("matches", signature="PATTERN:pattern VALUES")
def matches(matcher: Matcher, values: object) -> bool:
    """Return True if there are values and all of them are strings that match PATTERN.

    It is a wildcard (`*` any characters, `?` one). If several patterns are given only the first is used.
    """
    items = as_list(values)
    return bool(items) and all(is_string(item) and matcher(item) for item in items)


def _replaced(value: str, before: str, after: str) -> str:
    if len(after) > len(before):
        spend(len(value) + value.count(before) * (len(after) - len(before)))
    return value.replace(before, after)


@special("replace", signature="OLD:string NEW:string VALUES | REPLACEMENTS VALUES")
def replace(call: Call) -> Expr:
    """Map-style: the string with every OLD replaced by NEW, or by the dict REPLACEMENTS.

    The replacements are made in one go: what has been put in is not replaced again, and longer keys go first.
    """
    values = call.args[-1].run
    if len(call.args) == 2:
        replacements = call.args[0].run
        if call.args[0].constant:
            given = _replacer(first(call.args[0].value))
            if given is None:
                return Expr.of(None)
            replaced = string_scalar(given)
            return fold_constant(lambda f, v: broadcast(replaced, values(f, v)), call.args)

        def many(f: Frame, v: object) -> object:
            scalar = _replacer(first(replacements(f, v)))
            return None if scalar is None else broadcast(string_scalar(scalar), values(f, v))

        return fold_constant(many, call.args)
    old, new = (argument.run for argument in aligned(call)[:2])

    def one(f: Frame, v: object) -> object:
        before, after = old(f, v), new(f, v)
        if before is INVALID or after is INVALID:
            return None
        return broadcast(
            string_scalar(lambda value: _replaced(value, before, after) if before else value), values(f, v)
        )

    return fold_constant(one, call.args)


def _replacer(replacements: object) -> Callable[[str], str] | None:
    if type(replacements) is not dict:
        return None
    table = {old: str(new) for old, new in replacements.items() if old and is_string(new)}
    if not table:
        return str
    if reads("replace-dict", "in-turn"):
        return lambda value: _replaced_in_turn(value, table)
    search = re.compile("|".join(re.escape(old) for old in sorted(table, key=len, reverse=True)))
    # Most texts are ASCII, and a table of letters with accents has nothing to replace in them.
    never_ascii = not any(old.isascii() for old in table)

    def replaced(value: str) -> str:
        if never_ascii and value.isascii():
            return value
        return search.sub(lambda match: table[match[0]], value)

    return replaced


def _replaced_in_turn(value: str, table: dict[str, str]) -> str:
    for old, new in table.items():
        value = value.replace(old, new)
    return value


@plain("split", signature="[SEPARATOR:string] VALUES")
def split(separator: Any, values: object) -> object:
    """One list of the parts of all strings.

    `""` splits into characters; without SEPARATOR at runs of whitespace. Empty parts are kept. Null gives
    null, and so does a single value that is not a string.
    """
    if type(values) is not list and not is_string(values):
        return None
    parts: list[str] = []
    for item in as_list(values):
        if is_string(item):
            parts += (
                str(item) if separator == "" else str(item).split(None if separator is ABSENT else separator)
            )
    spend_items(len(parts))
    return [text(part) for part in parts if part or reads("split-empty", "kept")]


@mapped("substring", signature="START:bound [END:bound] VALUES", over="strings")
def substring(start: Any, end: Any) -> Callable[[str], str]:
    """Map-style: the characters from START (from 0) up to, not including, END.

    END is the end of the string by default. Negative positions count from the end; a null position is the
    start or the end.
    """
    part = slice(*(None if bound is ABSENT else bound for bound in (start, end)))
    return lambda value: value[part]


@mapped("string")
def string(value: object) -> object:
    """Map-style cast.

    Numbers in plain digits, booleans as true and false, URIs, NIs, times and UUIDs without their tag, bytes
    decoded as utf-8 (undecodable ones are dropped), inner lists and dicts as `json` writes them. Null gives
    null.
    """
    return value if type(value) is str and value[:1] != "~" else _cast(value)


def _cast(value: Any) -> object:
    if type(value) is Text:
        return value
    if type(value) in (dict, list):
        return text(json_text(value))
    name = kind(value)
    if name == STRING:
        return value
    if name == BYTES:
        try:
            return text((to_bytes(value[2:]) or b"").decode())
        except UnicodeDecodeError:
            return INVALID
    if type(value) is str:
        return text(f"{Decimal(value[2:]):f}" if name == "decimal" else value[2:])
    return scalar_text(value)


def scalar_text(value: object) -> str:
    """Return a boolean, integer or float as a string."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return repr(value)
    return str(value)


@plain("is-string", signature="VALUES")
def is_string_(value: object) -> bool:
    """Return True if the value, or the first of a list, is a string."""
    return is_string(first(value))
