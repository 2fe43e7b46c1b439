"""Find where a shared property is in a system's own records, from the pipes' rules.

An enrich pipe has rules of the form `["add", "<property>", …"_S.<path>"…]`; a transform pipe has the rule
`fields`: `["add", "<field>", …"_S.<property>"…]`, with nested objects as `["dict", "<part>", …]`.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.names import ENRICH, TRANSFORM, Kind
from localnode.config import NodeConfig
from localnode.config.effective import transforms

_NOT_MODELS = frozenset({"default", "member", "claim", "raw", "deletion_claim", "on_deletion"})


def read_from(config: NodeConfig, kind: Kind, properties: set[str]) -> dict[str, list[str]]:
    """Return property → dotted paths of the kind's own record from which it is read, as far as known.

    A record may be enriched inside another kind's pipe, so all enrich pipes of the system are searched; the
    rule that adds most of `properties` is used.
    """
    best: tuple[int, dict[str, list[str]]] = (0, {})
    for pipe_id in sorted(config.pipes):
        if not (pipe_id.startswith(f"{kind.system}-") and pipe_id.endswith(f"-{ENRICH}")):
            continue
        own = pipe_id == kind.pipe(ENRICH)
        for name, rule in _rules(config, pipe_id):
            if name in _NOT_MODELS:
                continue
            found = {added: _paths(value) for added, value in _adds(rule) if added in properties}
            weight = 2 * len(found) + own
            if found and weight > best[0]:
                best = (weight, found)
    return {name: paths for name, paths in best[1].items() if paths}


def written_to(config: NodeConfig, kind: Kind) -> dict[str, list[str]]:
    """Return property → dotted paths of the kind's own record to which it is written."""
    found: dict[str, list[str]] = {}
    for name, rule in _rules(config, kind.pipe(TRANSFORM)):
        if name != "fields":
            continue
        for field, value in _adds(rule):
            for path, source in _leaves((field,), value):
                for used in _paths(source):
                    paths = found.setdefault(used.partition(".")[0], [])
                    if ".".join(path) not in paths:
                        paths.append(".".join(path))
    return found


def _rules(config: NodeConfig, pipe_id: str) -> Iterator[tuple[str, list[object]]]:
    pipe = config.pipes.get(pipe_id)
    for _, link in transforms(pipe.effective) if pipe else []:
        rules = link.get("rules") if isinstance(link, dict) else None
        yield from (rules or {}).items()


def _adds(rule: object) -> Iterator[tuple[str, object]]:
    """Return name and expression of every `add` in a rule, also inside its conditions."""
    if not isinstance(rule, list):
        return
    if rule[:1] in (["add"], ["add-if"]) and len(rule) == 3 and isinstance(rule[1], str):
        yield rule[1], rule[2]
        return
    for part in rule:
        yield from _adds(part)


def _leaves(path: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield the leaves of nested `dict` expressions, each with its path."""
    if isinstance(value, list) and value[:1] == ["dict"] and len(value) % 2 and len(value) > 1:
        for name, part in zip(value[1::2], value[2::2], strict=True):
            if isinstance(name, str):
                yield from _leaves((*path, name), part)
        return
    yield path, value


def _paths(expression: object) -> list[str]:
    """Return every `_S.<path>` in an expression, in order, each once."""
    if isinstance(expression, str):
        return [expression[3:]] if expression.startswith("_S.") and len(expression) > 3 else []
    found: list[str] = []
    for part in expression if isinstance(expression, list) else []:
        found += [path for path in _paths(part) if path not in found]
    return found
