"""How an ERP tells of changes by itself: calls to `POST /webhooks` of the service."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, field

from connectors.erp.profile.model.base import Path, ProfilePart, Text, Variable
from connectors.erp.profile.model.connection import BasicAuth
from connectors.erp.profile.model.mapping import Conditions


class HeaderSecret(ProfilePart, frozen=True, tag_field="type", tag="header"):
    """A secret in a header."""

    name: Annotated[Text, Meta(description="The header.")]
    secret: Variable
    prefix: Annotated[str, Meta(description="Prefix of the secret, such as 'Bearer '.")] = ""


class QuerySecret(ProfilePart, frozen=True, tag_field="type", tag="query"):
    """A secret in the address that the ERP is given."""

    name: Annotated[Text, Meta(description="The parameter.")]
    secret: Variable


class BodySecret(ProfilePart, frozen=True, tag_field="type", tag="body"):
    """A secret in each event, such as Microsoft's clientState."""

    path: Annotated[Path, Meta(description="Where an event has it.")]
    secret: Variable


class Signature(ProfilePart, frozen=True, tag_field="type", tag="hmac"):
    """A signature of the body, made with a key that both sides know (HMAC, RFC 2104)."""

    header: Annotated[Text, Meta(description="The header that has it.")]
    key: Variable
    algorithm: Annotated[Literal["sha256", "sha1", "sha512"], Meta(description="The hash function.")] = (
        "sha256"
    )
    encoding: Annotated[Literal["hex", "base64"], Meta(description="How it is encoded.")] = "hex"
    prefix: Annotated[str, Meta(description="Prefix of the signature, such as 'sha256='.")] = ""


CallerAuth: TypeAlias = BasicAuth | HeaderSecret | QuerySecret | BodySecret | Signature


class EventValue(ProfilePart, frozen=True):
    """Where a call says something about an event."""

    path: Annotated[Path, Meta(description="In the event, which is JSON.")] | None = None
    header: Annotated[Text, Meta(description="In a header of the call.")] | None = None
    query: Annotated[Text, Meta(description="In a parameter of the address.")] | None = None
    pattern: (
        Annotated[
            Text,
            Meta(
                description="A regular expression whose first group is the part that counts, if it matches."
            ),
        ]
        | None
    ) = None
    one_of = ("path", "header", "query")


class EventDatatype(ProfilePart, frozen=True):
    """Which datatypes an event is about."""

    source: Annotated[
        EventValue | None,
        Meta(
            description="Where a call says what kind of record changed; in a parameter `datatype` by"
            " default, so that each datatype has its own address."
        ),
    ] = field(name="from", default=None)
    map: Annotated[
        dict[str, list[Text]],
        Meta(
            description="The ERP's words and the datatypes that such a record may have, such as quote and"
            " order. By default its words are ours; events with other words are ignored."
        ),
    ] = {}


class Webhooks(ProfilePart, frozen=True):
    """What the ERP sends when a record changes: a sign to read that record now.

    Nothing else of the event counts, and reads stay the truth: an event may come late, twice or never.
    Webhooks are on when every variable here is set, and NODE_URL.
    """

    short = {  # noqa: RUF012 - a ClassVar
        "id": {"$ref": "#/$defs/EventValue"},
    }

    auth: Annotated[CallerAuth, Meta(description="How a call proves that it comes from the ERP.")]
    id: Annotated[
        list[EventValue],
        Meta(
            min_length=1,
            description="Where an event has the record's key; a list for a key of several values.",
        ),
    ]
    datatype: EventDatatype = EventDatatype()
    events: Annotated[
        Path,
        Meta(description="Where the body has the events, a list or a single one; the whole body by default."),
    ] = ""
    when: Annotated[Conditions, Meta(description="Which events count.")] = []
    challenge: (
        Annotated[
            Text,
            Meta(
                description="Parameter whose value is sent back as text, with which the ERP checks the"
                " address, such as Microsoft's validationToken."
            ),
        ]
        | None
    ) = None
