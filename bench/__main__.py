"""`python -m bench [name …]`: run the benchmarks, each in its own process so that none warms another up.

Ends with one table of all figures beside those of the last release. `--keep RELEASE` writes them to
`bench/results/RELEASE.json`. `python -m bench dtl flow --contacts 2000` measures a small flow only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import _figures

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main(arguments: list[str]) -> int:
    """Run the named benchmarks (default: all) and return 1 if any failed, 2 for an unknown name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--keep", metavar="RELEASE", help="keep the figures as those of a release")
    parser.add_argument("--contacts", metavar="N", nargs="+", default=[], help="how many the flow is to have")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        print(f"No benchmark named {', '.join(unknown)}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    failed = 0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder, "figures")
        path.touch()
        environment = {**os.environ, _figures.VARIABLE: str(path)}
        for name in options.names or NAMES:
            print(f"\n== {name} ==", flush=True)
            command = [sys.executable, "-m", f"bench.{name}", *(options.contacts if name == "flow" else [])]
            failed |= subprocess.run(command, env=environment, check=False).returncode != 0
        figures = _figures.noted(path)
    print("\n== all figures ==")
    print("\n".join(_figures.table(figures, *_figures.last_release())))
    if options.keep:
        print(f"kept in {_figures.keep(options.keep, figures)}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
