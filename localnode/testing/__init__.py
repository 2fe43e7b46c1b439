"""A Sesam project's own tests (`expected/*.test.json`), run on a node that is made for them and thrown away.

What a test says, and when it passes, is as for `sesam test` of sesam-py (readme.usage.md of
https://github.com/sesam-community/sesam-py, "Configuring tests", and what version 2.11.13 does where that
page is silent), so that a project gets the same verdict here and there.
"""

from localnode.testing.junit import write_junit
from localnode.testing.outcome import FAILED, IGNORED, PASSED, UPDATED, Outcome
from localnode.testing.project import Project
from localnode.testing.runner import Choices, run_tests

__all__ = [
    "FAILED",
    "IGNORED",
    "PASSED",
    "UPDATED",
    "Choices",
    "Outcome",
    "Project",
    "run_tests",
    "write_junit",
]
