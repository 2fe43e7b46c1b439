"""How single records are read and written."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, field

from connectors.erp.profile.model.base import Json, Path, Place, ProfilePart, Templates, Text
from connectors.erp.profile.model.mapping import Conditions

Wrap: TypeAlias = Annotated[Text, Meta(description="Key in which the record is wrapped.")]


Allowed: TypeAlias = Annotated[
    bool,
    Meta(
        description="false, or false in place of the whole object: this ERP has no such call, so it is"
        " refused."
    ),
]


class Get(ProfilePart, frozen=True):
    """How one record is read."""

    method: Annotated[Literal["GET", "POST", "PUT", "PATCH", "DELETE"], Meta(description="HTTP method.")] = (
        "GET"
    )
    path: Place = "{path}/{id}"
    query: Templates = {}
    headers: Templates = {}
    record: Annotated[
        Path,
        Meta(
            description="Where the answer has the record; the whole answer by default. Null there, or an"
            " empty list around it, means that there is none."
        ),
    ] = ""
    body: Annotated[Json, Meta(description="Sent as JSON, with {id}, for ERPs that use POST for reads.")] = (
        UNSET
    )


class IdFromHeader(ProfilePart, frozen=True):
    """The key of a new record in a header of the answer, such as Location."""

    header: Annotated[Text, Meta(description="The header.")]
    pattern: (
        Annotated[
            Text,
            Meta(
                description="A regular expression whose first group is the key; a key of several values has a"
                " group for each. By default the key is the last part (or parts) of an address, or"
                " what is in parentheses there, without quotes."
            ),
        ]
        | None
    ) = None


class Within(ProfilePart, frozen=True):
    """The record is made together with a part of it, as an item in the part's list `in`."""

    part: Annotated[Text, Meta(description="The part.")]
    into: Annotated[Text, Meta(description="The list in it.")] = field(name="in")


class Create(ProfilePart, frozen=True):
    """How a record is made."""

    allowed: Allowed = True

    method: Annotated[Literal["POST", "PUT"], Meta(description="HTTP method.")] = "POST"
    path: Place = "{path}"
    query: Templates = {}
    headers: Templates = {}
    wrap: Wrap | None = None
    new: Annotated[
        dict[str, Json],
        Meta(
            description='Members that every new record gets; {"$lookup": name, "value": …} stands for a'
            " key that is looked up, {origin} for the origin of the record."
        ),
    ] = {}
    body: Annotated[
        Json,
        Meta(
            description='The body, with {record} for the new record, such as {"vals_list": ["{record}"]}; the'
            " record alone by default. An object without {record} counts as `new`."
        ),
    ] = UNSET
    within: Within | None = None
    record: Annotated[Path, Meta(description="Where the answer has the record.")] = ""
    id_from: Annotated[
        str | IdFromHeader | None,
        Meta(
            description="Where the answer has only the new id, in its body or in a header; the record is then"
            ' read. "": the whole answer is the id.'
        ),
    ] = None


class NoLock(ProfilePart, frozen=True, tag_field="type", tag="none"):
    """The ERP compares nothing."""


class IfMatch(ProfilePart, frozen=True, tag_field="type", tag="if_match"):
    """The header If-Match with the version that was read."""

    path: Annotated[Path, Meta(description="Where the record has its version.")] | None = None
    header: (
        Annotated[
            Text,
            Meta(description="The header that has it instead, such as ETag, when a single record is read."),
        ]
        | None
    ) = None
    template: Annotated[Text, Meta(description="Value of If-Match with {version}.")] = "{version}"
    one_of = ("path", "header")


class BodyVersion(ProfilePart, frozen=True, tag_field="type", tag="body_version"):
    """The version that was read goes back in the body."""

    path: Annotated[Path, Meta(description="Top-level field that is sent back unchanged.")]


Lock: TypeAlias = Annotated[
    NoLock | IfMatch | BodyVersion,
    Meta(description="How the ERP refuses a write to a record that has changed."),
]


