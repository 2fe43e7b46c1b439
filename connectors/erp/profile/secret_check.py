"""Credentials that stand in a profile in plain text instead of the environment, wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from connectors.erp.mapping.templates import names

SecretFinding = tuple[tuple[str, ...], str]
"""Where in the document, and what to do about it; never the value itself."""

_ADVICE = (
    "secrets are never written into a profile; put it in the environment and name it as ${NAME}, in"
    " connection.rest.auth, headers or query"
)
_SENT = ("headers", "query", "body", "find", "changed", "parameters")
"""Keys below which everything is sent to the ERP."""

_WORDS = {
    "auth", "authentication", "authorization", "bearer", "cookie", "credential", "credentials", "jwt",
    "passcode", "passphrase", "passwd", "password", "pwd", "secret", "signature", "token",
}  # fmt: skip
_KEYS = {
    "access", "account", "api", "app", "application", "auth", "client", "consumer", "function", "functions",
    "licence", "license", "private", "secret", "service", "session", "subscription",
}  # fmt: skip
"""What makes a key out of a name with `key` or `id` in it."""

_HARMLESS = {
    "continuation", "csrf", "field", "format", "kind", "next", "page", "skip", "sync", "type", "uri", "url",
    "xsrf",
}  # fmt: skip
_GLUED = re.compile(r"x?(api|access|auth|session|subscription|private|client|app)(key|token|secret)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SHAPE = re.compile(
    r"(bearer|basic|digest|apikey|token)\s+\S{4,}|eyJ[\w-]+\.[\w-]+\..*|-----BEGIN .*", re.I | re.S
)


def find_secrets(document: Mapping[str, object]) -> Iterator[SecretFinding]:
    """Yield every one, in the order of the document."""
    yield from _walk(document, (), False)


def _walk(value: object, place: tuple[str, ...], sent: bool) -> Iterator[SecretFinding]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            below = sent or name in _SENT
            if sent and _is_secret(name) and any(_literals(inner)):
                yield (*place, name), _ADVICE
            else:
                yield from _walk(inner, (*place, name), below)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _walk(inner, (*place, str(at)), sent)
    elif isinstance(value, str) and _shows_one(value, place, sent):
        yield place, _ADVICE


def _shows_one(value: str, place: tuple[str, ...], sent: bool) -> bool:
    """Return whether a text is a credential by its own looks, or an address that holds one."""
    looks = sent and _SHAPE.fullmatch(value) is not None
    return looks or (place[-1].endswith(("path", "url")) and _in_address(value))


def _is_secret(name: str) -> bool:
    """Return whether a parameter, header or member of that name holds a credential."""
    words_in_order = _WORD.findall(name)
    words = {word.lower() for word in words_in_order}
    if words & _HARMLESS:
        return False
    glued = "".join(words_in_order).lower()
    keyed = bool(words & {"key", "keys"} and words & _KEYS) or words >= {"session", "id"}
    return keyed or bool(words & _WORDS) or glued in _WORDS or _GLUED.fullmatch(glued) is not None


def _literals(value: object) -> Iterator[object]:
    """Yield the texts and numbers in a value that stand for themselves."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _literals(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _literals(inner)
    elif isinstance(value, str):
        if not value.startswith("${") and not names(value):
            yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _in_address(text: str) -> bool:
    """Return whether an address holds a password, or a credential among its parameters."""
    parts = urlsplit(text)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    return parts.password is not None or any(_is_secret(name) and not names(value) for name, value in pairs)
