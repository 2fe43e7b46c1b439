"""`python -m tests.sdk_schemas`: sync the demo data and say which requests Chargebee's own client would refuse.

Ends with 1 when there are some, with 3 when the client cannot be fetched here.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.sdk_schemas.requests_judged import judged
from tests.sdk_schemas.runs import demo
from tests.support.thirdparty import CannotFetch

FINE, FAULTS, CANNOT_FETCH = 0, 1, 3


def main() -> int:
    """Run, judge and print; gives the exit code."""
    with tempfile.TemporaryDirectory(prefix="sdk-schemas-") as folder:
        recording = demo(Path(folder))
        try:
            found = judged(recording)
        except CannotFetch as error:
            print(f"not fetched here: {error}")
            return CANNOT_FETCH
    print(found.summary())
    return FAULTS if found.faults else FINE


if __name__ == "__main__":
    sys.exit(main())
