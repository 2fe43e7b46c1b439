"""`pipes/` is what comes of `mappings/` and `templates/`."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from localnode.dtl import PipeSettings, compile_dtl
from localnode.dtl.memory import MemoryContext
from stack.environment import ROOT
from stack.mappings.reading import MappingsRefused
from stack.mappings.render import Mappings
from tests.support import shipped

EDITED = """pipes/{0}.conf.json is not what comes of mappings/ and templates/.
If you changed a mapping or a template: run `make pipes`. If you edited the pipe by hand: that edit is lost with the next
`make pipes`. Look at it with `git diff pipes/{0}.conf.json`, make the same change in the row of mappings/ or the rule of
templates/ that it comes from, and run `make pipes`."""


def test_the_pipes_are_rendered() -> None:
    rendered, there = shipped.mappings().pipes(), shipped.pipes()
    differing = [name for name in sorted(rendered) if there.get(name) != rendered[name]]
    assert not differing, EDITED.format(differing[0])


def written_by_hand() -> int:
    """How many lines the mappings and templates have; test data apart."""
    files = [*(ROOT / "mappings").glob("*.json"), *(ROOT / "templates").glob("*.json")]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)


def test_what_a_person_reads_stays_short() -> None:
    assert written_by_hand() <= 2300, "the bound for mappings and templates together"


def test_a_property_is_one_line() -> None:
    rows = re.compile(r'^    \{"name": .*?\}(?=,?\n    \{"name"|\n  \])', re.DOTALL | re.MULTILINE)
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "mappings").glob("*.json")]
    found = [row for text in texts for row in rows.findall(text)]
    properties = [
        row for text in texts for row in json.loads(text).get("properties", []) if isinstance(row, dict)
    ]
    assert len(found) == len(properties), "rows are laid out as the other rows are"
    assert median(row.count("\n") + 1 for row in found) == 1
    assert all(json.loads(row)["name"] for row in found)


def person(folder: Path) -> dict[str, Any]:
    """The mapping of persons in a copy of the project."""
    found: dict[str, Any] = json.loads((folder / "mappings" / "person.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what pipes are made of."""
    for name in ("mappings", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for system in ("erp", "chargebee"):
        shutil.copytree(
            ROOT / "connectors" / system / "schemas", tmp_path / "connectors" / system / "schemas"
        )
    return tmp_path


def refused(folder: Path, file: str = "person") -> list[str]:
    """What is said about the mapping files of a folder."""
    with pytest.raises(MappingsRefused) as caught:
        Mappings(folder)
    found = [str(each) for each in caught.value.refusals]
    assert all(each.startswith(f"mappings/{file}.json ") for each in found)
    return [each.removeprefix(f"mappings/{file}.json ") for each in found]


def with_rows(folder: Path, *rows: dict[str, Any]) -> list[str]:
    """What is said about rows that are added to the mapping of persons; the first of them is row N."""
    given = person(folder)
    number = len(given["properties"])
    given["properties"] += rows
    (folder / "mappings" / "person.json").write_text(json.dumps(given), encoding="utf-8")
    return [each.replace(f"/properties/{number}", "/properties/N") for each in refused(folder)]


ROW = {"name": "job_title", "contact": "job_title", "customer": "cf_job_title"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**ROW, "personel": True}, '/properties/N/personel: is neither a record of this file (contact, employee, customer) nor what a row may say; did you mean "personal"?'),
        ({**ROW, "custommer": "cf_x"}, '/properties/N/custommer: is neither a record of this file (contact, employee, customer) nor what a row may say; did you mean "customer"?'),
        ({**ROW, "direction": "to_chargbee"}, "/properties/N/direction: must be one of"),
        ({**ROW, "contact": {"path": "job_title", "reed": "_S.job_title"}}, '/properties/N/contact/reed: is not a known property; did you mean "read"?'),
        ({**ROW, "contact": {"path": "job_title", "as": "timestampp"}}, "/properties/N/contact/as: there is no form 'timestampp'; did you mean \"timestamp\"?"),
        ({**ROW, "contact": {"path": "job_title", "read": ["uper", "_S.job_title"]}}, "/properties/N/contact/read: is not valid DTL: "),
        ({**ROW, "contact": {"path": "job_title", "translate": {"a": "x", "b": "x"}}}, "/properties/N/contact/translate: 'a' and 'b' are both 'x', so the way back is ambiguous"),
        ({**ROW, "contact": "job_titel"}, '/properties/N/contact: a contact has no property \'job_titel\'; did you mean "job_title"?'),
        ({**ROW, "contact": "address.sity"}, "/properties/N/contact: a contact has no property 'address.sity'; did you mean \"city\"?"),
        ({"name": "nickname", "personal": True, "contact": {"path": "nick", "read": "_S.nick"}, "customer": {"path": "nick", "read": "_S.nick"}}, '/properties/N: personal, but has no type: give it a "type"'),
        ({**ROW, "name": "first_name"}, "/properties/0/name: another row has the name 'first_name', too"),
        ({**ROW, "customer": "phone"}, "/properties/N/customer: the row 'phone' writes phone of a customer, too"),
        ({"name": "job_title", "contact": "job_title"}, "/properties/N: only records of one system have it"),
        ({**ROW, "direction": "to_erp", "customer": "cf_x"} | {"contact": {"path": "job_title", "write": True}}, "/properties/N/contact/write: true is the same for every record; DTL is a list, or a path"),
        ({"name": "job_title", "direction": "to_erp", "contact": "job_title"}, "/properties/N: only records of one system have it"),
        ({"name": "weight", "product": "weight", "item": "cf_weight"}, "/properties/N/product: is neither a record of this file (contact, employee, customer) nor what a row may say; it is one of mappings/product.json"),
        ({**ROW, "contact": {"path": "job_title", "read": "upper(_S.job_title)"}}, '/properties/N/contact/read: "upper(_S.job_title)" is the same for every record; DTL is a list, or a path that begins with "_S."'),
        ({**ROW, "name": "Job-Title"}, "/properties/N/name: must have the form small letters, digits and _, a letter first"),
        ({**ROW, "contact": "version"}, '/properties/N/contact: version is read only there: make the row "direction": "to_chargebee"'),
        ({"name": "site", "contact": "customer.website", "customer": "cf_site"}, "/properties/N/contact: customer.website is a property of another record, which a contact does not write: make the row"),
        ({**ROW, "contact": {"path": "job_title", "else": "job_titel"}}, "/properties/N/contact/else: a contact has no property 'job_titel'; did you mean"),
        ({**ROW, "customer": {"path": "taxability", "translate": {"yes": "taxable"}}}, "/properties/N/customer/translate/yes: is not one of its words; those of taxability are 'taxable', 'exempt'"),
        ({**ROW, "name": "raw"}, "/properties/N/name: 'raw' is the record as its system has it"),
        ({"name": "whole", "contact": "address", "customer": "cf_address"}, "/properties/N/contact: the row 'address_line1' writes address.line1 of a contact, too"),
        ({**ROW, "refers_to": "organization"}, "/properties/N/refers_to: there is no 'organization'; did you mean \"organisation\"?"),
    ],
)  # fmt: skip
def test_a_row_that_can_not_be_is_refused_with_its_place(
    folder: Path, row: dict[str, Any], said: str
) -> None:
    found = with_rows(folder, row)
    assert any(each.startswith(said) for each in found), found


