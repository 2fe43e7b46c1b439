"""How lists are asked for, paged and limited to what changed, and how deletions show."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, field

from connectors.erp.profile.model.base import (
    NO_VARIABLE,
    Json,
    PageSize,
    Path,
    Place,
    ProfilePart,
    Template,
    Templates,
    Text,
)
from connectors.erp.profile.model.mapping import Conditions, StampForm

ReadMethod: TypeAlias = Annotated[Literal["GET", "POST"], Meta(description="HTTP method.")]
Param: TypeAlias = Annotated[
    Text,
    Meta(
        description="Parameter that says where to continue. Without it, list.query or list.body must use the"
        " value: {page}, {offset}, {cursor} or {after}; list.path may also contain a page or an"
        " offset."
    ),
]
Records: TypeAlias = Annotated[
    str,
    Meta(
        description='Path to the records of a page, such as data.items; the whole answer by default, or "".',
        extra_json_schema=NO_VARIABLE,
    ),
]
LimitParam: TypeAlias = Annotated[
    Text, Meta(description="Parameter that says how many records a page may have.")
]


class AtEmpty(ProfilePart, frozen=True, tag_field="type", tag="empty"):
    """An empty page is the end: safe, and one call more."""


class AtShort(ProfilePart, frozen=True, tag_field="type", tag="short"):
    """A page with fewer records than asked for, and than another had, is the end."""


class AtTotal(ProfilePart, frozen=True, tag_field="type", tag="total"):
    """The count at path is reached."""

    path: Path


class AtFlag(ProfilePart, frozen=True, tag_field="type", tag="has_more"):
    """The flag at path is false; it must be on every page."""

    path: Path


Stop: TypeAlias = Annotated[
    AtEmpty | AtShort | AtTotal | AtFlag,
    Meta(
        description="When a list is at its end. empty: an empty page (safe, one more call) · short: a page"
        " with fewer records than requested and than another page had (otherwise the ERP may have its own"
        " page size) · total: the count at path is reached · has_more: the flag at path is false; it must"
        " be on every page."
    ),
]


class SinglePage(ProfilePart, frozen=True, tag_field="type", tag="single"):
    """The whole list is one page."""


class PageNumbers(ProfilePart, frozen=True, tag_field="type", tag="page"):
    """Pages are numbered."""

    param: Param | None = None
    limit_param: LimitParam | None = None
    first: Annotated[int, Meta(ge=0, description="Number of the first page.")] = 1
    stop: Stop = AtEmpty()


class Offsets(ProfilePart, frozen=True, tag_field="type", tag="offset"):
    """Pages begin after so many records."""

    param: Param | None = None
    limit_param: LimitParam | None = None
    first: Annotated[
        Literal[0, 1], Meta(description="Number of the first record: 1 if the ERP counts from one.")
    ] = 0
    stop: Stop = AtEmpty()


class Cursors(ProfilePart, frozen=True, tag_field="type", tag="cursor"):
    """Each page holds a cursor for the next one."""

    param: Param | None = None
    into: Annotated[
        Literal["query", "header"],
        Meta(description="Whether param is a query parameter or a request header."),
    ] = field(name="in", default="query")
    path: (
        Annotated[
            Path,
            Meta(
                description="Where the body of a page has the cursor of the next one; null or missing on the"
                " last."
            ),
        ]
        | None
    ) = None
    header: (
        Annotated[Text, Meta(description="The header of a page that has it instead; missing on the last.")]
        | None
    ) = None
    has_more: (
        Annotated[
            Path,
            Meta(
                description="Where the body says whether there is a next page, if the last page also has a"
                " cursor."
            ),
        ]
        | None
    ) = None
    limit_param: LimitParam | None = None
    one_of = ("path", "header")


Follow: TypeAlias = Annotated[
    Literal["url", "path", "query"],
    Meta(
        description="Which part of the link is used. url: all of it, and it must lead to the host of"
        " base_url · path: path and query, for an ERP behind a gateway whose links have its inner host ·"
        " query: only its query, with the list's own address."
    ),
]


class NextUrls(ProfilePart, frozen=True, tag_field="type", tag="next_url"):
    """Each page holds the URL of the next one."""

    path: Annotated[Path, Meta(description="Where a page has the URL of the next one, relative or absolute.")]
    follow: Follow = "url"
    limit_param: LimitParam | None = None


class LinkHeaders(ProfilePart, frozen=True, tag_field="type", tag="link_header"):
    """The Link header names the next page (RFC 8288)."""

    follow: Follow = "url"

    limit_param: LimitParam | None = None


class ODataLinks(ProfilePart, frozen=True, tag_field="type", tag="odata"):
    """OData V4: Prefer odata.maxpagesize, then @odata.nextLink."""

    follow: Follow = "url"


class KeysetPages(ProfilePart, frozen=True, tag_field="type", tag="keyset"):
    """The list is ordered by field; the next page starts after the last value seen."""

    field: Path
    param: Param | None = None
    template: Annotated[Text, Meta(description="Value of param with {value}.")] = "{value}"
    limit_param: LimitParam | None = None
    stop: Stop = AtEmpty()


Paginator: TypeAlias = Annotated[
    SinglePage | PageNumbers | Offsets | Cursors | NextUrls | LinkHeaders | ODataLinks | KeysetPages,
    Meta(description="How a list is paged. A page that comes twice always stops the read with an error."),
]


class Count(ProfilePart, frozen=True):
    """Where a page says how many records the list has in all."""

    path: Path | None = None
    header: Annotated[Text, Meta(description="The header that says it instead.")] | None = None
    one_of = ("path", "header")


class Detail(ProfilePart, frozen=True):
    """Each listed record is read by itself, by `get`."""

    concurrency: Annotated[int, Meta(ge=1, le=32, description="Records that are read at the same time.")] = 4


class ListCall(ProfilePart, frozen=True):
    """How records are listed."""

    short = {"detail": {"type": "boolean"}}  # noqa: RUF012 - a ClassVar

    method: ReadMethod = "GET"
    path: Place = "{path}"
    query: Templates = {}
    headers: Templates = {}
    body: Annotated[Json, Meta(description="Sent as JSON, for lists that are requested by POST.")] = UNSET
    records: Records = ""
    count: Annotated[
        Count | None,
        Meta(
            description="Where a page says how many records the list has in total. A read that finds fewer"
            " is an error. If pages are numbered and the count goes down, the read steps back, because"
            " deleted records have moved others up."
        ),
    ] = None
    detail: Annotated[
        Detail | None,
        Meta(
            description="true, or an object: the list shows a summary, so each record is read individually; a"
            " read since a token reads only those that the list shows as changed. Without it, a list"
            " that shows less than its records is an error."
        ),
    ] = None
    page_size: PageSize | None = None
    empty: Annotated[
        Literal["accept", "refuse"],
        Meta(
            description="refuse: a full read without any record is an error, because there always are"
            " some. Lists that had a hundred or more records before are refused in any case."
        ),
    ] = "accept"


class ChildSpec(ProfilePart, frozen=True):
    """A sub-resource, such as the lines of an order, with a list of its own."""

    path: Annotated[
        Text,
        Meta(
            description="List of the children, starting with a slash: below {id} of the parent (or a path"
            " into its record in braces), one list for each parent; with `parent`, one list for many.",
            extra_json_schema={"pattern": "^[/{]"},
        ),
    ]
    into: Annotated[
        Path,
        Meta(description="Where the children are put into the parent's record, before fields are mapped."),
    ]
    record: Annotated[
        bool,
        Meta(
            description="true: it is one record instead of a list, such as an address; null if a name in"
            " the path is null, or if the ERP has none."
        ),
    ] = False
    optional: Annotated[
        bool,
        Meta(
            description="true: a record may lack what the path names. Otherwise only null means that there is"
            " none."
        ),
    ] = False
    parent: (
        Annotated[
            Path,
            Meta(
                description="Where a child names its parent. With it, children are read in bulk: query or"
                " body contain the parents' ids as {ids}."
            ),
        ]
        | None
    ) = None
    batch: Annotated[int, Meta(ge=1, le=1000, description="Parents requested at once.")] = 50
    changed: (
        Annotated[
            Templates,
            Meta(
                description="Query with {since} for changed children; their parents then count as changed."
                " Needs `parent`, and `modified_also` with the children's timestamps."
            ),
        ]
        | None
    ) = None
    id: Annotated[Path, Meta(description="Where a child has its own key.")] = "id"
    method: ReadMethod = "GET"
    query: Templates = {}
    headers: Templates = {}
    body: Annotated[Json, Meta(description="Sent as JSON, for lists that are requested by POST.")] = UNSET
    records: Records = ""
    page_size: PageSize | None = None
    paginator: (
        Annotated[
            Paginator, Meta(description="How this list is paged; like the entity's own list by default.")
        ]
        | None
    ) = None
    needs = {"changed": ["parent"]}  # noqa: RUF012 - a ClassVar


class Incremental(ProfilePart, frozen=True):
    """How only what changed is listed."""

    order: Annotated[
        Literal["modified_then_id", "modified", "newest_first", "none"],
        Meta(
            description="Order of the list: by change timestamp and then id as text, by change timestamp, by"
            " change timestamp with the latest first, or none that is reliable. newest_first is for an ERP"
            " that sorts and has no filter: a read stops at the last known change."
        ),
    ]
    param: (
        Annotated[
            Text,
            Meta(
                description="Query parameter that limits a list to changed records. Without it, list.query or"
                " list.body use {since} themselves, or the service filters."
            ),
        ]
        | None
    ) = None
    template: Annotated[Template, Meta(description="Its value with {since}.")] = "{since}"
    format: (
        Annotated[StampForm, Meta(description="The format of {since}; modified_format by default.")] | None
    ) = None
    overlap_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="Request changes from this long before the last known change: for coarse timestamps"
            " (their unit), and for changes that become visible later than their timestamp.",
        ),
    ] = 0


class NoDeletions(ProfilePart, frozen=True, tag_field="strategy", tag="none"):
    """The ERP says nothing of deletions."""


class Tombstones(ProfilePart, frozen=True, tag_field="strategy", tag="tombstones"):
    """Deleted records are listed, with a stamp."""

    field: Annotated[Path, Meta(description="Not null when the record is deleted.")]


class SoftFlag(ProfilePart, frozen=True, tag_field="strategy", tag="soft_flag"):
    """A flag marks records that are out of use."""

    field: Annotated[Path, Meta(description="Where the record says it.")]
    value: Annotated[bool | str | int, Meta(description="Value of a deleted record.")]


Every: TypeAlias = Annotated[
    float,
    Meta(
        ge=0,
        description="How many seconds an answer about deletions counts. Reads in between only request the"
        " list. A deletion arrives that much later; it is never lost.",
    ),
]
IfAny: TypeAlias = Annotated[
    ListCall | None,
    Meta(
        description="List of everything that was deleted after {since}, of any datatype; only whether it"
        " has a row counts. After every_seconds it is requested first, and the rest only if it has a row."
        " Datatypes with the same list (see defaults) share its answer: one call for all of them."
    ),
]


class FullCompare(ProfilePart, frozen=True, tag_field="strategy", tag="full_compare"):
    """Every incremental read lists all ids as well.

    They must be whole numbers given in sequence: those in between that no record has are reported as deleted,
    and so is the highest ever seen since the service was started.
    """

    ids: Annotated[
        ListCall,
        Meta(description="How all ids are listed, if it differs from list: fewer fields, larger pages."),
    ] = ListCall()
    every_seconds: Every = 0


class LogLookup(ProfilePart, frozen=True, tag_field="strategy", tag="lookup"):
    """Like full_compare, but only for ids that the ERP's log names as deleted.

    The log is asked first whether anything was deleted.
    """

    log: Annotated[
        ListCall,
        Meta(
            description="List of the deletions after {since}; with {ids}, only of those records. It need"
            " not say which record each deletion is about."
        ),
    ]
    ids: Annotated[ListCall, Meta(description="How records are listed.")] = ListCall()
    named: Annotated[
        Text,
        Meta(
            description="How the log names a record, with {id}; the bare number by default. {ids} is a"
            " list of such names."
        ),
    ] = field(name="as", default="{id}")
    modified: Annotated[
        Path, Meta(description="Where a row of the log says when, in the format of modified_format.")
    ] = ""
    every_seconds: Every = 0
    if_any: IfAny = None
    needs = {"if_any": ["every_seconds"]}  # noqa: RUF012 - a ClassVar


class KeyLog(ProfilePart, frozen=True, tag_field="strategy", tag="log"):
    """The ERP's log names the keys of what was deleted."""

    log: Annotated[
        ListCall, Meta(description="List of the deletions, only those after {since} if it can be filtered.")
    ]
    key: Annotated[Path, Meta(description="Where a row of the log has the deleted record's key.")]
    modified: Annotated[Path, Meta(description="Where it says when.")]
    format: (
        Annotated[StampForm, Meta(description="The format of that timestamp; modified_format by default.")]
        | None
    ) = None
    where: Annotated[Conditions, Meta(description="Which rows are about this datatype.")] = []
    pattern: (
        Annotated[
            Text,
            Meta(description="A regular expression whose first group is the key in the value of `key`."),
        ]
        | None
    ) = None
    paginator: (
        Annotated[Paginator, Meta(description="How the log is paged; like the entity's own list by default.")]
        | None
    ) = None
    every_seconds: Every = 0
    if_any: IfAny = None
    needs = {"if_any": ["every_seconds"]}  # noqa: RUF012 - a ClassVar


