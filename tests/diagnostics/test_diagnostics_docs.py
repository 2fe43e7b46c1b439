"""The how-to page is true: it names every rule and fault, and its commands exist."""

from __future__ import annotations

import re
import shlex

from localnode.cli.main import parser
from localnode.diagnostics.conflict_resolution import RULES
from localnode.diagnostics.faults import FAULTS
from tests.support.processes import ROOT

PAGE = (ROOT / "docs" / "howto" / "plan-explain-verify.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```bash\n(.*?)```", PAGE, flags=re.S) for line in block.splitlines()
]


def test_every_rule_and_fault_is_explained_in_the_very_words() -> None:
    for name, meaning in {**RULES, **FAULTS}.items():
        assert f"| `{name}` | {meaning} |" in PAGE, name


def test_the_commands_are_understood() -> None:
    node = [shlex.split(line)[3:] for line in COMMANDS if line.startswith(".venv/bin/python -m localnode")]
    assert len(node) >= 4
    for words in node:
        parser().parse_args(words)
