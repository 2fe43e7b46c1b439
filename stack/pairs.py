"""Which datatypes of the two systems belong together, as the mapping files have it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from stack.environment import ROOT
from stack.mappings.concept import ERP
from stack.mappings.render import Mappings


@dataclass(frozen=True)
class Pair:
    """An ERP datatype, a Chargebee datatype, and where an ERP record has the other side's id.

    `parts`: Chargebee datatypes that are written on behalf of that one.
    """

    erp: str
    chargebee: str
    link: str
    parts: tuple[str, ...] = ()


@cache
def pairs() -> tuple[Pair, ...]:
    """Return all pairs, by ERP datatype. MappingsRefused if a mapping file is wrong."""
    return tuple(
        Pair(
            record.datatype,
            record.counterpart.datatype,
            record.links[record.counterpart.alias],
            tuple(part.datatype for part in record.counterpart.parts),
        )
        for record in Mappings(ROOT).records()
        if record.system.word == ERP and record.part_of is None
    )
