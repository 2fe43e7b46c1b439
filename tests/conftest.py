"""What holds for all tests: bytecode is kept, and no test is timed by the wall clock.

The tests start hundreds of Python processes. Where PYTHONDONTWRITEBYTECODE is set, as in container images, each
of them and each test worker would compile the whole project again, which costs more than most tests do. On a
shared machine a single example may take any time, so Hypothesis sets none a deadline.

With `--readings turned`, or `--readings "ties=last, numbers=equal"`, what Sesam's documentation leaves open is read
the other way, here and in every process that a test starts (docs/reference/readings.md).
"""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

from localnode import readings

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--readings", default="", help="how open questions are read; turned: all the other way")


def pytest_configure(config: pytest.Config) -> None:
    written = config.getoption("--readings")
    if written:
        chosen = readings.all_turned() if written == "turned" else readings.parse(written)
        readings.choose(chosen)
        os.environ["NODE_READINGS"] = readings.turned()
