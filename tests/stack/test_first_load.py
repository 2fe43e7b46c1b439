"""No order and no timing of pumps makes a first load look like a mass deletion, and a mass deletion is always seen."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from localnode import codec
from localnode.config import NodeSettings
from localnode.node import Node
from localnode.pipes import Systems
from localnode.pipes.errors import RemoteFailed
from tests.support.processes import ROOT, wait_until

Entity = dict[str, Any]
NOWHERE = {"customerp": "http://127.0.0.1:9", "chargebee": "http://127.0.0.1:9"}
STAGES = ("all", "event", "loaded", "deletes")
LIMIT = 10
"""`max-deletes`: what one run may delete."""


class Lists:
    """What the services would answer: a list of entities for each datatype, of which a read may break off."""

    def __init__(self) -> None:
        self.entities: dict[str, dict[str, Entity]] = {}
        self.breaks_after: dict[str, int] = {}
        self._clock = 0

    def put(self, name: str, ids: range, deleted: bool = False) -> None:
        """Let records be there, or be gone, from now on."""
        for number in ids:
            self._clock += 1
            record = {"_id": f"r{number}", "id": f"r{number}", "_deleted": deleted, "deleted": deleted}
            version = {"resource_version": self._clock, "_updated": f"{self._clock:09}"}
            self.entities.setdefault(name, {})[f"r{number}"] = record | version

    def read(self, name: str, since: str | None) -> list[Entity]:
        """A list's entities after the token `since`, in the order of their changes."""
        found = sorted(self.entities.get(name, {}).values(), key=lambda each: str(each["_updated"]))
        return [each for each in found if since is None or each["_updated"] > since]

    def systems(self, *given: Any) -> Systems:
        """The services of a node; takes what `Systems` takes."""
        return _Services(self, *given)


