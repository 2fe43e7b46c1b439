"""What the whole flow costs, from two full systems to silence: `python -m bench.flow [--large] [N …]`.

People: N contacts in the ERP and N/2 customers in Chargebee, half of which have the e-mail of a contact. Then
all six datatypes, with the sandboxes' demo data. Of each: the first sync, the rebuild of a node that lost
everything, one edit, and an idle sync; CPU seconds, the node's peak memory, and the calls upstream.

The floor, in the same run: a bare loop that reads both sides, joins them by e-mail in a dict and writes the
same records, one call each. Seconds are CPU seconds, so a busy machine changes little.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench._figures import note
from core.jsonio import Json
from sandbox.chargebee import customers
from sandbox.chargebee.records import KEYS, Write
from sandbox.common.state import State
from sandbox.erp import records as erp_records
from stack.processes import Stack
from tests.support.systems import Chargebee, Erp, form

SIZES = (2_000, 20_000)
LARGE = 200_000
NODE_FIRST_PER_S, NODE_REBUILD_PER_S, NODE_EDIT_MS, NODE_IDLE_S = 400, 600, 30, 0.05
"""What is wanted at 20,000 contacts, per CPU second of the node."""


@dataclass(frozen=True)
class Cost:
    """What one phase took."""

    cpu: dict[str, float]
    reads: int
    writes: int
    peak_mb: float

    @property
    def node(self) -> float:
        """CPU seconds of the node."""
        return self.cpu["node"]


def seed_people(folder: Path, count: int) -> int:
    """Fill both sandboxes' state files; answers how many records there are."""
    erp = State(folder / "erp-sandbox.sqlite", erp_records.index_keys())
    with erp.write() as tx:
        for number in range(1, count + 1):
            erp_records.load_record(tx, "contact", _contact(number))
        tx.set_setting("loaded", {"data": "empty", "seed": 1})
    chargebee = State(folder / "chargebee-sandbox.sqlite", KEYS)
    with chargebee.write() as tx:
        write = Write(tx)
        for number in range(count // 2):
            customers.create(write, _customer(number, count))
        tx.set_setting("loaded", {"data": "empty", "seed": 1})
    return count + count // 2


def _contact(number: int) -> Json:
    stamp = f"2024-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1_000_000:06d}Z"
    return {
        "id": f"CT-{number}",
        "first_name": f"First {number}",
        "last_name": f"Last {number}",
        "email": f"person{number}@flow.example",
        "phone": f"+47 {number:08d}",
        "language": "nb",
        "address": {"line1": f"Street {number}", "city": "Oslo", "postal_code": "0150", "country": "NO"},
        "created_at": stamp,
        "modified_at": stamp,
        "version": 1,
    }


def _customer(number: int, count: int) -> dict[str, object]:
    """Give every other one the e-mail of a contact."""
    email = f"person{number + 1}@flow.example" if number % 2 else f"born{number}@flow.example"
    return {
        "id": f"cb{number}",
        "first_name": f"First {number + 1}",
        "last_name": f"Last {number + 1}",
        "email": email,
        "phone": f"+47 {count + number:08d}",
        "billing_address": {"line1": f"Street {number + 1}", "city": "Oslo", "zip": "0150", "country": "NO"},
    }


class Meter:
    """Measures phases of a stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.erp, self.chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)

    def phase(self, act: Callable[[], object]) -> Cost:
        """Run one and answer what it took."""
        cpu, calls = self._cpu(), self._calls()
        act()
        after, seen = self._cpu(), self._calls()
        spent = {name: seconds - cpu.get(name, 0.0) for name, seconds in after.items()}
        return Cost(spent, seen[0] - calls[0], seen[1] - calls[1], self._peak_mb())

    def _cpu(self) -> dict[str, float]:
        assert self.stack.children is not None
        return {name: _cpu_of(self.stack.children.pid(name)) for name in self.stack.names()}

    def _calls(self) -> tuple[int, int]:
        stats = [each.stats() for each in (self.erp, self.chargebee)]
        return sum(each["reads"] for each in stats), sum(each["writes"] for each in stats)

    def _peak_mb(self) -> float:
        assert self.stack.children is not None
        return max(map(_peak_mb_of, _family(self.stack.children.pid("node"))))


def _family(pid: int) -> list[psutil.Process]:
    """Return a server and its workers."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _cpu_of(pid: int) -> float:
    times = [one.cpu_times() for one in _family(pid)]
    return sum(each.user + each.system for each in times)


def _peak_mb_of(process: psutil.Process) -> float:
    """Return the most that a process ever held; where there is no /proc, what it holds now."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return float(process.memory_info().rss) / 2**20
    line = next(one for one in status.read_text(encoding="utf-8").splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def phases(meter: Meter, edit: Callable[[], object]) -> Iterator[tuple[str, Cost]]:
    """Yield all phases, one after the other."""
    stack = meter.stack
    yield "first sync", meter.phase(stack.sync)
    stack.sync()  # what the first one wrote has come back
    stack.wipe_node()
    yield "rebuild", meter.phase(stack.sync)
    stack.sync()

    def edit_and_sync() -> None:
        edit()
        stack.sync()

    yield "one edit", meter.phase(edit_and_sync)
    stack.sync()
    yield "idle", meter.phase(stack.sync)


def floor(stack: Stack) -> float:
    """CPU seconds of the bare loop, against the sandboxes as they stand before the first sync.

    Reads everything, joins by e-mail and sends what would be made or changed, to records that are not there:
    each write costs its call and leaves everything as it was for the sync afterwards.
    """
    erp, chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)
    erp.session.headers.pop("Connection", None)
    chargebee.session.headers.pop("Connection", None)
    began = _own_cpu()
    contacts = {one["email"]: one for one in erp.all("contacts")}
    here = {one["email"]: one for one in chargebee.all("customers")}
    for email, contact in contacts.items():
        if email not in here:  # asked for under a name that is not there: costs a call, changes nothing
            chargebee.session.post(
                chargebee.url("customers/-/update"), data=form(_as_customer(contact)), timeout=30
            )
        else:
            erp.session.patch(
                erp.url("contacts", "none"), json={"external_refs": {"chargebee": "x"}}, timeout=30
            )
    for email, customer in here.items():
        if email not in contacts:
            erp.session.patch(erp.url("contacts", "none"), json=_as_contact(customer), timeout=30)
    return _own_cpu() - began


def _as_customer(contact: Json) -> dict[str, object]:
    address = contact["address"]
    return {
        "id": f"contact-{contact['id']}",
        **{name: contact[name] for name in ("first_name", "last_name", "email", "phone")},
        "billing_address": {
            "line1": address["line1"],
            "city": address["city"],
            "country": address["country"],
        },
    }


def _as_contact(customer: dict[str, object]) -> dict[str, object]:
    return {name: customer.get(name) for name in ("first_name", "last_name", "email", "phone")}


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


HEAD = ("", "records", "node s", "services s", "ms/record", "records/s", "reads", "writes", "peak MB")
WIDTHS = (22, 9, 9, 11, 10, 10, 8, 8, 9)


def row(*cells: object) -> None:
    """Print one line of the table."""
    first, *rest = cells
    print(
        str(first).ljust(WIDTHS[0])
        + "".join(str(one).rjust(w) for one, w in zip(rest, WIDTHS[1:], strict=False))
    )


def tell(name: str, cost: Cost, records: int) -> None:
    """Print what one phase took; `records` is what its rate is counted in."""
    if records > 1:
        note(f"flow: {name}", records / max(cost.node, 0.001), "/node CPU s")
    else:
        note(f"flow: {name}", 1000 * cost.node, "node CPU ms", "less")
    note(f"flow: {name}, node at its most", cost.peak_mb, "MB", "less")
    services = sum(cost.cpu[one] for one in ("erp-service", "chargebee-service"))
    each, rate = 1000 * cost.node / records, records / max(cost.node, 0.001)
    row(
        name,
        records,
        f"{cost.node:.2f}",
        f"{services:.2f}",
        f"{each:.2f}",
        f"{rate:.0f}",
        cost.reads,
        cost.writes,
        f"{cost.peak_mb:.0f}",
    )


def people(count: int) -> dict[str, Cost]:
    """Return the flow of people only."""
    with tempfile.TemporaryDirectory(prefix="flow-") as folder:
        records = seed_people(Path(folder), count)
        with Stack(data="empty", folder=Path(folder)) as stack:
            bare = floor(stack)
            note(f"flow: the bare loop of {count:,}", records / bare, "/CPU s")
            meter = Meter(stack)
            print()
            row(*HEAD)
            found = {}
            for name, cost in phases(meter, lambda: meter.erp.patch("contacts", "CT-1", phone="+47 1")):
                tell(f"{name} of {count:,}", cost, records if name in ("first sync", "rebuild") else 1)
                found[name] = cost
            row(
                "the bare loop",
                records,
                f"{bare:.2f}",
                "",
                f"{1000 * bare / records:.2f}",
                f"{records / bare:.0f}",
            )
    return found


def all_datatypes() -> None:
    """Measure the flow of the demo data, all six mappings."""
    with Stack(data="demo") as stack:
        meter = Meter(stack)
        records = sum(
            len(list(meter.erp.all(path)))
            for path in ("contacts", "customers", "employees", "quotes", "orders", "products")
        )
        records += sum(
            len(meter.chargebee.all(path)) for path in ("customers", "items", "item_prices", "orders")
        )
        contact = next(iter(meter.erp.all("contacts")))["id"]
        for name, cost in phases(meter, lambda: meter.erp.patch("contacts", contact, phone="+47 1")):
            tell(f"{name}, all datatypes", cost, records if name in ("first sync", "rebuild") else 1)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a figure at 20,000 contacts is below what is wanted."""
    parser = argparse.ArgumentParser(prog="python -m bench.flow", description=__doc__)
    parser.add_argument("counts", metavar="N", nargs="*", type=int, help=f"contacts (default: {SIZES})")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE:,}")
    options = parser.parse_args(arguments)
    counts = options.counts or [*SIZES, *([LARGE] if options.large else [])]
    found = {count: people(count) for count in counts}
    all_datatypes()
    return verdict(found)


def verdict(found: dict[int, dict[str, Cost]]) -> int:
    """Say what is below what is wanted."""
    missed = []
    for count, costs in found.items():
        if count != SIZES[1]:
            continue
        records = count + count // 2
        for name, wanted in (("first sync", NODE_FIRST_PER_S), ("rebuild", NODE_REBUILD_PER_S)):
            rate = records / costs[name].node
            if rate < wanted:
                missed.append(f"{name}: {rate:.0f} records per CPU second of the node, {wanted} are wanted")
        if 1000 * costs["one edit"].node > NODE_EDIT_MS:
            missed.append(
                f"one edit: {1000 * costs['one edit'].node:.0f} ms, at most {NODE_EDIT_MS} are wanted"
            )
        if costs["idle"].node > NODE_IDLE_S:
            missed.append(f"idle: {costs['idle'].node:.2f} s, at most {NODE_IDLE_S} are wanted")
    print("\n" + "\n".join(missed or ["all as wanted"]))
    return 1 if missed else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