def test_a_word_of_its_own_that_would_come_back_as_another_is_refused(folder: Path) -> None:
    path = folder / "mappings" / "order.json"
    given = json.loads(path.read_text(encoding="utf-8"))
    status = next(each for each in given["properties"] if each["name"] == "status")
    status["order"]["translate"] = {"confirmed": "shipped"}
    status["order"].pop("also_read")
    path.write_text(json.dumps(given), encoding="utf-8")
    [found] = refused(folder, "order")
    assert found.startswith("/properties/1/order/translate/confirmed: 'shipped' is also one of its words")


def test_lines_keep_clear_of_what_the_order_itself_has(folder: Path) -> None:
    path = folder / "mappings" / "order.json"
    given = json.loads(path.read_text(encoding="utf-8"))
    line = {"order": "lines[].sku", "chargebee": "order_line_items[].sku"}
    given["properties"].append({"name": "note", **line})
    path.write_text(json.dumps(given), encoding="utf-8")
    found = refused(folder, "order")
    assert any("an order has a property of its own called 'note'" in each for each in found), found
    given["properties"][-1] = {
        "name": "line_note",
        "order": "lines.sku",
        "chargebee": "order_line_items[].sku",
    }
    path.write_text(json.dumps(given), encoding="utf-8")
    assert any(
        "/order: lines is a list: 'lines[].sku' is that of its items" in each
        for each in refused(folder, "order")
    )
    given["properties"][-1] = "line_note"
    path.write_text(json.dumps(given), encoding="utf-8")
    [found] = refused(folder, "order")
    assert found.endswith(": must be object, not 'line_note'")


