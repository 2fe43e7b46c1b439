"""Which part of a record becomes which field, and how values are written in either direction."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from connectors.erp.profile.model.base import Json, Path, ProfilePart, Scalar, Templates, Text, Zone

STAMP_FORMS = ("iso", "iso_seconds", "iso_naive", "date", "epoch_s", "epoch_ms", "dotnet", "object", "number")
StampForm: TypeAlias = Annotated[
    str,
    Meta(
        extra_json_schema={"anyOf": [{"enum": list(STAMP_FORMS)}, {"pattern": "%"}]},
        description="iso: date and time with fraction, in `timezone` if it has no offset · iso_seconds ·"
        " iso_naive: without offset, in `timezone` · date · epoch_s · epoch_ms · dotnet: /Date(ms)/ ·"
        " object: year, month, day, hour, minute, second, microsecond · number: a growing change"
        " number · or a pattern of strftime, such as %d.%m.%Y %H:%M:%S, in `timezone` if it has no"
        " %z.",
    ),
]


class StampPair(ProfilePart, frozen=True):
    """A change timestamp in two fields.

    The day, as YYYY-MM-DD at the beginning of a text, and the time of day.
    """

    date: Annotated[Path, Meta(description="Where a record has the day.")]
    time: Annotated[
        Path, Meta(description="Where it has the time of day; without one it is the beginning of the day.")
    ]
    time_form: Annotated[
        Literal["clock", "hhmm", "hhmmss", "seconds"],
        Meta(
            description="clock: HH:MM or HH:MM:SS · hhmm, hhmmss: digits, with or without the leading zeros ·"
            " seconds: since midnight."
        ),
    ] = "clock"


Mark: TypeAlias = Annotated[dict[str, Scalar], Meta(description="Constant members of the object.")]


class Condition(ProfilePart, frozen=True):
    """A test on the ERP's record."""

    field: Annotated[
        Path,
        Meta(description="Dotted path; * stands for every item of a list, of which one must pass."),
    ]
    present: Annotated[bool, Meta(description="Whether there is a value other than null.")] | None = None
    equals: Annotated[Scalar, Meta(description="The value.")] | UnsetType = UNSET
    among: Annotated[list[Scalar], Meta(min_length=1, description="One of these values.")] | None = (
        msgspec.field(name="in", default=None)
    )
    not_in: Annotated[list[Scalar], Meta(min_length=1, description="None of these values.")] | None = None
    starts_with: Annotated[Text, Meta(description="A text with this beginning.")] | None = None
    at_least = 2


Conditions: TypeAlias = Annotated[
    list[Condition], Meta(description="Tests on the ERP's record that must all hold.")
]


class ItemSpec(ProfilePart, frozen=True):
    """An object in a list of the ERP's record that has one or more fields: the first that fits `where`."""

    held_in: Annotated[Path, Meta(description="Where the record has the list.")] = field(name="in")
    to: Annotated[Path, Meta(description="Where it is written, if in another place.")] | None = None
    part: Annotated[Text, Meta(description="The part to which it is written.")] | None = None
    where: Annotated[Conditions, Meta(description="Conditions on the item.")] = []
    id: Annotated[Path, Meta(description="Where the item has its key.")] = "id"
    new: Annotated[dict[str, Json], Meta(description="Other members of a new item.")] = field(
        default_factory=dict
    )
    holds: (
        Annotated[Path, Meta(description="The item is removed when this value of it is cleared.")] | None
    ) = field(name="needs", default=None)


class AlsoWritten(ProfilePart, frozen=True):
    """Another member that is written with a field."""

    to: Annotated[Path, Meta(description="Where it is written.")]
    lookup: Annotated[Text, Meta(description="The look-up that derives it from the value.")]


class LineCall(ProfilePart, frozen=True):
    """A call that writes one line. {id} is the record's key, {line} the line's."""

    path: Annotated[
        Text,
        Meta(
            description="Path below base_url that starts with a slash, such as {path}/{id}/lines/{line}.",
            extra_json_schema={"pattern": "^[/{]"},
        ),
    ]
    method: Annotated[
        Literal["POST", "PATCH", "PUT"] | None,
        Meta(description="HTTP method; POST for a new line, PATCH for a change by default."),
    ] = None
    query: Templates = {}
    headers: Templates = {}
    body: Annotated[
        Json, Meta(description="The body, with {changes} and {line}; the changes alone by default.")
    ] = UNSET
    besides: Annotated[
        dict[str, Json],
        Meta(description='Other members, such as {"order": {"id": "{id|integer}"}}.'),
    ] = {}
    keep: Annotated[
        list[Path],
        Meta(description="The members of a line that are sent back unchanged, such as its version."),
    ] = []
    if_match: Annotated[
        Path | None, Meta(description="Where a line has its version, which is sent as If-Match.")
    ] = None


