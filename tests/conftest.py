"""What holds for all tests: bytecode is kept, and no test is timed by the wall clock.

The tests start hundreds of Python processes. Where PYTHONDONTWRITEBYTECODE is set, as in container images, each
of them and each test worker would compile the whole project again, which costs more than most tests do. On a
shared machine a single example may take any time, so Hypothesis sets none a deadline. A worker holds all tests and
all modules for good, so the garbage collector looks at them less often: collecting the tests takes an eighth less.

With `--readings turned`, or `--readings "ties=last, numbers=equal"`, what Sesam's documentation leaves open is read
the other way, here and in every process that a test starts (docs/reference/readings.md).
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from localnode import readings
from tests.support.readings import all_turned

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
gc.set_threshold(20_000, 20, 10)
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TESTS = Path(__file__).parent
LONG = (
    "e2e",
    "soundness",
    "studio",
    "diagnostics",
    "stack",
    "test_readme.py",
    "test_wheel.py",
    "security",
    "attack",
)
"""Folders and files whose tests start whole stacks, or other programs that take long."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes long first, so that the end has short files to share out among the workers."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.relative_to(TESTS).parts[0], len(LONG)))


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of every later look at what is garbage."""
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--readings", default="", help="how open questions are read; turned: all the other way")


def pytest_configure(config: pytest.Config) -> None:
    written = config.getoption("--readings")
    if written:
        chosen = all_turned() if written == "turned" else readings.parse(written)
        readings.choose(chosen)
        os.environ["NODE_READINGS"] = readings.turned()
