"""What is heard of deletions counts for a while and for all datatypes, so that an idle read is one call."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.common.errors import SettingsError
from connectors.common.metrics import Metrics
from connectors.common.settings import Environment
from connectors.erp.datatype import ErpDatatype
from connectors.erp.http.client import make_client
from connectors.erp.profile.load import load_profile
from connectors.erp.read.known_deletions import Shared
from connectors.erp.read.lookups import Lookups
from connectors.erp.settings import read_settings
from core.clock import to_text
from tests.support.erp import FAST, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

NAMES = ("contact", "customer", "product")
ANY = {"path": "/log", "records": "rows", "query": {"after": "{since}"}}


def document(**deleted: Any) -> dict[str, Any]:
    """Three datatypes, of which deletions stand in one log."""
    made = profile(
        deleted={
            "strategy": "log", "key": "key", "modified": "at", "every_seconds": 60, "if_any": ANY,
            "log": {**ANY, "query": {"after": "{since}", "of": "contact"}}, **deleted,
        },
        incremental={"param": "since", "order": "modified"},
    )  # fmt: skip
    contact = made["entities"]["contact"]
    for name in NAMES[1:]:
        own = json.loads(json.dumps(contact).replace('"of": "contact"', f'"of": "{name}"'))
        made["entities"][name] = {**own, "path": f"/{name}"}
    return made


class Office:
    """An ERP with a log, the service's three datatypes before it, and a clock for both."""

    def __init__(self, folder: Path, document: dict[str, Any]) -> None:
        self.clock = datetime(2026, 5, 1, 12, tzinfo=UTC)
        self.rows = {
            place: {f"{place}-{n}": self._stamp() for n in range(3)} for place in ("people", *NAMES[1:])
        }
        self.log: list[dict[str, str]] = []
        self.file = folder / "profile.json"
        self.file.write_text(json.dumps(document))

    def _stamp(self) -> str:
        return to_text(self.clock)

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/log":
            of, after = asked.query.get("of"), asked.query["after"]
            return Reply({"rows": [r for r in self.log if r["at"] >= after and of in (None, r["of"])]})
        rows = sorted((at, key) for key, at in self.rows[asked.path[1:]].items())
        return Reply([{"id": key, "changed": at} for at, key in rows if at >= asked.query.get("since", "")])

    def delete(self, name: str, key: str) -> None:
        del self.rows["people" if name == "contact" else name][key]
        self.log.append({"of": name, "key": key, "at": self._stamp()})

    def datatypes(self, upstream: Upstream) -> dict[str, ErpDatatype]:
        settings = read_settings({**FAST, "ERP_BASE_URL": upstream.url, "ERP_PROFILE": str(self.file)})
        client, shared = make_client(settings, Metrics()), Shared()
        return {
            name: ErpDatatype(name, spec, {"properties": {}}, client, Lookups(client, {}), 100, lambda: self.clock, shared)
            for name, spec in settings.profile.entities.items()
        }  # fmt: skip


def read(datatype: ErpDatatype, token: str | None) -> tuple[set[str], str | None]:
    """The keys that a read says are deleted, and the token after it."""
    entities = [entity for page in datatype.pages(token, None) for entity in page]
    return {e["_id"] for e in entities if e["_deleted"]}, entities[-1]["_updated"] if entities else token


def test_an_idle_round_is_one_call_per_datatype_and_at_times_one_for_all(tmp_path: Path) -> None:
    office = Office(tmp_path, document())
    with scripted_upstream(office) as upstream:
        datatypes = office.datatypes(upstream)
        tokens = {name: read(datatype, None)[1] for name, datatype in datatypes.items()}

        def round_() -> tuple[Counter[str], dict[str, set[str]]]:
            office.clock += timedelta(seconds=10)
            before, gone = len(upstream.asked), dict[str, set[str]]()
            for name, datatype in datatypes.items():
                gone[name], tokens[name] = read(datatype, tokens[name])
            return Counter(asked.path for asked in upstream.asked[before:]), gone

        calls, _ = round_()
        assert calls["/log"] == 3, "each datatype's own answer, to begin with"
        office.clock += timedelta(minutes=20)
        idle = [round_()[0] for _ in range(18)]
        lists = {"/people": 1, "/customer": 1, "/product": 1}
        assert all({**calls, "/log": 0} == {**lists, "/log": 0} for calls in idle)
        assert [calls["/log"] for calls in idle].count(1) <= 4
        assert {calls["/log"] for calls in idle} == {0, 1}

        office.delete("customer", "customer-1")
        heard = [round_() for _ in range(7)]
        assert set().union(*(gone["customer"] for _, gone in heard)) == {"customer-1"}
        assert not any(gone["contact"] or gone["product"] for _, gone in heard)


def test_a_clock_that_is_put_back_hides_no_deletion(tmp_path: Path) -> None:
    office = Office(tmp_path, document())
    with scripted_upstream(office) as upstream:
        contacts = office.datatypes(upstream)["contact"]
        _, token = read(contacts, None)
        office.clock += timedelta(hours=2)
        _, token = read(contacts, token)
        office.clock -= timedelta(hours=1)
        office.delete("contact", "people-0")
        assert read(contacts, token)[0] == {"people-0"}


@pytest.mark.parametrize("restart", [False, True])
def test_a_deletion_behind_a_later_change_is_not_passed_by(tmp_path: Path, restart: bool) -> None:
    """The token stays where deletions are known up to, whatever the list shows, also over a restart."""
    office = Office(tmp_path, document())
    with scripted_upstream(office) as upstream:
        datatypes = office.datatypes(upstream)
        office.clock += timedelta(hours=1)
        _, token = read(datatypes["contact"], None)
        _, token = read(datatypes["contact"], token)
        office.delete("contact", "people-0")
        for _ in range(4):
            office.clock += timedelta(seconds=14)
            office.rows["people"]["people-1"] = to_text(office.clock)
            gone, token = read(datatypes["contact"], token)
            assert gone == set()
        if restart:
            datatypes = office.datatypes(upstream)
        office.clock += timedelta(seconds=14)
        assert read(datatypes["contact"], token)[0] == {"people-0"}


@pytest.mark.parametrize(
    ("deleted", "said"),
    [
        ({"if_any": {"path": "/log"}}, "/deleted/if_any/query .*put {since} into it"),
        ({"every_seconds": -1}, "every_seconds"),
    ],
)
def test_a_question_that_never_changes_is_refused(tmp_path: Path, deleted: dict[str, Any], said: str) -> None:
    office = Office(tmp_path, document(**deleted))
    env = Environment({"ERP_BASE_URL": "http://erp.test"})
    with pytest.raises(SettingsError, match=said):
        load_profile(str(office.file), env)