class DeltaLinks(ProfilePart, frozen=True, tag_field="strategy", tag="delta_links"):
    """OData V4: the ERP gives a link by which what was deleted since is asked for (odata.track-changes).

    Each incremental read follows it. It is kept in memory: a service that was just started reads the list
    once more to get one, and what was deleted before that is found by full reads.
    """

    follow: Follow = "url"
    query: Annotated[Templates, Meta(description="Sent with the list that gives the first link.")] = {}
    every_seconds: Every = 0


Deletion: TypeAlias = Annotated[
    NoDeletions | Tombstones | SoftFlag | FullCompare | LogLookup | KeyLog | DeltaLinks,
    Meta(description="How a deleted record is known."),
]


class LookupRead(ProfilePart, frozen=True):
    """The way back: what stands for a key when a record is read.

    The keys of a page are asked for together by {ids}, one by one by {id}, or by reading the whole list; what
    the ERP does not have is null.
    """

    path: Annotated[
        Text,
        Meta(
            description="List or record below base_url, starting with a slash.",
            extra_json_schema={"pattern": "^/"},
        ),
    ]
    value: Annotated[Path, Meta(description="Where a found record has the value that replaces the key.")]
    key: Annotated[Path, Meta(description="Where it has the key.")] = "id"
    method: ReadMethod = "GET"
    query: Templates = {}
    headers: Templates = {}
    body: Annotated[Json, Meta(description="Sent as JSON, if it is requested by POST.")] = UNSET
    records: Annotated[
        Path, Meta(description="Where the answer has the records; the whole answer by default.")
    ] = ""
    paginator: Annotated[
        Paginator | None, Meta(description="How the list is paged; one page by default.")
    ] = None
    where: Annotated[
        Conditions, Meta(description="Which of the found records count; others are ignored.")
    ] = []


class LookupSpec(ProfilePart, frozen=True):
    """A key that the ERP wants where this project has a code."""

    path: Annotated[
        Text,
        Meta(
            description="List below base_url, starting with a slash.",
            extra_json_schema={"pattern": "^/"},
        ),
    ]
    value: Annotated[Path, Meta(description="Where the first found record has the key.")]
    query: Annotated[Templates, Meta(description="Query with {value}, the value to look up.")] = {}
    records: Annotated[
        Path, Meta(description="Where the answer has the found records; the whole answer by default.")
    ] = ""
    sent_as: Annotated[Literal["integer"], Meta(description="{value} is sent as a number.")] | None = field(
        name="as", default=None
    )
    method: ReadMethod = "GET"
    headers: Templates = {}
    body: Annotated[Json, Meta(description="Sent as JSON with {value}, if it is requested by POST.")] = UNSET
    read: LookupRead | None = None
    optional: Annotated[
        bool,
        Meta(
            description="true: if nothing is found, the field is not written; otherwise the entity is"
            " rejected."
        ),
    ] = False
    remember: Annotated[bool, Meta(description="false: looked up every time.")] = True
