"""Which line of a record is which line of its counterpart: by place, which a line keeps.

The golden record has values of lines by place: the place at which a line stood when the records met. Members
have `lines`, by place, where that is not their order any more.
"""

from __future__ import annotations

from stack.mappings.cells import Dtl
from stack.mappings.concept import ERP
from stack.mappings.record import Record


def meets_others(record: Record) -> bool:
    """Return whether it is this record, and not its counterpart, that takes over the other one's order."""
    return record.system.word == ERP


def in_place(record: Record, start: str, before: Dtl) -> Dtl:
    """Return its lines, each at the place at which it stands in `before`; see `places`."""
    lines = record.lines_sorted(start)
    told: Dtl = ["dict", "lines", lines, "before", before]
    return ["if", ["is-empty", before], lines, ["combine", ["path", "lines", ["apply", "places", told]]]]


def before(record: Record) -> Dtl:
    """Return its lines as they stood when it was linked; where that is new, as its counterpart's do.

    In the rule that reads it: `_T._earlier` is what it was before, or what it was made of; `_T._met` a
    counterpart that is new.
    """
    linked: Dtl = ["is-not-empty", ["combine", "_T._before.links", "_T._source.links", "_T._inserted_there"]]
    earlier = [["is-not-null", "_T._earlier.lines"], "_T._earlier.lines"]
    by_order = [linked, record.lines_sorted("_T._earlier.raw")]
    if not meets_others(record):
        return ["case", *earlier, *by_order]
    theirs = record.counterpart.lines_sorted("_T._met")
    told: Dtl = ["dict", "lines", record.lines_sorted("_S"), "there", theirs]
    met: Dtl = ["path", "before", ["if", ["is-not-null", "_T._met"], ["apply", "met", told]]]
    return ["case", *earlier, ["is-not-empty", met], ["combine", met], *by_order]


def rules(record: Record) -> dict[str, Dtl]:
    """Return the rules that `in_place` and `before` apply."""
    if not record.line_fields:
        return {}
    return {"places": _places(record), **({"met": _met(record)} if meets_others(record) else {})}


def _places(record: Record) -> Dtl:
    """Return the rule that puts lines where they stood before.

    A new line comes after those that there were, whatever its position; one that is gone stays as it was
    last. Lines without a key of their own, or all of which are new, count by their order.
    """
    key: Dtl = ["string", f"_.{record.lines['key']}"]
    has_key: Dtl = ["is-not-null", f"_.{record.lines['key']}"]
    all_are_new: Dtl = ["is-empty", ["intersection", "_T._keys", "_T._known"]]
    by_order: Dtl = [
        "or",
        ["eq", "_T._keys", "_T._known"],
        ["neq", ["count", ["distinct", "_T._keys"]], ["count", "_S.lines"]],
        ["and", ["is-not-empty", "_T._keys"], all_are_new],
    ]
    line: Dtl = ["first", ["path", ["list", ["concat", "_."]], "_T._by_key"]]
    placed: Dtl = ["map", line, ["distinct", ["combine", "_T._known", "_T._keys"]]]
    return [
        ["comment", "Each line at the place that it had when it met its counterpart."],
        ["add", "_keys", ["map", key, ["filter", has_key, "_S.lines"]]],
        ["add", "_known", ["map", key, ["filter", has_key, "_S.before"]]],
        ["add", "_by_key", ["group-by", key, "_.", ["combine", "_S.lines", "_S.before"]]],
        ["add", "lines", ["if", by_order, "_S.lines", placed]],
    ]


def _met(record: Record) -> Dtl:
    """Return the rule that tells where lines stand as their counterparts do.

    Nothing where that is their order: unless what they say shows that some were taken out, put in or moved.
    What is missing here says what its counterpart does.
    """
    mine, theirs = _words(record), _words(record.counterpart)
    is_unique: list[Dtl] = [
        ["eq", ["count", ["distinct", said]], ["count", lines]]
        for said, lines in (("_T._mine", "_S.lines"), ("_T._theirs", "_S.there"))
    ]
    at_its_place: Dtl = ["eq", "_.value", ["nth", "_.key", "_T._theirs"]]
    is_elsewhere: Dtl = ["and", ["in", "_.value", "_T._theirs"], ["not", at_its_place]]
    elsewhere: Dtl = ["filter", is_elsewhere, ["enumerate", "_T._mine"]]
    line: Dtl = ["coalesce-args", ["first", ["path", ["list", theirs], "_T._by_words"]], _absent(record)]
    return [
        ["comment", "As what they say tells, if by that some were taken out, put in or moved."],
        ["add", "_mine", ["map", mine, "_S.lines"]],
        ["add", "_theirs", ["map", theirs, "_S.there"]],
        ["add", "_by_words", ["group-by", mine, "_.", "_S.lines"]],
        [
            "if",
            ["and", *is_unique, ["is-not-empty", elsewhere]],
            ["add", "before", ["map", line, "_S.there"]],
        ],
    ]


def _words(record: Record) -> Dtl:
    """Return what tells the line `_.` from the others, as one text."""
    first, *rest = [["coalesce-args", f"_.{name}", ""] for name in record.lines["told_apart_by"]]
    return ["concat", first, *(part for each in rest for part in ("\n", each))]


def _absent(record: Record) -> Dtl:
    """Return a line of this record that stands for the line `_.` of its counterpart."""
    other = record.counterpart
    theirs = {each["name"]: each["field"] for each in other.line_fields}
    found: Dtl = ["dict", record.lines["key"], f"_.{other.lines['key']}"]
    for each in record.line_fields:
        found += [each["field"], f"_.{theirs[each['name']]}"]
    return found


def to_write(record: Record) -> Dtl:
    """Return the lines of a golden record's member in their order, each with its place (`key`)."""
    there = ["path", record.lines["key"], f"_S.raw.{record.lines['path']}"]
    placed: Dtl = ["filter", ["in", f"_.value.{record.lines['key']}", there], ["enumerate", "_S.lines"]]
    if "position" in record.lines:
        placed = ["sorted", f"_.value.{record.lines['position']}", placed]
    return ["if", ["is-null", "_S.lines"], ["enumerate", record.lines_sorted("_S.raw")], placed]


def as_they_are(record: Record) -> Dtl:
    """Return whether the lines in `_T._patch` say what the record says: only lines that it lacks differ."""
    fields = [each["field"] for each in record.line_fields]
    said: list[Dtl] = [["string", ["coalesce-args", f"_.{name}", ""]] for name in fields]
    text: Dtl = [
        "concat",
        ["string", f"_.{record.lines['key']}"],
        *(part for each in said for part in ("\n", each)),
    ]
    path = record.lines["path"]
    rows: list[Dtl] = [["map", text, ["combine", f"{of}.{path}"]] for of in ("_T._patch", "_S.raw")]
    return ["and", ["is-not-null", "_S.lines"], ["is-empty", ["difference", *rows]]]