class _Services(Systems):
    def __init__(self, lists: Lists, *given: Any) -> None:
        super().__init__(*given)
        self._lists = lists

    @contextmanager
    def stream(
        self, system_id: str, method: str, path: str, **options: Any
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """See Systems."""
        name = f"{system_id}-{path.split('/')[1]}"
        rows = self._lists.read(name, (options.get("params") or {}).get("since"))
        yield {}, self._chunks(rows, self._lists.breaks_after.pop(name, None))

    def _chunks(self, rows: list[Entity], breaks_after: int | None) -> Iterator[bytes]:
        for at, row in enumerate(rows):
            if at == breaks_after:
                raise RemoteFailed("the connection broke off")
            yield (b"," if at else b"[") + codec.dumps(row)
        yield b"]" if rows else b"[]"


def configuration() -> list[Entity]:
    """What is uploaded of the product: as it is, up to where a deletion is let through."""
    paths = [*sorted((ROOT / "pipes").glob("*.conf.json")), *sorted((ROOT / "systems").glob("*.conf.json"))]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return [each for each in found if each["type"] != "pipe" or each["_id"].rpartition("-")[2] in STAGES]


KINDS = sorted(each["_id"].removesuffix("-all") for each in configuration() if each["_id"].endswith("-all"))


@contextmanager
def fresh_node(folder: Path, lists: Lists, scheduled: bool = False) -> Iterator[Node]:
    """A new node with those pipes."""
    node = Node(NodeSettings(data=folder, schedule=scheduled, systems=NOWHERE), lists.systems)
    try:
        upload(node)
        yield node
    finally:
        node.close()


def upload(node: Node) -> None:
    """Configure an empty node."""
    node.replace_env(json.loads((ROOT / "prod-env.json").read_text(encoding="utf-8")))
    node.replace_entities(configuration(), force=False)


def told(node: Node, lists: Lists, name: str, ids: range) -> None:
    """Webhooks say what the lists would say."""
    found = [each for each in lists.read(name, None) if int(each["_id"][1:]) in ids]
    pipe = node.pipe(f"{name}-event").engine_pipe
    assert pipe is not None
    events = [{key: value for key, value in each.items() if key[0] != "_" or key == "_id"} for each in found]
    pipe.receive(json.dumps(events).encode(), {})


def live(node: Node, dataset: str) -> set[str]:
    """Ids of the entities in a dataset that are not deleted."""
    found = node.store.find(dataset)
    return {str(row["_id"]) for row in found.read(deleted=False)} if found else set()


def tripped(node: Node) -> list[str]:
    """Datasets whose circuit breaker waits for a person."""
    return [dataset.id for dataset in node.store.datasets() if dataset.info().breaker]


def run(node: Node, name: str, stage: str) -> str:
    """One run of a pump; its status. Only a read that broke off may fail."""
    outcome = node.pipe(f"{name}-{stage}").run()
    assert stage == "all" or outcome.status != "failed", f"{name}-{stage}: {outcome.reason}"
    return outcome.status


def settle(node: Node, name: str) -> None:
    """Everything that is left to do for one datatype."""
    for stage in ("all", "loaded", "deletes"):
        assert run(node, name, stage) == "success"


class Chance:
    """One fresh start: the pumps of some datatypes in an order, and with an end of each read, that chance decides."""

    def __init__(self, node: Node, lists: Lists, seed: int) -> None:
        self.node, self.lists, self.random = node, lists, random.Random(seed)
        self.kinds = self.random.sample(KINDS, 4)
        self.first = {name: self.random.randrange(0, 40) for name in self.kinds}
        self.count = dict(self.first)

    def start(self) -> None:
        """Records that are there, and as many that were deleted before anybody looked."""
        for name in self.kinds:
            self.lists.put(name, range(self.first[name]))
            self.lists.put(name, range(1000, 1000 + self.first[name]), deleted=True)

    def act(self) -> None:
        """One thing that may happen at any time."""
        name = self.random.choice(self.kinds)
        what = self.random.choice(["all", "all", "loaded", "deletes", "deletes", "event", "more", "lose"])
        if what in ("all", "loaded", "deletes"):
            if self.random.random() < 0.4:
                self.lists.breaks_after[name] = self.random.randrange(0, 2 * self.count[name] + 1)
            run(self.node, name, what)
        elif what == "event" and name.startswith("chargebee"):
            told(self.node, self.lists, name, range(self.random.randrange(1040)))
        elif what == "more":
            count = self.count[name]
            self.count[name] += self.random.randrange(2 * LIMIT)
            self.lists.put(name, range(count, self.count[name]))
        elif what == "lose" and self.random.random() < 0.1:
            self.node.reset()
            upload(self.node)

    def check(self) -> None:
        """Everything that was gone is let through, nothing else, and a mass deletion trips the breaker."""
        for name in self.kinds:
            self.lists.breaks_after.pop(name, None)
            settle(self.node, name)
            gone = {f"r{number}" for number in range(1000, 1000 + self.first[name])}
            rows = live(self.node, f"{name}-deletes")
            counted = {each for each in rows if each.startswith("first-load:")}
            assert rows - counted == gone
            assert len(counted) >= self.first[name], "the factor has to have what it counts"
        assert tripped(self.node) == []
        for name in self.kinds:
            self.lists.put(name, range(3000, 3100))
            settle(self.node, name)
            limit = max(LIMIT, 0.05 * len(live(self.node, f"{name}-deletes")))
            self.lists.put(name, range(3000, 3001 + int(limit)), deleted=True)
            told_first = name.startswith("chargebee") and self.random.random() < 0.5
            if told_first:
                told(self.node, self.lists, name, range(3000, 3100))
            else:
                run(self.node, name, "all")
            outcome = self.node.pipe(f"{name}-deletes").run()
            assert outcome.status == "failed" and "changes of dataset" in outcome.reason
        assert tripped(self.node) == [f"{name}-deletes" for name in sorted(self.kinds)]


def start_by_chance(folder: Path, seed: int) -> None:
    lists = Lists()
    with fresh_node(folder, lists) as node:
        chance = Chance(node, lists, seed)
        chance.start()
        for _ in range(60):
            chance.act()
            assert tripped(node) == []
        chance.check()


@pytest.mark.parametrize("name", KINDS)
def test_deletes_that_look_before_anything_is_read(tmp_path: Path, name: str) -> None:
    lists = Lists()
    lists.put(name, range(LIMIT + 2))
    with fresh_node(tmp_path, lists) as node:
        assert run(node, name, "deletes") == "not-ready"
        run(node, name, "all")
        assert run(node, name, "deletes") == "not-ready"
        run(node, name, "loaded")
        lists.put(name, range(100, 120))
        run(node, name, "all")
        assert run(node, name, "deletes") == "success"
        lists.put(name, range(200, 220))
        settle(node, name)
        assert live(node, f"{name}-deletes") == {f"first-load:r{number}" for number in range(LIMIT + 2)}
        assert tripped(node) == []


def test_fresh_starts_in_orders_that_chance_decides(tmp_path: Path) -> None:
    for seed in range(10):
        start_by_chance(tmp_path / str(seed), seed)


@pytest.mark.slow
def test_very_many_fresh_starts(tmp_path: Path) -> None:
    for seed in range(1000, 1200):
        start_by_chance(tmp_path / str(seed), seed)


def start_by_the_clock(folder: Path, seed: int) -> None:
    """The scheduler starts every pump at once, on several threads; some are started by hand on top of that."""
    lists, chance = Lists(), random.Random(seed)
    for name in KINDS:
        lists.put(name, range(LIMIT + 5))
    lists.breaks_after = {name: chance.randrange(20) for name in KINDS if chance.random() < 0.3}
    with fresh_node(folder, lists, scheduled=True) as node:

        def loaded() -> bool:
            for name in chance.sample(KINDS, 3):
                for stage in chance.sample(["all", "loaded", "deletes"], 3):
                    node.pipe(f"{name}-{stage}").run()
            return tripped(node) != [] or all(live(node, f"{name}-deletes") for name in KINDS)

        wait_until(loaded, timeout=240, what=f"first load {seed}")
        assert tripped(node) == []


@pytest.mark.slow
def test_fresh_starts_on_the_clock_of_the_node(tmp_path: Path) -> None:
    for seed in range(50):
        start_by_the_clock(tmp_path / str(seed), seed)
