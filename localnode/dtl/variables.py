"""The variables of DTL as readers: `_S`, `_T`, `_`, `_B`, the contexts `_P` and `_R`, and dataset aliases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.jsonio import Json
from localnode.dtl.api import PipeSettings
from localnode.dtl.paths import BadPath, exact_name, path_reader
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Evaluator, Scope
from localnode.readings import reads

VARIABLES = ("_", "_S", "_T", "_B")
CONTEXTS = ("_P", "_R")


def variable_reader(head: str, elements: list[str], scope: Scope) -> Evaluator:
    """Return the reader of a path that starts with a variable or an alias."""
    settings = scope.settings
    name = exact_name(elements[0], settings) if len(elements) == 1 else None
    read = path_reader(elements, settings)
    if head in scope.aliases:
        if elements[:1] == ["$ids"]:
            read = _ids_reader(elements, settings)
        return lambda f, v: read(f.row[head]) if f.row else None
    if head == "_S" and elements[:1] == ["$ids"] and settings.namespaced_identifiers:
        return _source_ids(elements, settings)
    if head == "_":
        if name is not None:
            return lambda f, v: v.get(name) if type(v) is dict else read(v)
        return (lambda f, v: read(v)) if elements else (lambda f, v: v)
    if head == "_B":
        return lambda f, v: read(dict(f.run.context.params))
    if head == "_T":
        return _target_reader(elements, settings)
    if name is not None:
        return lambda f, v: f.s.get(name) if type(f.s) is dict else read(f.s)
    if not elements:
        return lambda f, v: f.s
    if exact_name(elements[0], settings) is None:
        return _anywhere_in_source(elements, settings)
    return lambda f, v: read(f.s)


def _target_reader(elements: list[str], settings: PipeSettings) -> Evaluator:
    """Return the reader of a path from `_T`, which is a dict always."""
    read = path_reader(elements, settings)
    names = [exact_name(element, settings) for element in elements]
    if len(names) == 1 and names[0] is not None:
        only = names[0]
        return lambda f, v: f.t.get(only)
    if len(names) != 2 or names[0] is None or names[1] is None:
        return lambda f, v: read(f.t)
    outer, inner = names[0], names[1]

    def run(f: Frame, v: Any) -> Any:
        value = f.t.get(outer)
        if type(value) is dict:
            return value.get(inner)
        return None if value is None else read(f.t)

    return run


def _anywhere_in_source(elements: list[str], settings: PipeSettings) -> Evaluator:
    """Return a path from `_S` that starts with a property of any namespace.

    The source's key layout is looked up once.
    """
    element, read = elements[0], path_reader(elements, settings)
    rest = path_reader(elements[1:], settings) if len(elements) > 1 else None

    def run(f: Frame, v: Any) -> Any:
        source = f.s
        if type(source) is dict:
            layout = f.layout or f.source_layout()
            name = layout.single.get(element)
            if name is not None:
                if rest is None:
                    return source[name]
                if type(inner := source[name]) is dict:
                    return rest(inner)
            elif element not in layout.several:
                return None
        return read(source)

    return run


def _source_ids(elements: list[str], settings: PipeSettings) -> Evaluator:
    """`_S.$ids`; where the source has none, a list with its `_id` as namespaced identifier stands in."""
    read, rest = path_reader(elements, settings), path_reader(elements[1:], settings)

    def run(f: Frame, v: Any) -> Any:
        source = f.s
        if type(source) is not dict or "$ids" in source or type(source.get("_id")) is not str:
            return read(source)
        own = identifier(source["_id"], settings)
        return rest(own if reads("source-ids", "lone") else [own])

    return run


def _ids_reader(elements: list[str], settings: PipeSettings) -> Callable[[object], object]:
    """`$ids` of an entity of another dataset.

    Where it has none, a list of its `_id` stands in, as the merge source writes it.
    """
    read, rest = path_reader(elements, settings), path_reader(elements[1:], settings)

    def ids(entity: object) -> Any:
        if type(entity) is not dict or "$ids" in entity or type(entity.get("_id")) is not str:
            return read(entity)
        return rest([f"~:{entity['_id']}" if settings.namespaced_identifiers else entity["_id"]])

    return ids


def identifier(entity_id: str, settings: PipeSettings) -> str:
    """Return an `_id` as namespaced identifier.

    An id without namespace gets the identity namespace of the pipe.
    """
    return f"~:{entity_id}" if ":" in entity_id else f"~:{settings.identity}:{entity_id}"


def context_reader(head: str, elements: list[str], settings: PipeSettings) -> Evaluator:
    """Return the reader of `_P._S.age`, `_P._P._T.x`, `_R._S.x` and their like.

    Raises BadPath for what a context has not.
    """
    climb, rest = 0, elements
    while head == "_P" and rest[:1] == ["_P"]:
        climb, rest = climb + 1, rest[1:]
    if rest and rest[0] not in ("_S", "_T"):
        has = "_S, _T and _P" if head == "_P" else "_S and _T"
        raise BadPath(f"bad path: {head} has {has}, not {rest[0]!r}")
    if not rest:
        return lambda f, v: _context(f, head, climb)
    of_source, read = rest[0] == "_S", path_reader(rest[1:], settings)
    if head == "_P" and not climb:
        if of_source:
            return lambda f, v: None if f.p is None else read(f.p.s)
        name = exact_name(rest[1], settings) if len(rest) == 2 else None
        if name is not None:
            return lambda f, v: None if f.p is None else f.p.t.get(name)
        return lambda f, v: None if f.p is None else read(f.p.t)

    def run(f: Frame, v: Any) -> Any:
        frame = _frame(f, head, climb)
        return None if frame is None else read(frame.s if of_source else frame.t)

    return run


def _frame(f: Frame, head: str, climb: int) -> Frame | None:
    if head == "_R":
        return f.root or f
    frame = f.p
    for _ in range(climb):
        frame = frame.p if frame else None
    return frame


def _context(f: Frame, head: str, climb: int) -> Json | None:
    frame = _frame(f, head, climb)
    if frame is None:
        return None
    return {"_S": frame.s, "_T": frame.t} if head == "_R" else frame.parent_context()
