"""The command line: `python -m connectors.chargebee.check [--write] [--all] [--fact ID] [--json] …`.

Site and key come from the environment, as for the service. Exit code: 0 nothing is otherwise than assumed,
1 something is, 2 a setting is wrong or the check must not write there, 3 the site cannot be asked, 4 the
check ended early.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from connectors.chargebee.check import report
from connectors.chargebee.check.probes import FACTS, load
from connectors.chargebee.check.run import (
    PATIENCE_S,
    Interrupted,
    NotAsked,
    NotWritten,
    Options,
    asked_for,
    check,
)
from connectors.chargebee.check.verdicts import Kind
from connectors.chargebee.settings import ChargebeeSettings, read_settings
from connectors.common.errors import SettingsError
from core.jsonio import dumps

AS_ASSUMED, OTHERWISE, WRONG_SETTINGS, NOT_ASKED, CUT_SHORT = range(5)
_PATIENCE = {"UPSTREAM_ATTEMPTS": "4", "UPSTREAM_MAX_WAIT_SECONDS": "120"}
"""A limit that is passed holds for about a minute."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m connectors.chargebee.check", description=__doc__)
    made.add_argument("--write", action="store_true", help="make, change and remove records, on a test site")
    made.add_argument("--all", action="store_true", help="as --write, for what is documented as well")
    made.add_argument("--fact", action="append", default=[], help="settle only this one; may be given again")
    made.add_argument("--json", action="store_true", help="for programs")
    made.add_argument("--report", type=Path, metavar="FILE", help="write a Markdown report")
    made.add_argument("--facts", type=Path, default=FACTS, metavar="FILE", help="facts.json of the sandbox")
    late = "between looks at what comes late (default %(default)s)"
    made.add_argument("--patience", type=float, default=PATIENCE_S, metavar="SECONDS", help=late)
    return made


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Check and print; gives the exit code."""
    options = parser().parse_args(arguments)
    try:
        settings = _settings({**_PATIENCE, **(os.environ if environ is None else environ)})
        probes = load(options.facts)
    except SettingsError as error:
        return _refused(error.detail, WRONG_SETTINGS)
    except OSError as error:
        return _refused(f"--facts {options.facts} cannot be read: {error.strerror}", WRONG_SETTINGS)
    unknown = asked_for(probes, options.fact)
    if unknown:
        return _refused(f"there is no fact {', '.join(unknown)}", WRONG_SETTINGS)
    signal.signal(signal.SIGTERM, _interrupt)
    wanted = Options(options.write or options.all, options.fact, options.all, patience=options.patience)
    try:
        result = check(settings, probes, wanted, lambda line: print(line, file=sys.stderr, flush=True))
    except NotWritten as error:
        return _refused(str(error), WRONG_SETTINGS)
    except NotAsked as error:
        return _refused(str(error), NOT_ASKED)
    except KeyboardInterrupt:
        return _refused("ended before everything was removed; the next check does that", CUT_SHORT)
    if options.report:
        options.report.write_text("\n".join(report.markdown(result)) + "\n", encoding="utf-8")
    print(dumps(report.document(result)).decode() if options.json else "\n".join(report.lines(result)))
    if result.cut_short:
        return CUT_SHORT
    return OTHERWISE if result.of(Kind.OTHERWISE) else AS_ASSUMED


def _settings(environ: Mapping[str, str]) -> ChargebeeSettings:
    """Return the service's settings; `SettingsError` names all that is missing of what a check needs."""
    missing = [
        names
        for names in ("CHARGEBEE_SITE or CHARGEBEE_BASE_URL", "CHARGEBEE_API_KEY")
        if not any(environ.get(name, "").strip() for name in names.split(" or "))
    ]
    if missing:
        raise SettingsError(missing[0], f"is required{' (so is ' + missing[1] + ')' if missing[1:] else ''}")
    return read_settings(environ)


def _refused(said: str, code: int) -> int:
    print(said, file=sys.stderr)
    return code


def _interrupt(signum: int, frame: FrameType | None) -> None:
    signal.signal(signum, signal.SIG_DFL)  # a second time ends at once
    raise Interrupted


if __name__ == "__main__":
    sys.exit(main())
