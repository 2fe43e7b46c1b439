"""The command line: `python -m connectors.erp.check [--profile NAME-OR-PATH] [--datatype NAME] [--json]`.

With `--init [DATATYPE=]URL …` it makes a first profile from what these lists answer, and prints it.

Everything else comes from the environment, as for the service. Exit code: 0 all is well (warnings do not
count), 1 what the ERP answers does not fit the profile, 2 the profile or a setting is wrong, 3 the ERP cannot
be asked (down, or it refuses the credentials).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import cast

from connectors.common.errors import ServiceError, SettingsError
from connectors.common.logs import Redactor
from connectors.common.metrics import Metrics
from connectors.erp.check import report
from connectors.erp.check.examine import Examination, Unreachable
from connectors.erp.check.findings import Places, Report
from connectors.erp.check.watching import WatchedClient
from connectors.erp.datatype import ErpDatatype
from connectors.erp.http.client import ErpClient, make_client
from connectors.erp.init.draft import draft
from connectors.erp.profile.load import Profile
from connectors.erp.read.lookups import Lookups
from connectors.erp.schema import DATATYPES, load_schema
from connectors.erp.settings import ErpSettings, read_settings
from core.jsonio import dumps
from core.suggestions import advice

FITS, MISFIT, WRONG_SETTINGS, UNREACHABLE = range(4)
_PATIENCE = {"UPSTREAM_ATTEMPTS": "2", "UPSTREAM_MAX_WAIT_SECONDS": "10"}
"""A person waits for the answer."""

_SECRETS = ("ERP_TOKEN", "ERP_PASSWORD")


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Check and print; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m connectors.erp.check", description=__doc__)
    parser.add_argument(
        "--profile", help="name of a preset or path of a file (default: ERP_PROFILE, else sandbox)"
    )
    parser.add_argument("--datatype", action="append", help="only this one; may be given again")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--init",
        nargs="+",
        metavar="URL",
        help="print a first profile made from these lists; DATATYPE=URL names one",
    )
    parser.add_argument(
        "--auth",
        help="with --init: none, bearer (ERP_TOKEN), basic (ERP_USERNAME, ERP_PASSWORD) or header:NAME",
    )
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME=VARIABLE",
        help="with --init: a further header, such as a tenant's, from an environment variable",
    )
    options = parser.parse_args(arguments)
    named = {"ERP_PROFILE": options.profile} if options.profile else {}
    environment = {**_PATIENCE, **(os.environ if environ is None else environ), **named}
    if options.init:
        return _init(options.init, options.auth, options.header, environment)
    try:
        settings = read_settings(environment)
    except SettingsError as error:
        print(dumps(error.as_dict()).decode() if options.json else error.detail, file=sys.stderr)
        return WRONG_SETTINGS
    redact = Redactor(settings.common.secrets)
    unknown = sorted(set(options.datatype or ()) - settings.profile.entities.keys())
    if unknown:
        print("; ".join(_not_there(name, settings.profile) for name in unknown), file=sys.stderr)
        return WRONG_SETTINGS
    try:
        reports = _examine(settings, options.datatype or list(settings.profile.entities))
    except Unreachable as error:
        print(redact(f"the ERP cannot be asked: {error}"), file=sys.stderr)
        return UNREACHABLE
    if options.json:
        print(redact(dumps(report.document(settings.profile, reports)).decode()))
    else:
        print("\n".join(map(redact, report.lines(settings.profile, reports))))
    return FITS if all(one.ok for one in reports) else MISFIT


def _init(lists: Sequence[str], auth: str | None, headers: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print a profile, and on stderr what a person has to look at in it."""
    secret = {*_SECRETS, *(one.partition("=")[2] for one in headers)}
    redact = Redactor([value for name, value in environ.items() if name in secret])
    try:
        document, notes = draft(lists, auth, environ, headers)
    except SettingsError as error:
        print(redact(error.detail), file=sys.stderr)
        return WRONG_SETTINGS
    except ServiceError as error:
        print(redact(f"the ERP cannot be asked: {error.detail}"), file=sys.stderr)
        return UNREACHABLE
    print(redact(json.dumps(document, indent=2, ensure_ascii=False)))
    print("\n".join(redact(f"look at {note}") for note in notes), file=sys.stderr)
    return FITS


def _not_there(name: str, profile: Profile) -> str:
    if name in profile.absent:
        return f"there is nothing to check of {name}: {profile.absent[name]}"
    return f"there is no datatype {name}; {advice(name, DATATYPES)}"


def _examine(settings: ErpSettings, names: Sequence[str]) -> list[Report]:
    watched = WatchedClient(make_client(settings, Metrics()))
    client = cast(ErpClient, watched)
    places = Places(settings.profile.file)
    size = settings.common.page_size
    lookups = Lookups(client, settings.profile.lookups)
    reports = []
    for name in names:
        spec = settings.profile.entities[name]
        datatype = ErpDatatype(name, spec, load_schema(name), client, lookups, size)
        reports.append(Examination(datatype, spec, watched, places, size).run())
    return reports


if __name__ == "__main__":
    sys.exit(main())
