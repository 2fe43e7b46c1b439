"""Removes what a check made: its own records, and those of an earlier run that was interrupted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.chargebee.check.caller import PREFIX, Caller, listed, run_of
from connectors.chargebee.forms import in_path

KINDS = {
    "order": "orders",
    "invoice": "invoices",
    "item_price": "item_prices",
    "item": "items",
    "item_family": "item_families",
    "customer": "customers",
}
"""Kinds of record and their resources, in the order in which they can go."""

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


def leftovers(caller: Caller) -> list[Made]:
    """Return records of earlier runs, as `(kind, id)`."""
    found = []
    for kind, resource in KINDS.items():
        for mark in _MARKS.get(kind, ("id",)):
            query = {f"{mark}[starts_with]": PREFIX, "limit": "100", **_LISTED.get(kind, {})}
            for record in listed(caller.ask("GET", resource, query), kind):
                began = run_of(str(record.get(mark)))
                if began is not None and datetime.now(UTC) - began > _YOUNG:
                    found.append((kind, str(record["id"])))
    return found


def remove(caller: Caller, made: Iterable[Made]) -> list[str]:
    """Delete records; gives a line about each that stays for now.

    A customer takes its invoices and orders along, some minutes later. A price that an invoice uses is only
    archived, and stays with its item and family until the invoice is gone: the next check removes them.
    """
    wanted = set(made)
    return [
        line for kind in KINDS for line in _remove(caller, kind, sorted(i for k, i in wanted if k == kind))
    ]


def _remove(caller: Caller, kind: str, ids: Sequence[str]) -> list[str]:
    stays = []
    for record_id in ids:
        path = f"{KINDS[kind]}/{in_path(record_id)}"
        outcome = caller.ask("POST", f"{path}/delete")
        if kind == "customer" and outcome.status in _REFUSED:
            caller.ask("POST", f"{path}/delete_relationship")  # none within a hierarchy can be deleted
            outcome = caller.ask("POST", f"{path}/delete")
        status = (
            outcome.record.get("status") if outcome.is_taken and isinstance(outcome.record, dict) else None
        )
        if status == "archived":
            stays.append(f"{kind} {record_id}: archived, because an invoice uses it")
        elif not outcome.is_taken and outcome.status != 404 and kind not in ("order", "invoice"):
            stays.append(f"{kind} {record_id}: {outcome.told()}")
    return stays