class LineCalls(ProfilePart, frozen=True):
    """How lines are written by a separate call each, if an ERP does not accept them with their record."""

    create: LineCall
    update: LineCall
    with_record: Annotated[
        bool,
        Meta(description="true: a new record includes its lines, and only later changes are separate calls."),
    ] = False


class Case(ProfilePart, frozen=True):
    """One of several values that a field may have, depending on other fields of the record."""

    value: Annotated[Scalar | None, Meta(description="The value of the field, in this project's terms.")]
    when: Annotated[
        Conditions,
        Meta(description="Tests on the ERP's record that must all hold; without tests it always holds."),
    ] = []


ValueType: TypeAlias = Literal["string", "integer", "decimal", "boolean", "date", "datetime", "html"]
WrittenType: TypeAlias = Literal[
    "string", "integer", "number", "decimal", "boolean", "date", "datetime", "html"
]


class FieldSpec(ProfilePart, frozen=True):
    """Where a field comes from and how it is written; with `fields`, a list of lines."""

    source: (
        Annotated[
            Path,
            Meta(
                description="Where the ERP's record, or the item, holds the value or the list."
                " @modified is the record's change timestamp, @position a line's place in its list from 1"
                " on."
            ),
        ]
        | None
    ) = field(name="from", default=None)
    const: Annotated[Scalar, Meta(description="Always this; the ERP has it nowhere.")] | UnsetType = UNSET
    cases: Annotated[
        list[Case],
        Meta(
            min_length=1,
            description="The first case whose `when` fits gives the value, for a state that is spread over"
            " several fields of the ERP. It is written only by `actions`.",
        ),
    ] = []
    to: Annotated[Path, Meta(description="Where it is written, if in another place.")] | None = None
    type: (
        Annotated[
            ValueType,
            Meta(
                description="What it becomes: decimal is a text, date YYYY-MM-DD, datetime UTC of"
                " fixed width, html the text that people read in it."
            ),
        ]
        | None
    ) = None
    written_as: (
        Annotated[WrittenType, Meta(description="What it is written as, if not as `type`.")] | None
    ) = field(name="as", default=None)
    map: Annotated[
        dict[str, str | bool | None],
        Meta(
            description="The ERP's words and ours (true and false for booleans). If two of its words"
            " become one of ours, the first is written. A word that is not here makes the read fail,"
            " unless there is a default.",
            extra_json_schema={"minProperties": 1},
        ),
    ] = {}
    default: Annotated[
        Any,
        Meta(
            description="Used if the ERP has no value, if `when` does not fit, and for words that are not"
            " in the map."
        ),
    ] = UNSET
    when: Annotated[Conditions, Meta(description="The field is read only from records that fit.")] = field(
        default_factory=list
    )
    back: Annotated[
        dict[str, str],
        Meta(description="Words of ours that are not in the map, and what is written for them."),
    ] = {}
    words: (
        Annotated[
            Literal["all_but_last", "last"],
            Meta(
                description="Several fields share one text of the ERP: this one is its last word, or"
                " all before it."
            ),
        ]
        | None
    ) = None
    line: (
        Annotated[
            Literal[1, 2, 3],
            Meta(
                description="Several fields share one text of the ERP: this one is that line of it; the third"
                " has all that follow."
            ),
        ]
        | None
    ) = None
    prefix: Annotated[
        str,
        Meta(description="Prefix of the value in the ERP; a value without it does not count."),
    ] = ""
    letters: (
        Annotated[
            Literal["lower", "upper"],
            Meta(
                description="Codes such as a country's that the ERP, or the look-up, has in these letters,"
                " and this project in the others."
            ),
        ]
        | None
    ) = None
    item: Annotated[Text, Meta(description="The item, of `items`, that holds it.")] | None = None
    part: Annotated[Text, Meta(description="The part, of `parts`, that it is written to.")] | None = None
    lookup: Annotated[Text, Meta(description="The look-up that gives what is written.")] | None = None
    also: Annotated[list[AlsoWritten], Meta(description="Other members that are written with it.")] = field(
        default_factory=list
    )
    read_only: Annotated[bool, Meta(description="Never sent to the ERP.")] = False
    create_only: Annotated[
        bool, Meta(description="Sent only with a new record; later changes are ignored.")
    ] = False
    null_values: (
        Annotated[
            list[Scalar],
            Meta(
                min_length=1,
                description="Values of the ERP that mean none, such as 0001-01-01; none is written as the"
                " first of them. In place of the entity's null_values.",
            ),
        ]
        | None
    ) = None
    shorten: (
        Annotated[
            int,
            Meta(
                ge=12,
                description="Characters that the ERP keeps of it, with its prefix. What is longer is cut and"
                " ends in ~ and eight digits made from the whole: it can still be looked up as an origin, and"
                " reads as none.",
            ),
        ]
        | None
    ) = None
    sum: Annotated[
        bool,
        Meta(description="true: the sum of all values that `from` names with a *, such as lines.*.amount."),
    ] = False
    fields: (
        Annotated[
            dict[str, Path | FieldSpec],
            Meta(description="For a list of lines: the fields of a line. They have no lines of their own."),
        ]
        | None
    ) = None
    where: Annotated[Conditions, Meta(description="For a list: which items of it are lines.")] = field(
        default_factory=list
    )
    id: (
        Annotated[
            Path,
            Meta(
                description="For a list: where an item has its key; by default the source of the field"
                " that `line_keys` names, or id."
            ),
        ]
        | None
    ) = None
    new: Annotated[dict[str, Json], Meta(description="For a list: other members of a new item.")] = {}
    calls: Annotated[
        LineCalls | None, Meta(description="For a list: how lines are written by separate calls.")
    ] = None
    ignore: Annotated[
        list[Text],
        Meta(description="For a list: fields of a line that this ERP has no place for and that may be lost."),
    ] = []
    one_of = ("from", "const", "cases")


