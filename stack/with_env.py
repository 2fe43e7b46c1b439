"""`python -m stack.with_env MODULE [argument …]`: run a module with the settings of `.env`.

As for `make run`, the environment itself wins over `.env`.
"""

from __future__ import annotations

import os
import runpy
import sys

from stack.environment import ROOT, read_env_file


def main(arguments: list[str]) -> None:
    """Run it in this process; its exit code is ours."""
    os.environ.update({**read_env_file(ROOT / ".env"), **os.environ})
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
