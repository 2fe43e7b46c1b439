"""What holds for all tests: bytecode is kept, and no test is timed by the wall clock.

The tests start hundreds of Python processes. Where PYTHONDONTWRITEBYTECODE is set, as in container images, each
of them and each test worker would compile the whole project again, which costs more than most tests do. On a
shared machine a single example may take any time, so Hypothesis sets none a deadline.
"""

from __future__ import annotations

import os
import sys

from hypothesis import settings

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
