"""Which facts the source of the sandbox names, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.processes import ROOT

SANDBOX = ROOT / "sandbox" / "chargebee"
USES = ("imitates", "checks", "holds")
TURNED_BY = ("checks", "holds")
"""Those that make a difference while a fact is turned round."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    """The sandbox's own modules."""
    return sorted(path for path in SANDBOX.glob("*.py") if path.name != "facts.py")


def named_in(node: ast.AST, uses: tuple[str, ...] = USES) -> set[str]:
    """The facts that a piece of source names by these functions."""
    found: set[str] = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _name(call.func) in uses:
            found |= {
                one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
    return found


@cache
def turnable() -> frozenset[str]:
    """The facts that the sandbox can turn round."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules()]
    return frozenset().union(*(named_in(tree, TURNED_BY) for tree in trees))


def functions() -> Iterator[tuple[str, Function]]:
    """Every function of the sandbox, as `module.py:name`."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield f"{path.name}:{node.name}", node


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