class Update(ProfilePart, frozen=True):
    """How a record is changed."""

    allowed: Allowed = True

    method: Annotated[Literal["PUT", "PATCH", "POST"], Meta(description="HTTP method.")] = "PATCH"
    path: Place = "{path}/{id}"
    query: Templates = {}
    headers: Templates = {}
    wrap: Wrap | None = None
    record: Annotated[Path, Meta(description="Where the answer has the record.")] = ""
    mode: Annotated[
        Literal["partial", "full"],
        Meta(
            description="partial: only changed fields are sent · full: the whole record as the ERP"
            " holds it, with the changes."
        ),
    ] = "partial"
    whole: Annotated[
        list[Path],
        Meta(
            description="Objects in the record that the ERP replaces with what is sent, such as an address: a"
            " change in one sends the whole object."
        ),
    ] = []
    besides: Annotated[
        dict[str, Json],
        Meta(description='Other members, such as {"id": "{id}"} if the address does not contain it.'),
    ] = {}
    answers: Annotated[
        Literal["record", "nothing"],
        Meta(description="nothing: the answer has no record, so it is read after the write."),
    ] = "record"
    body: Annotated[
        Json,
        Meta(
            description='The body, with {changes}, {id} and the {version} of lock, such as {"ids":'
            ' ["{id|integer}"], "vals": "{changes}"}; the changes alone by default.'
        ),
    ] = UNSET
    lock: Lock = NoLock()


class Delete(ProfilePart, frozen=True):
    """How a record is deleted."""

    allowed: Allowed = True
    method: Annotated[Literal["DELETE", "POST", "PUT", "PATCH"], Meta(description="HTTP method.")] = "DELETE"
    body: Annotated[Json, Meta(description="Sent as JSON, with {id}.")] = UNSET
    path: Place = "{path}/{id}"
    query: Templates = {}
    headers: Templates = {}


class PartUpdate(ProfilePart, frozen=True):
    """How a part is changed."""

    path: Annotated[
        Place,
        Meta(description="The path, which may contain values of the record in braces, such as {party.id}."),
    ]
    method: Annotated[Literal["PATCH", "PUT", "POST"], Meta(description="HTTP method.")] = "PATCH"
    query: Templates = {}
    headers: Templates = {}


class PartCreate(ProfilePart, frozen=True):
    """How a new one is made, before the record itself."""

    method: Annotated[Literal["POST", "PUT"], Meta(description="HTTP method.")] = "POST"
    path: Place | None = None
    query: Templates = {}
    headers: Templates = {}
    body: Annotated[dict[str, Json], Meta(description="Members that every new part gets.")] = field(
        default_factory=dict
    )
    id_from: Annotated[Path, Meta(description="Where the answer has its key.")] = "id"
    find: (
        Annotated[
            Templates,
            Meta(
                description="Query of the path with {origin}, for a part that an interrupted create has"
                " already created."
            ),
        ]
        | None
    ) = None
    into: Annotated[Path, Meta(description="Where the record itself must name that key.")] | None = None


class PartSpec(ProfilePart, frozen=True):
    """Another record of the ERP that holds some of the fields.

    It may be an employee's person, a variant's template or an article's price.
    """

    update: PartUpdate
    create: Annotated[
        PartCreate | None,
        Meta(description="Without it, a part is written by its update, after the record was created."),
    ] = None


class CommandTemplates(ProfilePart, frozen=True):
    """How a change of a list in the record is written, where it is not written whole.

    Templates of one command each.
    """

    create: Annotated[Json, Meta(description="With {item}, the new item.")]
    update: Annotated[Json, Meta(description="With {id} and {changes}.")]
    delete: Annotated[Json, Meta(description="With {id}.")]


class TransitionStep(ProfilePart, frozen=True):
    """A call that changes a field."""

    path: Annotated[Place, Meta(description="With {id}, such as {path}/{id}/confirm.")]
    method: Annotated[Literal["POST", "PUT", "PATCH"], Meta(description="HTTP method.")] = "POST"
    query: Templates = {}
    headers: Templates = {}
    body: Annotated[Json, Meta(description="Sent as JSON.")] = UNSET
    when: Annotated[
        Conditions, Meta(description="Only for records that fit, in their state before the first step.")
    ] = []


Steps: TypeAlias = Annotated[
    list[TransitionStep],
    Meta(description="Null: this ERP has no call for that value; it is accepted and not stored."),
]
Actions: TypeAlias = dict[str, Annotated[dict[str, Steps], Meta(extra_json_schema={"minProperties": 1})]]


class Origin(ProfilePart, frozen=True):
    """Where a record keeps the key of the record it was made from, and how to find it by that.

    What makes a repeated create safe.
    """

    field: Annotated[Path, Meta(description="The field, in this project's names.")]
    query: Annotated[
        Templates,
        Meta(
            description="List query with {origin}; replaces parameters of list.query. It may be left out if"
            " list.query or list.body use {origin} themselves, within a $if."
        ),
    ] = {}
    loose: Annotated[
        bool,
        Meta(
            description="true: this ERP's search finds more than was asked for, such as every key with the"
            " same beginning; other records are ignored."
        ),
    ] = False
