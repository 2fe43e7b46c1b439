"""`python -m tests.soundness --seed S --steps N`: a soak of the whole stack on free ports."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soundness.mutations import MUTATIONS
from tests.soundness.people import CONCEPTS
from tests.soundness.report import summary
from tests.soundness.running import soak
from tests.soundness.soak import Plan


def main() -> int:
    """Run one plan. Exit code 1 when something was not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.soundness")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=400, help="what people do, all in all")
    parser.add_argument("--kills", type=int, default=0, help="processes killed with SIGKILL meanwhile")
    parser.add_argument("--window", type=int, default=40, help="acts between two checks")
    parser.add_argument("--no-faults", action="store_true", help="both systems stay healthy")
    parser.add_argument("--drift", action="store_true", help="clocks are wrong and lists are late")
    parser.add_argument("--concepts", default=",".join(CONCEPTS), help="which concepts people act on")
    parser.add_argument("--keep", type=Path, help="keep data and logs in this folder")
    parser.add_argument("--break", dest="break_rule", choices=MUTATIONS, help="break a rule on purpose")
    options = parser.parse_args()
    plan = Plan(options.seed, options.steps, options.kills, not options.no_faults, options.window,
                tuple(options.concepts.split(",")), options.drift)  # fmt: skip
    print(f"soundness: {plan}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soundness-") as folder:
        mutation = MUTATIONS[options.break_rule] if options.break_rule else None
        figures = soak(plan, options.keep or Path(folder), lambda line: print(line, flush=True), mutation)
    print(summary(plan, figures))
    return 1 if figures.violations else 0


if __name__ == "__main__":
    sys.exit(main())
