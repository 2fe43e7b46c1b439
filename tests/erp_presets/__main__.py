"""`python -m tests.erp_presets [pytest options]`: install the third-party servers, then run the tests marked `erp`.

Ends with pytest's exit code, or with 3 and a message when the packages cannot be fetched here, so that a CI can
tell "could not be tried" from "failed".
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.support.processes import ROOT
from tests.support.thirdparty import CannotFetch, installed

HERE = Path(__file__).parent
CANNOT_FETCH = 3


def main(options: list[str]) -> int:
    """The exit code."""
    for lock in sorted([*HERE.glob("*/package-lock.json"), *HERE.glob("*/requirements.lock")]):
        started = time.perf_counter()
        try:
            place = installed(lock.parent)
        except CannotFetch as error:
            print(
                f"The third-party ERPs cannot be fetched here, so nothing was tested.\n{error}",
                file=sys.stderr,
            )
            return CANNOT_FETCH
        print(
            f"{lock.parent.name}: {place.relative_to(ROOT)} ({time.perf_counter() - started:.0f} s)",
            flush=True,
        )
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(HERE),
        "-m",
        "erp",
        "-n",
        "0",
        "--timeout",
        "300",
        *options,
    ]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