def test_what_is_no_json_or_says_a_key_twice_is_refused(folder: Path) -> None:
    path = folder / "mappings" / "person.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('"concept": "person",', '"concept": "person", "concept": "people",'), encoding="utf-8"
    )
    assert refused(folder) == ["/: the key 'concept' is there twice in one object"]
    path.write_text(
        text.replace('"personal": true,', '"personal": true, "personal": false,', 1), encoding="utf-8"
    )
    assert refused(folder) == ["/: the key 'personal' is there twice in the row 'first_name'"]
    path.write_text(text + "]", encoding="utf-8")
    [found] = refused(folder)
    assert re.fullmatch(r"/: line \d+, column 1 is not JSON: Extra data", found)


def test_a_row_that_was_added_a_minute_ago_is_masked_where_personal_data_is(folder: Path) -> None:
    given = person(folder)
    given["properties"].append({**ROW, "personal": True})
    (folder / "mappings" / "person.json").write_text(json.dumps(given), encoding="utf-8")
    changed = Mappings(folder)
    audit = json.dumps(changed.pipes()["audit"]).replace("$ENV(audit-redaction)", "personal")
    rules = json.loads(audit)["transform"][0]["rules"]
    rows = [row for each in changed.concepts.values() for row in each.rows]
    personal = {
        cell.field
        for row in rows
        if row.given.get("personal")
        for cell in row.cells.values()
        if not cell.is_related
    }
    assert "cf_job_title" in personal
    claim = {"v": "Chief", "t": "2026-01-01T00:00:00.000000Z", "by": "customerp-contact", "of": "~:customerp-contact:1"}  # fmt: skip
    written = {
        "_id": "chargebee-customer-share:contact-1",
        "$written": "2026-01-01T00:00:01.000000Z",
        "$operation": "update",
        "$status": "ok",
        "$was": dict.fromkeys(personal, "Chief"),
        "$sent": {"job_title": claim},
        "$lost": {"job_title": claim},
        "net_term_days": 14,
        **dict.fromkeys(personal, "Chief"),
    }
    [row] = compile_dtl(rules, PipeSettings("audit")).transform(written, MemoryContext({}))
    assert "Chief" not in json.dumps(row)
    assert row["after"]["cf_job_title"] == "***"
    assert row["after"]["net_term_days"] == 14


def flow(pipe: dict[str, Any]) -> dict[str, Any]:
    """What runs: a pipe without the rows that it shows of its mapping file."""
    return {name: each for name, each in pipe.items() if name != "metadata"}


def test_who_wins_a_tie_is_changed_in_one_file(folder: Path) -> None:
    given = person(folder)
    phone = next(row for row in given["properties"] if row["name"] == "phone")
    phone["tie"] = "chargebee"
    (folder / "mappings" / "person.json").write_text(json.dumps(given), encoding="utf-8")
    before, after = shipped.mappings().pipes(), Mappings(folder).pipes()
    changed = {name for name, pipe in after.items() if flow(pipe) != flow(before[name])}
    assert changed == {"global-person"}
    clock = {"t": "2026-01-01T00:00:00.000000Z"}
    for pipes, expected in ((before, "erp"), (after, "chargebee")):
        golden = _golden(pipes["global-person"], clock)
        assert golden["phone"]["v"] == expected


def _golden(pipe: dict[str, Any], clock: dict[str, str]) -> dict[str, Any]:
    """What a global makes of a contact and a customer who say another phone number at the same time."""
    said = {"customerp-contact": "erp", "chargebee-customer": "chargebee"}
    members = [
        {"type": name, "claims": {"phone": {"v": value, "by": name, "of": f"~:{name}:1", **clock}}}
        for name, value in said.items()
    ]
    program = compile_dtl(pipe["transform"][0]["rules"], PipeSettings("global-person"))
    [entity] = program.transform({"_id": "p", "members": members}, MemoryContext({}))
    golden: dict[str, Any] = entity["golden"]
    return golden
