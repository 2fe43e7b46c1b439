"""What every preset must do, against a server that nobody here wrote: all six datatypes read, and written where it can be.

Each test works on records of its own, named by their number in the seed, so that the order of the tests is free.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator

from connectors.erp.schema import load_schema
from tests.erp_presets.conftest import PRESETS
from tests.erp_presets.seed import COUNT, DATATYPES, Record, key, records
from tests.erp_presets.servers import Server

pytestmark = [
    pytest.mark.erp,
    pytest.mark.parametrize("server", PRESETS, indirect=True),
    pytest.mark.parametrize("datatype", DATATYPES),
]
UNTOUCHED = range(12, COUNT)
EDIT = {
    "contact": {"job_title": "Head buyer"},
    "customer": {"vat_number": "NO999999999MVA"},
    "employee": {"job_title": "Foreman"},
    "quote": {"note": "urgent"},
    "order": {"tracking_number": "NEW-1"},
    "product": {"description": "Stainless"},
}


def entities(service: str, datatype: str, since: str | None = None) -> list[Record]:
    answer = requests.get(
        f"{service}/{datatype}/entities", params={"since": since} if since else {}, timeout=30
    )
    assert answer.ok, answer.text
    return answer.json()


def share(service: str, datatype: str, **entity: Any) -> Record:
    answer = requests.post(f"{service}/{datatype}/share", json=[{"_id": "s", **entity}], timeout=30)
    assert answer.ok, answer.text
    return answer.json()[0]


def payload(datatype: str, number: int) -> Record:
    """A new record's fields, as a share pipe sends them."""
    known = load_schema(datatype)["properties"]
    fields = {
        name: value for name, value in records(datatype)[number].items() if not known[name].get("readOnly")
    }
    fields = {name: value for name, value in fields.items() if name not in ("external_refs", "active")}
    return _without_line_ids(fields)


def _without_nulls(record: Record) -> Record:
    """Null and missing are the same, in an object inside the record as well."""
    inner = {
        name: _without_nulls(value) or None if isinstance(value, dict) else value
        for name, value in record.items()
    }
    return {name: value for name, value in inner.items() if value is not None}


def _without_line_ids(record: Record) -> Record:
    """New lines get their ids from the server, if it has any."""
    lines = [{**line, "line_id": None} for line in record.get("lines", [])]
    for line in lines:
        del line["line_id"]
    return {**record, **({"lines": lines} if lines else {})}


def test_every_record_is_listed_once_and_whole(server: Server, service: str, datatype: str) -> None:
    found = entities(service, datatype)
    by_id = {entity["_id"]: entity for entity in found}
    assert len(by_id) == len(found)
    check = Draft202012Validator(load_schema(datatype))
    for number in UNTOUCHED:
        seeded = server.shown(records(datatype)[number])
        entity = by_id[seeded["id"]]
        read = _without_nulls({name: value for name, value in entity.items() if not name.startswith("_")})
        check.validate(read)
        assert {name: read.get(name) for name in _without_nulls(seeded)} == _without_nulls(seeded)
        assert entity["_deleted"] is False
    assert [entity["_updated"] for entity in found] == sorted(entity["_updated"] for entity in found)


def test_only_what_changed_is_listed_afterwards(server: Server, service: str, datatype: str) -> None:
    token = max(entity["_updated"] for entity in entities(service, datatype))
    server.edit(datatype, server.key(key(datatype, 0)), **EDIT[datatype])
    found = entities(service, datatype, token)
    changed = next(entity for entity in found if entity["_id"] == server.key(key(datatype, 0)))
    name, value = next(iter(EDIT[datatype].items()))
    assert changed[name] == value
    assert len(found) < COUNT


def test_one_record_is_read_and_one_that_is_not_there_is_said_to_be(
    server: Server, service: str, datatype: str
) -> None:
    answer = requests.get(f"{service}/{datatype}/entities/{server.key(key(datatype, 15))}", timeout=60)
    assert (answer.status_code, answer.json()["_id"]) == (200, server.key(key(datatype, 15)))
    answer = requests.get(f"{service}/{datatype}/entities/{server.missing()}", timeout=60)
    assert (answer.status_code, answer.json()["kind"]) == (404, "fix-data")


def test_a_create_asked_for_twice_makes_one_record(server: Server, service: str, datatype: str) -> None:
    if not server.writable:
        pytest.skip("read-only by its profile")
    desired = {"$operation": "insert", "$origin": f"~:chargebee-x:new-{datatype}", **payload(datatype, 1)}
    first, second = share(service, datatype, **desired), share(service, datatype, **desired)
    assert (first["$operation"], first["$status"]) == ("insert", "ok"), first["$error"]
    assert (second["$operation"], second["$status"]) == ("none", "ok"), second["$error"]
    assert first["$generated_id"] == second["$generated_id"]
    stored = server.read(datatype, first["$generated_id"])
    assert stored is not None
    assert stored["external_refs"]["chargebee"] == f"new-{datatype}"
    stored = _without_line_ids(stored)
    assert {name: stored.get(name) for name in payload(datatype, 1)} == payload(datatype, 1)


def test_an_update_writes_what_differs_and_only_if_nobody_was_faster(
    server: Server, service: str, datatype: str
) -> None:
    if not server.writable:
        pytest.skip("read-only by its profile")
    where = server.key(key(datatype, 2))
    base = requests.get(f"{service}/{datatype}/entities/{where}", timeout=60).json()
    base = {name: value for name, value in base.items() if not name.startswith("_")}
    name, value = next(iter(EDIT[datatype].items()))
    done = share(service, datatype, id=where, **{"$based_on": base, name: value})
    assert (done["$operation"], done["$status"]) == ("update", "ok"), done["$error"]
    stored = server.read(datatype, where)
    assert stored is not None and stored[name] == value
    assert share(service, datatype, id=where, **{"$based_on": base, name: value})["$operation"] == "none"
    server.edit(datatype, where, **{name: "somebody else's"})
    late = share(service, datatype, id=where, **{"$based_on": {**base, name: value}, name: "too late"})
    assert (late["$operation"], late["$status"]) == ("none", "conflict")
    stored = server.read(datatype, where)
    assert stored is not None and stored[name] == "somebody else's"


def test_a_delete_is_done_once(server: Server, service: str, datatype: str) -> None:
    if not server.writable:
        pytest.skip("read-only by its profile")
    where = server.key(key(datatype, 3))
    first = share(service, datatype, id=where, _deleted=True)
    assert (first["$operation"], first["$status"]) == ("delete", "ok"), first["$error"]
    assert server.read(datatype, where) is None
    second = share(service, datatype, id=where, _deleted=True)
    assert (second["$operation"], second["$status"]) == ("none", "ok")


def test_writes_to_a_read_only_system_are_refused(server: Server, service: str, datatype: str) -> None:
    if server.writable:
        pytest.skip("this one can be written to")
    desired = {"$operation": "insert", "$origin": f"~:chargebee-x:new-{datatype}", **payload(datatype, 1)}
    refused = share(service, datatype, **desired)
    assert (refused["$status"], refused["$error"]["rule"]) == ("rejected", "read_only")


def test_a_record_deleted_in_the_erp_is_in_no_full_read_and_not_found(
    server: Server, service: str, datatype: str
) -> None:
    where = server.key(key(datatype, 4))
    assert where in {entity["_id"] for entity in entities(service, datatype)}
    server.remove(datatype, where)
    assert where not in {entity["_id"] for entity in entities(service, datatype)}
    assert requests.get(f"{service}/{datatype}/entities/{where}", timeout=60).status_code == 404
