"""Which facts the source of the sandbox names, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sandbox.chargebee.facts import all_facts
from tests.support.processes import ROOT

SANDBOX = ROOT / "sandbox" / "chargebee"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    """The sandbox's own modules."""
    return sorted(path for path in SANDBOX.glob("*.py") if path.name != "facts.py")


def named_in(node: ast.AST) -> set[str]:
    """The facts that a piece of source names, in whatever call."""
    texts = {
        one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    return texts & all_facts().keys()


@cache
def turnable() -> frozenset[str]:
    """The facts that make a difference in the sandbox while they are turned round: named besides `imitates`."""
    found: set[str] = set()
    for path in modules():
        tree = _WithoutImitates().visit(ast.parse(path.read_text(encoding="utf-8")))
        found |= named_in(tree)
    return frozenset(found)


class _WithoutImitates(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802 - the name that ast calls
        self.generic_visit(node)
        return ast.Constant(None) if isinstance(node.func, ast.Name) and node.func.id == "imitates" else node


def functions() -> Iterator[tuple[str, Function]]:
    """Every function of the sandbox, as `module.py:name`."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield f"{path.name}:{node.name}", node
