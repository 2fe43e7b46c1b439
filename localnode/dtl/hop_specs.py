"""Hops specifications as they are written: read into a `Spec`, with everything that is wrong noted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from core.suggestions import did_you_mean
from localnode.dtl.registry import shown
from localnode.dtl.scope import Scope
from localnode.dtl.variables import CONTEXTS, VARIABLES

SOURCE = "_S"
KEYS = (
    "datasets", "where", "return", "recurse", "exclude_root", "max_depth", "subsets", "prefilters",
    "track-dependencies", "trace", "comment",
)  # fmt: skip
DEFAULT_MAX_DEPTH = 10
_ALIAS = re.compile(r"\w+(?:-\w+)*")


@dataclass
class Spec:
    """One specification: `datasets` by alias in the order written, `where` and `subsets` with their paths."""

    path: str
    datasets: dict[str, str]
    where: list[tuple[Any, str]] = field(default_factory=list)
    returns: Any = None
    returned_aliases: list[str] = field(default_factory=list)
    recurse: bool = False
    exclude_root: bool = False
    max_depth: int | None = DEFAULT_MAX_DEPTH
    subsets: dict[str, tuple[Any, str]] = field(default_factory=dict)
    track: bool = True
    trace: str | None = None
    unknown: set[str] = field(default_factory=set)

    @property
    def aliases(self) -> frozenset[str]:
        """All aliases."""
        return frozenset(self.datasets)

    @property
    def last_alias(self) -> str:
        """The alias whose entities come out where there is no `return`."""
        return list(self.datasets)[-1]

    def known_aliases(self) -> str:
        """Return the aliases in words."""
        return f"aliases are {', '.join(self.datasets)}"


def read_spec(raw: object, scope: Scope, path: str, is_last: bool) -> Spec | None:
    """Read a specification; None if it is too broken to go on with."""
    if type(raw) is not dict:
        scope.error(
            path, 'hops: a specification is an object such as {"datasets": ["orders o"], "where": […]}'
        )
        return None
    for key in raw:
        if key not in KEYS:
            scope.compilation.warn(f"{path}['{key}']", f'hops: unknown key "{key}"{did_you_mean(key, KEYS)}')
    datasets = _datasets(raw.get("datasets"), scope, f"{path}['datasets']")
    if not datasets:
        return None
    spec = Spec(path, datasets, where=_where(raw.get("where"), f"{path}['where']"))
    spec.recurse = _flag(raw, "recurse", False, scope, path)
    spec.exclude_root = _flag(raw, "exclude_root", False, scope, path)
    spec.track = _flag(raw, "track-dependencies", True, scope, path)
    spec.max_depth = _max_depth(raw, scope, path)
    _read_subsets(spec, raw, scope)
    _read_return(spec, raw, scope, is_last)
    spec.trace = _trace(raw, scope, path, is_last)
    return spec


def _datasets(raw: object, scope: Scope, path: str) -> dict[str, str]:
    if type(raw) is not list or not raw:
        scope.error(
            path, 'hops: datasets must be a list such as ["orders o", "products p"], with at least one'
        )
        return {}
    found: dict[str, str] = {}
    for index, item in enumerate(raw):
        parts = item.split() if type(item) is str else []
        if len(parts) != 2:
            scope.error(
                f"{path}[{index}]", f'hops: a dataset is written "dataset-id alias", not {shown(item)}'
            )
        elif not _ALIAS.fullmatch(parts[1]) or parts[1] in (*VARIABLES, *CONTEXTS):
            scope.error(f"{path}[{index}]", f'hops: "{parts[1]}" cannot be an alias')
        elif parts[1] in found:
            scope.error(f"{path}[{index}]", f'hops: alias "{parts[1]}" stands for {found[parts[1]]} already')
        else:
            found[parts[1]] = parts[0]
    return found


def _where(raw: object, path: str) -> list[tuple[object, str]]:
    """Return the expressions of `where`: one, or a list of them."""
    if raw is None:
        return []
    if type(raw) is list and (not raw or type(raw[0]) is list):
        return [(item, f"{path}[{index}]") for index, item in enumerate(raw)]
    return [(raw, path)]


def _flag(raw: dict[str, object], key: str, default: bool, scope: Scope, path: str) -> bool:
    value = raw.get(key, default)
    if type(value) is not bool:
        scope.error(f"{path}['{key}']", f"hops: {key} must be true or false")
        return default
    return value


def _max_depth(raw: dict[str, object], scope: Scope, path: str) -> int | None:
    value = raw.get("max_depth", DEFAULT_MAX_DEPTH)
    if value is None or (type(value) is int and value >= 0):
        return value
    scope.error(f"{path}['max_depth']", "hops: max_depth must be an integer from 0, or null for no limit")
    return DEFAULT_MAX_DEPTH


def _read_subsets(spec: Spec, raw: dict[str, object], scope: Scope) -> None:
    for key in ("subsets", "prefilters"):
        subsets = raw.get(key, {})
        if type(subsets) is not dict:
            scope.error(f"{spec.path}['{key}']", f"hops: {key} must be an object from alias to expression")
            continue
        for alias, expression in subsets.items():
            place = f"{spec.path}['{key}']['{alias}']"
            if alias not in spec.datasets:
                scope.error(place, f'hops: there is no alias "{alias}"; {spec.known_aliases()}')
            spec.subsets[alias] = (expression, place)


def _read_return(spec: Spec, raw: dict[str, object], scope: Scope, is_last: bool) -> None:
    """`return`: aliases separated by commas, or an expression; the last alias if there is none."""
    place = f"{spec.path}['return']"
    if "return" in raw and not is_last:
        scope.error(place, "hops: return is only allowed in the last specification")
    if "return" in raw and spec.recurse:
        scope.error(place, "hops: return cannot be used with recurse; add another specification for it")
    spec.returns = raw.get("return", spec.last_alias)
    if type(spec.returns) is not str or "." in spec.returns:
        return
    spec.returned_aliases = [word.strip() for word in spec.returns.split(",")]
    for alias in spec.returned_aliases:
        if alias not in spec.datasets:
            hint = did_you_mean(alias, spec.datasets)
            scope.error(place, f'hops: there is no alias "{alias}"{hint}; {spec.known_aliases()}')


def _trace(raw: dict[str, object], scope: Scope, path: str, is_last: bool) -> str | None:
    if "trace" not in raw:
        return None
    if type(raw["trace"]) is not str:
        scope.error(f"{path}['trace']", "hops: trace must be a string, the name under which to log")
        return None
    if not is_last:
        scope.error(f"{path}['trace']", "hops: trace is only allowed in the last specification")
    return raw["trace"]
