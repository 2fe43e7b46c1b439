"""Work that the site does some time after the call that asked for it, such as the deletion of a customer.

It is done before the first request that comes after it is due, so that it survives a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.clock import now_us
from sandbox.chargebee.records import Write
from sandbox.common.state import State, Transaction

_SETTING = "scheduled"

Job = Callable[[Write, str], Any]
JOBS: dict[str, Job] = {}
"""What can be scheduled, by name; each is given the id of its record."""


def schedule(tx: Transaction, job: str, record_id: str, seconds: int) -> None:
    """Do `job` with a record in so many seconds, unless that is scheduled already."""
    planned = tx.setting(_SETTING) or []
    if not any(one["job"] == job and one["id"] == record_id for one in planned):
        due = now_us() + seconds * 1_000_000
        tx.set_setting(_SETTING, [*planned, {"job": job, "id": record_id, "due": due}])


def do_due(state: State, deliver: Callable[[list[dict[str, object]]], None]) -> None:
    """Do what is due by now and hand on the events of it."""
    if not any(one["due"] <= now_us() for one in state.setting(_SETTING) or ()):
        return
    with state.write() as tx:
        planned = tx.setting(_SETTING) or []
        due = [one for one in planned if one["due"] <= now_us()]
        tx.set_setting(_SETTING, [one for one in planned if one not in due])
        write = Write(tx, source="scheduled_job", user=None)
        for one in due:
            JOBS[one["job"]](write, one["id"])
    deliver(write.events)
