"""A plan reaches systems by reads and confirmed dry runs alone, whatever is at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.names import Kind
from localnode import codec
from localnode.diagnostics.dry_run import DryRunSystems
from localnode.diagnostics.planned_writes import PlannedWrites
from localnode.pipes import RemoteFailed
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

CUSTOMER = Kind("shop", "customer")
WISH = {"_id": "1", "id": "1", "$operation": "update", "$based_on": {"name": "a", "kept": 1}, "name": "b"}


class Shop:
    """A service with one customer; it knows dry runs or not."""

    def __init__(self, knows_dry_runs: bool) -> None:
        self.knows_dry_runs = knows_dry_runs
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if asked.method == "GET":
            since = asked.query.get("since")
            entity = {"_id": "1", "_updated": "5", "_deleted": False, "name": "a", "kept": 1}
            return Reply([entity] if since is None or since <= "5" else [])
        answers = [self._answer(desired) for desired in asked.json]
        return Reply(answers, headers={"Dry-Run": "true"} if self.knows_dry_runs else {})

    @staticmethod
    def _answer(desired: dict[str, Any]) -> dict[str, Any]:
        present = desired.get("$present") or {"name": "a", "kept": 1}
        payload = {name: value for name, value in desired.items() if name[:1] not in "_$" and name != "id"}
        response = {**present, **payload}
        return {**desired, "$status": "ok", "$generated_id": desired["id"], "$response": response}


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[PlannedWrites]:
    planned = PlannedWrites(tmp_path / "planned-writes.db")
    yield planned
    planned.close()


@pytest.fixture(params=[True])
def shop(request: pytest.FixtureRequest) -> Iterator[tuple[Shop, Upstream]]:
    script = Shop(request.param)
    with scripted_upstream(script) as upstream:
        yield script, upstream


def systems(planned: PlannedWrites, upstream: Upstream) -> DryRunSystems:
    return DryRunSystems(planned, True, {"shop": {"type": "system:microservice"}}, {"shop": upstream.url})


def share(found: DryRunSystems, *desired_states: dict[str, Any]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = codec.parse(
        found.request("shop", "POST", "/customer/share", data=codec.dumps(list(desired_states))).content
    )
    return answers


def read(found: DryRunSystems, since: str | None = None) -> list[dict[str, Any]]:
    params = {} if since is None else {"since": since}
    with found.stream("shop", "GET", "/customer/entities", params=params) as (_, chunks):
        return list(codec.iter_array(chunks))


def test_shares_are_dry_runs_and_fed_back(planned: PlannedWrites, shop: tuple[Shop, Upstream]) -> None:
    script, upstream = shop
    found = systems(planned, upstream)
    assert read(found)[0]["name"] == "a"
    share(found, WISH)
    assert all(asked.query == {"dry_run": "true"} for asked in script.asked if asked.method == "POST")
    (entity,) = read(found, "5")
    assert (entity["name"], entity["kept"], entity["_updated"]) == ("b", 1, "5")
    assert read(found, "9") == [], "what was delivered is not delivered again"
    assert read(found)[0]["name"] == "b", "unless somebody reads from the start"
    share(found, {**WISH, "$based_on": {"name": "b", "kept": 1}, "name": "c"})
    assert script.asked[-1].json[0]["$present"] == {"name": "b", "kept": 1}
    (write,) = planned.writes()
    assert write["fields"] == [{"field": "name", "before": "a", "after": "c"}]
    assert write["calls"] == 2


def test_what_is_put_back_is_no_change(planned: PlannedWrites, shop: tuple[Shop, Upstream]) -> None:
    found = systems(planned, shop[1])
    share(found, WISH)
    share(found, {**WISH, "name": "a"})
    assert list(planned.writes()) == []


@pytest.mark.parametrize("shop", [False], indirect=True)
def test_a_service_without_dry_runs_is_sent_nothing(
    planned: PlannedWrites, shop: tuple[Shop, Upstream]
) -> None:
    script, upstream = shop
    with pytest.raises(RemoteFailed, match="knows no dry runs"):
        share(systems(planned, upstream), WISH)
    assert [asked.json for asked in script.asked] == [[]]


@pytest.mark.parametrize("path", ["/customer/entities", "/customer/share/all", "/else"])
def test_every_other_write_is_refused(planned: PlannedWrites, shop: tuple[Shop, Upstream], path: str) -> None:
    script, upstream = shop
    with pytest.raises(RemoteFailed, match="does not make this call"):
        systems(planned, upstream).request("shop", "POST", path, data=b"[]")
    assert script.asked == []
