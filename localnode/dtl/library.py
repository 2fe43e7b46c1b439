"""All functions and transforms: importing this module fills the registry."""

from localnode.dtl.functions import (
    booleans,
    bytes,
    comparisons,
    conditionals,
    datetimes,
    deprecated,
    dicts,
    encryption,
    hops,
    json,
    lists,
    math,
    misc,
    ni,
    nulls,
    numbers,
    phone,
    sets,
    strings,
    uris,
    uuids,
)
from localnode.dtl.transforms import control, emitting, properties

FUNCTION_GROUPS = (
    booleans, bytes, comparisons, conditionals, datetimes, dicts, encryption, hops, json, lists, math, misc,
    ni, nulls, numbers, phone, sets, strings, uris, uuids, deprecated,
)  # fmt: skip
"""The modules of the expression functions, in the order of the reference."""

TRANSFORM_GROUPS = (properties, control, emitting)
"""The modules of the transforms, in the order of the reference."""
