"""Pairs the lines of a record with those of its counterpart: by place, and each line keeps its place.

The place of a line is its number at the time when the records were linked; the golden record has the values
of lines by place. A member whose lines no longer stand in that order has `lines`: its lines by place.
"""

from __future__ import annotations

from stack.mappings.cells import Dtl
from stack.mappings.concept import ERP
from stack.mappings.record import Record


def meets_others(record: Record) -> bool:
    """Return whether this record takes its places from its counterpart, and not the other way round."""
    return record.system.word == ERP


def in_place(record: Record, start: str, before: Dtl) -> Dtl:
    """Return the lines of the record at the path `start`, each at its place in `before`; see `_places`."""
    lines = record.lines_sorted(start)
    given: Dtl = ["dict", "lines", lines, "before", before]
    return ["if", ["is-empty", before], lines, ["combine", ["path", "lines", ["apply", "places", given]]]]


def before(record: Record) -> Dtl:
    """Return its lines by place as known so far; for a new link, in the order of the counterpart's lines.

    The rule that uses it has `_T._earlier`, the member as it was before or the one that it was created from,
    and `_T._met`, a counterpart that is linked for the first time.
    """
    linked: Dtl = ["is-not-empty", ["combine", "_T._before.links", "_T._source.links", "_T._inserted_there"]]
    earlier = [["is-not-null", "_T._earlier.lines"], "_T._earlier.lines"]
    by_order = [linked, record.lines_sorted("_T._earlier.raw")]
    if not meets_others(record):
        return ["case", *earlier, *by_order]
    theirs = record.counterpart.lines_sorted("_T._met")
    given: Dtl = ["dict", "lines", record.lines_sorted("_S"), "there", theirs]
    met: Dtl = ["path", "before", ["if", ["is-not-null", "_T._met"], ["apply", "met", given]]]
    return ["case", *earlier, ["is-not-empty", met], ["combine", met], *by_order]


def rules(record: Record) -> dict[str, Dtl]:
    """Return the rules that `in_place` and `before` apply."""
    if not record.line_fields:
        return {}
    return {"places": _places(record), **({"met": _met(record)} if meets_others(record) else {})}


def _places(record: Record) -> Dtl:
    """Return the rule that puts each line at the place that it had before.

    A new line gets the next place, whatever its position; a removed line keeps its place and its last values.
    Lines without keys of their own, and lines that are all new, are placed by their order.
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
        ["comment", "Each line at the place that it had when the records were linked."],
        ["add", "_keys", ["map", key, ["filter", has_key, "_S.lines"]]],
        ["add", "_known", ["map", key, ["filter", has_key, "_S.before"]]],
        ["add", "_by_key", ["group-by", key, "_.", ["combine", "_S.lines", "_S.before"]]],
        ["add", "lines", ["if", by_order, "_S.lines", placed]],
    ]


def _met(record: Record) -> Dtl:
    """Return the rule that pairs the lines of two records that are linked for the first time.

    They are paired by order (the rule adds nothing), unless their texts show that some were removed, added
    or moved. Then `before` has the lines in the order of the counterpart; a missing one has its values.
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
        [
            "comment",
            "The counterpart's order, if the texts show that lines were removed, added or moved.",
        ],
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
    """Return the text that tells the line `_.` from the others."""
    first, *rest = [["coalesce-args", f"_.{name}", ""] for name in record.lines["told_apart_by"]]
    return ["concat", first, *(part for each in rest for part in ("\n", each))]


def _absent(record: Record) -> Dtl:
    """Return a line of this record with the values of its counterpart's line `_.`."""
    other = record.counterpart
    theirs = {each["name"]: each["field"] for each in other.line_fields}
    found: Dtl = ["dict", record.lines["key"], f"_.{other.lines['key']}"]
    for each in record.line_fields:
        found += [each["field"], f"_.{theirs[each['name']]}"]
    return found


def by_place(record: Record, member: str) -> Dtl:
    """Return the lines that a member's record has, in its order, each with its place (`key`).

    `member`: the path of the member, such as `_S`.
    """
    there = ["path", record.lines["key"], f"{member}.raw.{record.lines['path']}"]
    placed: Dtl = [
        "filter",
        ["in", f"_.value.{record.lines['key']}", there],
        ["enumerate", f"{member}.lines"],
    ]
    if "position" in record.lines:
        placed = ["sorted", f"_.value.{record.lines['position']}", placed]
    by_order = ["enumerate", record.lines_sorted(f"{member}.raw")]
    return ["if", ["is-null", f"{member}.lines"], by_order, placed]


def differ(record: Record) -> Dtl:
    """Return whether one of the two has a line that the other does not have, in the rule `update`.

    A record that shows no lines at all says nothing about them.
    """
    both = ((record, "_S"), (record.counterpart, "_P._T._source"))
    shown = [["is-not-null", f"{member}.raw.{each.lines['path']}"] for each, member in both]
    places = [["sorted", "_.", ["map", "_.key", by_place(each, member)]] for each, member in both]
    return ["and", *shown, ["neq", *places]]


def as_they_are(record: Record) -> Dtl:
    """Return whether the lines in `_T._patch` equal the record's, so that only lines that it lacks differ."""
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
