"""The reference is made of the registry."""

from __future__ import annotations

from localnode.dtl.reference import markdown, signatures
from localnode.dtl.registry import FUNCTIONS, TRANSFORMS


def test_the_reference_names_everything() -> None:
    page = markdown()
    for definition in [*FUNCTIONS.values(), *TRANSFORMS.values()]:
        assert f"\n#### {definition.name}\n" in page
        assert definition.documentation
    assert len(signatures()) == len(FUNCTIONS) + len(TRANSFORMS)
    (substring,) = [item for item in signatures() if item["name"] == "substring"]
    assert substring["usage"] == "substring START [END] VALUES"
    assert substring["parameters"][0][0] == {
        "name": "START",
        "kind": "bound",
        "accepts": "an integer or null",
    }
