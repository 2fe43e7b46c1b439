"""Values that a system stores otherwise than they were sent: a phone without blanks, a city in capitals.

Chargebee documents that for descriptions (`html`); what else a system does, its apps and its people decide.
Rules say which: by `kind/property/part` (through lists) the names of rewrites, in the order in which they are
done, such as `{"customer/phone": ["blanks"]}`. They are the setting `rewriting` of the Chargebee site, and of
the ERP what `PUT /_sandbox/rewriting` says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from sandbox.common.sanitise import sanitised

Rules = Mapping[str, Sequence[str]]

_BREAK = re.compile(r"\r\n?|\n")
_LOCALES = {"nb": "nb-NO", "no": "nb-NO", "sv": "sv-SE", "da": "da-DK", "en": "en-US"}


def _locale(text: str) -> str:
    language, _, country = text.replace("_", "-").partition("-")
    return f"{language.lower()}-{country.upper()}" if country else _LOCALES.get(language.lower(), text)


REWRITES: Mapping[str, Callable[[str], str]] = {
    "blanks": lambda text: re.sub(r"\s+", "", text),
    "capitals": lambda text: text.title(),
    "crlf": lambda text: _BREAK.sub("\r\n", text),
    "cut": lambda text: text[:20].rstrip(),
    "html": sanitised,
    "lf": lambda text: _BREAK.sub("\n", text),
    "locale": _locale,
    "lower": str.lower,
    "nfc": lambda text: unicodedata.normalize("NFC", text),
    "nfd": lambda text: unicodedata.normalize("NFD", text),
    "squeeze": lambda text: re.sub(r"\s+", " ", text).strip(),
    "trim": str.strip,
    "upper": str.upper,
}


def is_known(rules: Mapping[str, object]) -> bool:
    """Return whether each property is given as `kind/name` and each rewrite is one of these."""
    return all(
        "/" in where and isinstance(names, list) and REWRITES.keys() >= set(names)
        for where, names in rules.items()
    )


def rewrite(kind: str, record: dict[str, object], rules: Rules) -> None:
    """Change the values of a record as the rules on its kind say."""
    for where, names in rules.items():
        of, *path = where.split("/")
        if of == kind:
            _apply(record, path, names)


def _apply(value: object, path: Sequence[str], names: Sequence[str]) -> None:
    if isinstance(value, list):
        for each in value:
            _apply(each, path, names)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) > 1:
            _apply(value[path[0]], path[1:], names)
        elif isinstance(value[path[0]], str):
            for name in names:
                value[path[0]] = REWRITES[name](value[path[0]])
