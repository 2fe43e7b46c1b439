"""What happens to a property: from the row of its mapping file to the datasets, on one screen."""

from __future__ import annotations

import pytest

from core.settings import BadSetting
from stack.__main__ import main
from stack.property import told
from tests.support.shipped import mappings

READ = mappings()
SCREEN = (60, 160)
"""Lines and columns of a terminal window on an ordinary monitor."""


def shown(path: str) -> dict[str, str]:
    """The table at the end: by pipe, the rules that have the property and where its dataset has it."""
    table = told(READ, path).partition("\npipe ")[2].splitlines()[1:]
    return {line.split()[0]: line for line in table}


@pytest.mark.parametrize("name", [f"{concept.name} {row.name}" for concept in READ.concepts.values() for row in concept.rows])  # fmt: skip
def test_every_property_fits_on_one_screen_and_its_rules_are_there(name: str) -> None:
    concept, row = name.split()
    [alias, *_] = READ.concepts[concept].row(row).cells
    record = READ.concepts[concept].records[alias]
    path = READ.concepts[concept].row(row).cells[alias].path
    text = told(READ, f"{record.type}.{path}")
    if "of several records; name one" in text:
        assert f"mappings/{concept}.json" in text
        return
    lines = text.splitlines()
    assert len(lines) <= SCREEN[0] and max(map(len, lines)) <= SCREEN[1]
    assert lines[0].startswith(f"{row} ") and f"mappings/{concept}.json, /properties/" in lines[0]


def test_the_way_of_a_property_is_shown_pipe_by_pipe() -> None:
    table = shown("contact.phone")
    assert list(table) == [
        f"{record}-{stage}"
        for stages in (("collect",), ("enrich",), None, ("transform",), ("share",))
        for record in (("customerp-contact", "customerp-employee", "chargebee-customer") if stages else ("global",))
        for stage in (stages or ("person",))
    ]  # fmt: skip
    assert "claim, model" in table["customerp-contact-enrich"] and table["customerp-contact-enrich"].endswith("members.claims.phone")  # fmt: skip
    assert table["global-person"].endswith("golden.phone")
    assert "fields, insert" in table["chargebee-customer-transform"]
    assert "insert" not in table["customerp-employee-transform"], "the sync makes no employees"


def test_only_a_property_that_goes_both_ways_has_a_tie_to_win() -> None:
    assert "at the same moment the ERP wins" in told(READ, "contact.phone")
    one_way = told(READ, "customerp-contact.customer.vat_number")
    assert "edits in Chargebee are overwritten" in one_way and "same moment" not in one_way


def test_the_same_row_is_found_by_its_name_on_either_side() -> None:
    texts = {told(READ, path) for path in ("customerp-contact.address.postal_code", "address_postal_code", "chargebee-customer.billing_address.zip")}  # fmt: skip
    assert len(texts) == 1


def test_what_several_records_have_is_asked_for_again() -> None:
    text = told(READ, "status")
    assert "several records; name one" in text and "customerp-order.status" not in text.splitlines()[0]
    assert told(READ, text.splitlines()[1].split()[0]).startswith("status ")


def test_what_nobody_has_is_told_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadSetting, match=r'no mapping file has a property .*"contact.phone"'):
        told(READ, "contact.fone")
    assert main(["property", "contact.fone"]) == 2
    assert "did you mean" in capsys.readouterr().err
