"""Removes what a check made: its own records, and those of an earlier run that was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from connectors.chargebee.check.caller import PREFIX, Caller, listed, run_of
from connectors.chargebee.check.conditions import Outcome
from connectors.chargebee.forms import in_path
from core.jsonio import Json

KINDS = {
    "customer": "customers",
    "item_price": "item_prices",
    "item": "items",
    "item_family": "item_families",
}
"""Kinds of record and their resources, in the order in which they can go.

A customer takes its invoices and orders along.
"""

_LISTED = {
    "item": {"status[in]": '["active","archived"]'},
    "item_price": {"status[in]": '["active","archived"]'},
}
_MARKS = {"customer": ("id", "first_name")}
"""Where the name of a run stands, if not in the id alone."""

_YOUNG = timedelta(minutes=15)
"""Another check may still be at work on records as young as this."""

_REFUSED = (400, 409, 422)

Made = tuple[str, str]


def leftovers(caller: Caller) -> list[tuple[str, list[Made]]]:
    """Return earlier runs that left something, each with its records as `(kind, id)`.

    One look tells whether there are any: the family of a run is made first and goes last.
    """
    runs = set()
    for record_id, _ in _listed(caller, "item_family", "id", PREFIX):
        found = run_of(record_id)
        if found and datetime.now(UTC) - found[1] > _YOUNG:
            runs.add(found[0])
    return [(run, list(_records_of(caller, run))) for run in sorted(runs)]


def _records_of(caller: Caller, run: str) -> Iterator[Made]:
    for kind in KINDS:
        for mark in _MARKS.get(kind, ("id",)):
            for record_id, marked in _listed(caller, kind, mark, run):
                found = run_of(marked)
                if found and found[0] == run:
                    yield kind, record_id


def _listed(caller: Caller, kind: str, mark: str, beginning: str) -> Iterator[tuple[str, str]]:
    """Yield the ids of records and what they are known by."""
    query = {f"{mark}[starts_with]": beginning, "limit": "100", **_LISTED.get(kind, {})}
    for record in listed(caller.ask("GET", KINDS[kind], query), kind):
        yield str(record["id"]), str(record.get(mark))


def remove(caller: Caller, run: str, made: Iterable[Made]) -> list[str]:
    """Delete the records of a run; gives a line about each that stays for now.

    Customers go some minutes later. A price that an invoice uses is only archived, and stays with its item
    and family until the invoice is gone with its customer: the next check removes them.
    """
    wanted = {kind: sorted({one for k, one in made if k == kind}) for kind in KINDS}
    stays: list[str] = []
    kept: set[str] = set()
    for kind, ids in wanted.items():
        for record_id in ids:
            if record_id in kept or (stays and record_id == family(run)):
                stays.append(f"{kind} {record_id}: until the rest can go")
                continue
            outcome = _delete(caller, kind, record_id)
            if (price := _archived(outcome)) is not None:
                kept.add(str(price.get("item_id")))
                stays.append(f"{kind} {record_id}: archived, because an invoice uses it")
            elif not outcome.is_taken and outcome.status != 404:
                stays.append(f"{kind} {record_id}: {outcome.told()}")
    return stays


def family(run: str) -> str:
    """Return the id of the family that a run makes first."""
    return f"{run}-f"


def _delete(caller: Caller, kind: str, record_id: str) -> Outcome:
    path = f"{KINDS[kind]}/{in_path(record_id)}"
    outcome = caller.ask("POST", f"{path}/delete")
    if kind == "customer" and outcome.status in _REFUSED:
        caller.ask("POST", f"{path}/delete_relationship")  # none within a hierarchy can be deleted
        outcome = caller.ask("POST", f"{path}/delete")
    return outcome


def _archived(outcome: Outcome) -> Json | None:
    """Return the price that was archived instead of deleted, if that is what happened."""
    record = outcome.record if outcome.is_taken else None
    return record if isinstance(record, dict) and record.get("status") == "archived" else None
