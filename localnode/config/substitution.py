"""Turn a posted component into its effective form: `$conditional_properties`, conditional parts, `$ENV()`.

Conditions are decided first, so that a variable which only a dead alternative names may be missing.
`$SECRET()` references are left alone here: an effective config is readable through the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.jsonio import Json
from localnode.config.problems import WARNING, Problem

_ENV = re.compile(r"\$ENV\(([^()]*)\)")
_SECRET = re.compile(r"\$SECRET\(([^()]*)\)")
CONDITIONAL = "$conditional_properties"
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Undefined:
    """A place of a component that names an environment variable which is not defined."""

    path: Path
    name: str

    @property
    def reason(self) -> str:
        """The message about it."""
        return f'the environment variable "{self.name}" is not defined'


class Substitution:
    """One component's substitution; `problems` are its findings, `undefined` the variables that it misses.

    A reference to a variable that is not defined stays in its place as it is.
    """

    def __init__(self, env: Mapping[str, object]) -> None:
        self.env = env
        self.problems: list[Problem] = []
        self.undefined: list[Undefined] = []

    def component(self, original: Mapping[str, object]) -> Json:
        """Return the effective form of a pipe, system or metadata entity, defaults not yet filled in."""
        chosen = self._choose(original, ())
        for part in ("source", "sink"):
            if part in chosen:
                chosen[part] = self._resolve(chosen[part], (part,))
        if "transform" in chosen:
            chosen["transform"] = self._transforms(chosen["transform"])
        return {key: self._fill(value, (key,)) for key, value in chosen.items()}

    def _transforms(self, transform: object) -> object:
        if not isinstance(transform, list):
            return self._resolve(transform, ("transform",))
        resolved = (self._resolve(item, ("transform", at)) for at, item in enumerate(transform))
        return [item for item in resolved if item is not None]

    def _resolve(self, part: object, path: Path) -> object:
        """Replace a conditional source, transform or sink by the chosen alternative."""
        while isinstance(part, dict) and part.get("type") == "conditional":
            alternatives = part.get("alternatives")
            if not isinstance(alternatives, dict):
                self._problem(path, 'a conditional needs "alternatives", an object')
                return {}
            part = self._alternative(part.get("condition"), alternatives, path)
        return part

    def _choose(self, value: Mapping[str, object], path: Path) -> Json:
        """Replace `$conditional_properties` at this level and below.

        Transforms and embedded data are left alone.

        Transforms and embedded data are left alone.
        """
        result = {key: item for key, item in value.items() if key != CONDITIONAL}
        block = value.get(CONDITIONAL)
        if block is not None:
            if not isinstance(block, dict) or not isinstance(block.get("alternatives"), dict):
                self._problem((*path, CONDITIONAL), 'needs "condition" and "alternatives"')
            else:
                chosen = self._alternative(
                    block.get("condition"), block["alternatives"], (*path, CONDITIONAL)
                )
                fixed = {"_id", "type"} if not path else set()
                result.update({key: item for key, item in (chosen or {}).items() if key not in fixed})
        for key, item in result.items():
            if isinstance(item, dict) and key not in ("transform", "entities"):
                result[key] = self._choose(item, (*path, key))
        return result

    def _alternative(self, condition: object, alternatives: dict[str, object], path: Path) -> Any:
        missing = len(self.undefined)
        value = self._fill(condition, (*path, "condition"))
        if len(self.undefined) > missing:
            return {}
        key = str(value).lower() if isinstance(value, bool) else str(value)
        if value is None or key not in alternatives:
            known = ", ".join(f'"{name}"' for name in alternatives)
            self._problem((*path, "condition"), f'no alternative is called "{key}" (there is {known})')
            return {}
        return alternatives[key]

    def _fill(self, value: object, path: Path) -> object:
        if isinstance(value, str):
            return self._string(value, path) if "$ENV(" in value else value
        if isinstance(value, dict):
            return {key: self._fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item, (*path, at)) for at, item in enumerate(value)]
        return value

    def _string(self, text: str, path: Path) -> object:
        whole = _ENV.fullmatch(text)
        if whole:
            return self._variable(whole, path)
        return _ENV.sub(lambda match: _as_text(self._variable(match, path)), text)

    def _variable(self, reference: re.Match[str], path: Path) -> object:
        name = reference[1]
        if name not in self.env:
            missing = Undefined(path, name)
            self.undefined.append(missing)
            self.problems.append(Problem(path, missing.reason, WARNING))
            return reference[0]
        return self.env[name]

    def _problem(self, path: Path, msg: str) -> None:
        self.problems.append(Problem(path, msg))


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def without(value: Mapping[str, object], paths: Sequence[Path]) -> dict[str, object]:
    """Copy a config without what stands at `paths`; what comes after it in a list moves up."""
    return dict(_kept(value.items(), paths))


def _kept(items: Iterable[tuple[object, object]], paths: Sequence[Path]) -> Iterator[tuple[Any, Any]]:
    for key, inner in items:
        below = [path[1:] for path in paths if path[:1] == (key,)]
        if () not in below:
            yield key, _inner(inner, below) if below else inner


def _inner(value: object, paths: Sequence[Path]) -> object:
    if isinstance(value, list):
        return [inner for _, inner in _kept(enumerate(value), paths)]
    return dict(_kept(value.items(), paths)) if isinstance(value, dict) else value


def variables_of_conditions(parts: Iterable[object]) -> set[str]:
    """Return names of the variables that choose among the alternatives of conditional sources or sinks."""
    conditional = [part for part in parts if isinstance(part, dict) and part.get("type") == "conditional"]
    return {name for part in conditional for name in _ENV.findall(str(part.get("condition")))}


def secret_names(value: object) -> set[str]:
    """Return names of every `$SECRET()` in a config value."""
    if isinstance(value, str):
        return set(_SECRET.findall(value))
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(secret_names(item) for item in items))


def fill_secrets(value: object, secret: Callable[[str], str]) -> Any:
    """Return a copy with every `$SECRET(name)` replaced by `secret(name)`.

    KeyError of `secret` passes through.
    """
    if isinstance(value, str):
        return _SECRET.sub(lambda match: secret(match[1]), value) if "$SECRET(" in value else value
    if isinstance(value, dict):
        return {key: fill_secrets(item, secret) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_secrets(item, secret) for item in value]
    return value
