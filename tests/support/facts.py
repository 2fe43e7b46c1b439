"""Which facts the source of the sandbox names, and where."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sandbox.chargebee import errors
from sandbox.chargebee.facts import all_facts
from sandbox.chargebee.routes import OPERATIONS
from tests.support.processes import ROOT

SANDBOX = ROOT / "sandbox" / "chargebee"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    """Return the sandbox's own modules."""
    return sorted(path for path in SANDBOX.glob("*.py") if path.name != "facts.py")


def named_in(node: ast.AST) -> set[str]:
    """Return the facts that a piece of source names, in whatever call."""
    texts = {
        one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    return texts & all_facts().keys()


@cache
def turnable() -> frozenset[str]:
    """Return the facts that make a difference in the sandbox while they are turned round.

    Named besides `imitates`.
    """
    found: set[str] = set()
    for path in modules():
        tree = _WithoutImitates().visit(ast.parse(path.read_text(encoding="utf-8")))
        found |= named_in(tree)
    return frozenset(found)


class _WithoutImitates(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802 - the name that ast calls
        self.generic_visit(node)
        return ast.Constant(None) if isinstance(node.func, ast.Name) and node.func.id == "imitates" else node


@cache
def named() -> frozenset[str]:
    """Return all facts that the sandbox names."""
    return frozenset().union(*(named_in(ast.parse(path.read_text(encoding="utf-8"))) for path in modules()))


def rules() -> Iterator[tuple[str, Function]]:
    """Yield the functions of the sandbox that refuse a call, or carry one out, as `module.py:name`."""
    handlers = {(one.handler.__module__, one.handler.__qualname__) for one in OPERATIONS}
    for path in modules():
        if path.name == "errors.py":
            continue
        for node in _outermost(ast.parse(path.read_text(encoding="utf-8"))):
            is_handler = (f"sandbox.chargebee.{path.stem}", node.name) in handlers
            if is_handler or _calls(node) & _REFUSALS:
                yield f"{path.name}:{node.name}", node


def names_a_fact(node: ast.AST) -> bool:
    """Return whether a function says which fact it keeps to."""
    return bool(_calls(node) & {"imitates", "checks", "holds"})


_REFUSALS = {"ApiError", *(name for name, made in vars(errors).items() if inspect.isfunction(made))} - {
    "holds",
    "imitates",
}
"""What makes an error of the imitated API."""


def _outermost(tree: ast.Module) -> Iterator[Function]:
    """Functions and methods, but none within another function."""
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        yield from (member for member in members if isinstance(member, Function))


def _calls(node: ast.AST) -> set[str]:
    """Return the names of what is called in a piece of source."""
    calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in calls}
