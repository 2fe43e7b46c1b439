"""How long an edit takes to the other side, with every pump at its shipped schedule: median, p99 and slowest.

An edit comes by webhook, from either system; without one it would wait for the next read, as often as the
pipes' `schedule_interval` says. Edits are made at random moments on different records, and each is timed from
just before the edit until the other system's own API shows it.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from bench._figures import note
from stack.processes import Stack
from tests.support.systems import Chargebee, Erp

PEOPLE = 100
EDITS = 50
"""In each direction, so that p99 is close to the slowest."""
SPREAD_S = 40.0
LATEST_S = 60.0
POLL_S = 0.02
BEARABLE_S = 2.0
"""What an edit may take at p99, in either direction."""


@dataclass
class Direction:
    """Edits of one side. `edit(person, value)` makes one, `seen(since)` gives what the other side shows."""

    title: str
    edit: Callable[[int, str], object]
    seen: Callable[[float], Iterator[str]]
    begun: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def people(self, seed: int, first: int) -> None:
        """Make all edits, at random moments."""
        rng = random.Random(seed)
        started = time.monotonic()
        for number, at in enumerate(sorted(rng.uniform(0, SPREAD_S) for _ in range(EDITS))):
            time.sleep(max(0.0, started + at - time.monotonic()))
            value = f"+47 {first + number}"
            self.begun[value] = time.monotonic()
            self.edit(first + number, value)

    def watch(self) -> None:
        """Poll the other side until it shows every edit, or for long enough."""
        started, since = time.monotonic(), time.time() - 2
        while len(self.took) < EDITS and time.monotonic() - started < SPREAD_S + LATEST_S:
            now = time.monotonic()
            for value in self.seen(since):
                if value in self.begun:
                    self.took.setdefault(value, now - self.begun[value])
            time.sleep(POLL_S)

    def report(self) -> tuple[float, int]:
        """Print one line; p99 in seconds, and the number of edits that did not arrive."""
        times = sorted(self.took.values())
        p50, p99 = (
            (quantiles(times, n=100, method="inclusive")[at] for at in (49, 98))
            if len(times) > 1
            else (0.0, 0.0)
        )
        slowest = times[-1] if times else 0.0
        print(f"{self.title:<22}{len(times):>7}{p50:>10.2f}{p99:>10.2f}{slowest:>10.2f}")
        return p99, EDITS - len(times)


def directions(stack: Stack) -> tuple[Direction, Direction]:
    """Return both directions over people that are linked already."""
    erp, chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)
    for number in range(PEOPLE):
        erp.create("contacts", last_name=f"P{number}", email=f"p{number}@latency.example")
    stack.sync()
    people = sorted(erp.all("contacts"), key=lambda one: int(one["last_name"][1:]))
    contacts = [person["id"] for person in people]
    customers = [person["external_refs"]["chargebee"] for person in people]

    def in_erp(since: float) -> Iterator[str]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(since))
        params = {"modified_since": stamp, "limit": "500"}
        yield from _phones(erp.session.get(erp.url("contacts"), params=params))

    def in_chargebee(since: float) -> Iterator[str]:
        params = {"updated_at[after]": str(int(since)), "limit": "100", "sort_by[desc]": "updated_at"}
        yield from _phones(chargebee.session.get(chargebee.url("customers"), params=params))

    def edit_chargebee(at: int, phone: str) -> None:
        chargebee.post(f"customers/{customers[at]}", phone=phone)

    def edit_erp(at: int, phone: str) -> None:
        erp.patch("contacts", contacts[at], phone=phone)

    return (
        Direction("Chargebee → ERP", edit_chargebee, in_erp),
        Direction("ERP → Chargebee", edit_erp, in_chargebee),
    )


def _phones(answer: Any) -> Iterator[str]:
    answer.raise_for_status()
    body = answer.json()
    for row in body.get("items", body.get("list", [])):
        phone = row.get("customer", row).get("phone")
        if phone:
            yield phone


def main() -> int:
    """Print the table; 1 if an edit was lost or edits take too long."""
    with Stack(data="empty") as stack:
        stack.node.start_scheduling()
        ways = directions(stack)
        jobs = [threading.Thread(target=way.watch) for way in ways]
        jobs += [threading.Thread(target=way.people, args=(at, at * EDITS)) for at, way in enumerate(ways)]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
    print(
        f"Seconds from an edit until the other side shows it, pumps at their shipped schedules\n\n{'':<22}",
        end="",
    )
    print(
        "".join(
            name.rjust(width) for name, width in (("edits", 7), ("p50", 10), ("p99", 10), ("slowest", 10))
        )
    )
    (to_erp, lost_there), (to_chargebee, lost_here) = (way.report() for way in ways)
    p99 = max(to_erp, to_chargebee)
    note("latency: Chargebee to ERP, p99", to_erp, "s", "less")
    note("latency: ERP to Chargebee, p99", to_chargebee, "s", "less")
    if lost_there + lost_here:
        print(f"EDITS LOST: {lost_there + lost_here}")
    print(f"\nan edit takes {p99:.2f} s at p99; at most {BEARABLE_S:g} s is wanted")
    return 0 if p99 <= BEARABLE_S and not lost_there + lost_here else 1


if __name__ == "__main__":
    sys.exit(main())