Fields: TypeAlias = dict[str, Path | FieldSpec]


def spelt_out(fields: Fields) -> dict[str, FieldSpec]:
    """Return the fields of a map, with a plain path as a field that is read and written there."""
    return {
        name: FieldSpec(source=given) if isinstance(given, str) else given for name, given in fields.items()
    }


class DecimalForm(ProfilePart, frozen=True):
    """Amounts."""

    form: Annotated[
        Literal["string", "number", "object"],
        Meta(description="JSON text, JSON number, or an object that contains the text."),
    ] = "string"
    key: Annotated[Text, Meta(description="Member that contains the text.")] = "decimal"
    mark: Mark = {}


DAY_FORMS = ("iso", "object", "epoch_s", "epoch_ms", "dotnet")
DayForm: TypeAlias = Annotated[
    str,
    Meta(
        description="iso: YYYY-MM-DD · object: with year, month and day · epoch_s, epoch_ms, dotnet: the"
        " instant at which the day begins in `timezone`, as a number or as /Date(ms)/ · or a pattern of"
        " strftime, such as %d.%m.%Y.",
        extra_json_schema={"anyOf": [{"enum": list(DAY_FORMS)}, {"pattern": "%"}]},
    ),
]


class DateForm(ProfilePart, frozen=True):
    """Days."""

    form: DayForm = "iso"
    written: Annotated[
        DayForm | None, Meta(description="The form that is sent, if it is not the form that is received.")
    ] = None
    timezone: Zone | None = None
    mark: Mark = {}


class DatetimeForm(ProfilePart, frozen=True):
    """Instants."""

    form: StampForm = "iso"
    written: Annotated[
        StampForm | None, Meta(description="The form that is sent, if it is not the form that is received.")
    ] = None
    timezone: Zone | None = None
    mark: Mark = {}


class BooleanForm(ProfilePart, frozen=True):
    """Booleans, if they are not JSON booleans."""

    true: Annotated[str | int, Meta(description="The value for true, such as tYES.")]
    false: Annotated[str | int, Meta(description="The value for false.")]


class Values(ProfilePart, frozen=True):
    """How the ERP writes typed values."""

    boolean: BooleanForm | None = None

    decimal: DecimalForm = DecimalForm()
    date: DateForm = DateForm()
    datetime: DatetimeForm = DatetimeForm()
