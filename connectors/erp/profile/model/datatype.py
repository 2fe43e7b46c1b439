"""One datatype of an ERP, and the profile around it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from connectors.erp.profile.model.base import NO_VARIABLE, Path, ProfilePart, Scalar, Templates, Text, Zone
from connectors.erp.profile.model.connection import Connection
from connectors.erp.profile.model.mapping import (
    Conditions,
    Fields,
    ItemSpec,
    StampForm,
    StampPair,
    Values,
)
from connectors.erp.profile.model.reading import (
    ChildSpec,
    Deletion,
    Incremental,
    ListCall,
    LookupSpec,
    NoDeletions,
    Paginator,
)
from connectors.erp.profile.model.webhooks import Webhooks
from connectors.erp.profile.model.writing import (
    Actions,
    CommandTemplates,
    Create,
    Delete,
    Get,
    Origin,
    PartSpec,
    Update,
)

Names = Annotated[list[Text], Meta(description="Names of fields.")]


class DatatypeProfile(ProfilePart, frozen=True):
    """How records of one datatype are read and written. `defaults` may have every member, too."""

    short = {  # noqa: RUF012 - a ClassVar
        "id": {"type": "string", "minLength": 1, **NO_VARIABLE},
        "create": {"const": False},
        "update": {"const": False},
        "delete": {"const": False},
    }

    path: Annotated[
        Text,
        Meta(
            description="The collection below base_url, such as /contacts, starting with a slash; {path} in"
            " operations.",
            extra_json_schema={"pattern": "^/"},
        ),
    ]
    paginator: Paginator
    enabled: Annotated[
        bool,
        Meta(
            description="false: this ERP has no such records. As if there were no entry, the datatype"
            " reads as an empty list and accepts no writes."
        ),
    ] = True
    read_only: Annotated[bool, Meta(description="true: share requests and pushes are refused.")] = False
    query: Annotated[Templates, Meta(description="Sent with every call for this datatype.")] = field(
        default_factory=dict
    )
    id: Annotated[
        list[Path],
        Meta(
            min_length=1,
            description="Where a record has its key (id by default); a list for a key of several values,"
            " whose parts are {id.<path>} in templates.",
        ),
    ] = field(default_factory=lambda: ["id"])
    modified: Annotated[
        list[Path | StampPair],
        Meta(description="Where a record has its change timestamp; the first that is not null counts."),
    ] = []
    modified_also: Annotated[
        list[Path],
        Meta(
            description="Other change timestamps, for example of children (* stands for every item of a"
            " list); the latest counts."
        ),
    ] = []
    modified_format: StampForm = "iso"
    timezone: Zone | None = None
    where: Annotated[
        Conditions,
        Meta(
            description="Which records belong to this datatype, for collections that hold several. A"
            " record that no longer fits is reported as deleted; the list itself must not filter by values"
            " that can change."
        ),
    ] = []
    keep: Annotated[
        Names, Meta(description="Fields that a record keeps when it no longer fits: what it became.")
    ] = []
    listing: ListCall = field(name="list", default=ListCall())
    incremental: Incremental | None = None
    deleted: Deletion = NoDeletions()
    get: Get = Get()
    create: Create = Create()
    update: Update = Update()
    delete: Delete = Delete()
    origin: Origin | None = None
    absent: Annotated[
        Literal["accept", "refuse"],
        Meta(
            description="What it means if a mapped field without a default is missing in a record. accept:"
            " it is null · refuse: the answer is broken, because this ERP sends every field, even if it is"
            " null. Without refuse, a field that the ERP renames looks as if everybody had emptied it."
        ),
    ] = "accept"
    fields: (
        Annotated[
            Fields,
            Meta(
                description="This project's field names to the ERP's. Without it, records are taken"
                " as they are."
            ),
        ]
        | None
    ) = None
    null_values: Annotated[
        list[Scalar] | dict[str, list[Scalar]],
        Meta(
            description='Values with which this ERP says that there is no value, such as "" or 0001-01-01,'
            ' for all fields except booleans; or by type, {"date": ["0001-01-01"], "string": [""], "*":'
            " …}, where * is for fields without a type. An empty value is written as the first of them."
        ),
    ] = []
    ignore: Annotated[
        Names,
        Meta(
            description="Fields that this ERP has no place for and that may be lost; any other unmapped"
            " field is refused when it is written."
        ),
    ] = []
    values: Values = Values()
    line_keys: Annotated[
        dict[str, Text],
        Meta(description="Fields that are lists of lines, and the key of a line; lines are merged by it."),
    ] = {}
    items: Annotated[
        dict[str, ItemSpec],
        Meta(description="Objects in lists of the record from which fields are read, by name."),
    ] = {}
    parts: Annotated[
        dict[str, PartSpec], Meta(description="Other records that some fields are written to, by name.")
    ] = {}
    children: Annotated[
        dict[str, ChildSpec], Meta(description="Sub-resources, such as lines, that lists do not show.")
    ] = {}
    commands: CommandTemplates | None = None
    actions: Annotated[
        Actions,
        Meta(
            description="Fields that are changed by calls, not by writing the record: field, value, and"
            " the steps that lead to it."
        ),
    ] = {}


class Entities(ProfilePart, frozen=True):
    """One entry for every datatype that this ERP has.

    A datatype without an entry reads as an empty list and accepts no writes, and its mappings are off.
    """

    contact: Annotated[DatatypeProfile | None, Meta(description="People at customers.")] = None
    customer: Annotated[DatatypeProfile | None, Meta(description="Companies that buy.")] = None
    employee: Annotated[DatatypeProfile | None, Meta(description="The company's own people.")] = None
    quote: Annotated[DatatypeProfile | None, Meta(description="Offers, until they are orders.")] = None
    order: Annotated[DatatypeProfile | None, Meta(description="Sales orders.")] = None
    product: Annotated[DatatypeProfile | None, Meta(description="What is sold.")] = None
    at_least = 1


class Document(ProfilePart, frozen=True):
    """The JSON API of one ERP.

    One file describes connection, lists, single records and writes of every datatype. Unknown keys are
    refused. ${NAME} takes the value of an environment variable; it is allowed for base_url and required for
    secrets.
    """

    profile_version: Annotated[Literal[1], Meta(description="Version of this format.")]
    name: Annotated[Text, Meta(description="Name of the profile, shown in messages.")]
    connection: Connection
    entities: Entities
    schema: Annotated[str, Meta(description="Lets editors help; not used otherwise.")] = field(
        name="$schema", default=""
    )
    description: Annotated[Text, Meta(description="For people.")] | None = None
    defaults: Annotated[
        DatatypeProfile | None,
        Meta(
            description="Members that every entity has unless it says otherwise; objects are merged key by"
            " key, but an object with another `type` or `strategy` replaces the default completely."
        ),
    ] = None
    webhooks: Webhooks | None = None
    lookups: Annotated[
        dict[str, LookupSpec],
        Meta(
            description="Keys that the ERP expects where this project has codes, by name: looked up when a"
            " field with `lookup` is written, and cached."
        ),
    ] = {}
