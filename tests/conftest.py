"""What holds for all tests: bytecode is kept.

The tests start hundreds of Python processes. Where PYTHONDONTWRITEBYTECODE is set, as in container images, each
of them and each test worker would compile the whole project again, which costs more than most tests do.
"""

from __future__ import annotations

import os
import sys

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
