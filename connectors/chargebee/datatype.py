"""What the Chargebee datatypes have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from connectors.chargebee.client import Chargebee
from connectors.chargebee.feeds import ListFeed, seconds
from connectors.chargebee.forms import in_path
from connectors.chargebee.identity import derived_id
from connectors.chargebee.reading import Reader
from connectors.chargebee.responses import MissingReference
from connectors.chargebee.rules import check_texts, refusal
from connectors.chargebee.settings import ChargebeeSettings
from connectors.chargebee.tokens import Token
from connectors.chargebee.writes import Params
from connectors.common.datatype import Datatype, Deletion, Entity, Insert, Record
from connectors.common.errors import NotFound, Rejected
from core import jsonio

_SCHEMAS = Path(__file__).parent / "schemas"
CREATE_ONLY = "x-createOnly"
NEVER_EMPTY = "x-neverEmpty"
"""Marks what cannot be emptied: all that is neither plain text nor has a default. An empty text may do it,
but no page says so, and the request schemas of the official client (npm chargebee 3.33.0) refuse to send one.
So none is sent; fact `empty-text-clears-other-types`."""

REFERENCES = ("business_entity_id", "customer_id", "item_id")
_UNSENT = ("object", "validation_status")
_UNSENT_EMPTY = ("email", "avalara_sale_type", "avalara_transaction_type", "avalara_service_type")
"""Parts of nested values that are left out where they are to go, as in `NEVER_EMPTY`."""


class ChargebeeDatatype(Datatype):
    """A resource with a list, a retrieve call and ids that we choose; subclasses add how it is written."""

    resource: ClassVar[str]
    id_limit: ClassVar[int]
    deleted_too: ClassVar[Params] = [("include_deleted", "true")]
    """What makes the list show deleted records."""

    create_refuses_twins = True

    def __init__(self, client: Chargebee, settings: ChargebeeSettings) -> None:
        self.client = client
        self.settings = settings
        self.is_dry_run = client.is_dry_run
        self.create_refuses_twins = self.create_refuses_twins and not client.is_dry_run
        self.update_attempts = settings.common.attempts
        self.schema: Mapping[str, Any] = jsonio.loads((_SCHEMAS / f"{self.name}.schema.json").read_bytes())
        self.create_only = frozenset(
            name for name, rule in self.schema["properties"].items() if rule.get(CREATE_ONLY)
        )
        self.write_only = frozenset(
            name for name, rule in self.schema["properties"].items() if rule.get("writeOnly")
        )
        self.reader = Reader(
            settings.list_lag,
            settings.common.page_size,
            self.shows,
            _entity,
            client.clock,
            watch=lambda: client.backfills.watch(self.name),
        )
        self.never_empty = frozenset(
            name
            for name, rule in self.schema["properties"].items()
            if rule.get(NEVER_EMPTY) and not settings.send_empty
        )
        """What is no text is not sent empty unless a person has seen that the site takes it.

        The clients for Java, Ruby, PHP and Python send an empty text for a null of any type, so it is likely
        taken; the request schemas of the one for Node.js refuse it, and no page says what the server does.
        https://github.com/chargebee/chargebee-java/blob/05e9e9f3a111305afa45ceddf2ccd962ad7a1a4d/src/main/java/com/chargebee/internal/Params.java
        https://github.com/chargebee/chargebee-ruby/blob/1478878ac8d88f9227f87e1b9d97af120f67a676/lib/chargebee/util.rb
        https://github.com/chargebee/chargebee-php/blob/0da9482c3b9da4659640a9361d6b98f759f4c521/lib/ChargeBee/Util.php
        https://github.com/chargebee/chargebee-python/blob/043d855a9512b3e21d7836e5902a3ccc4e0544eb/chargebee/util.py
        https://github.com/chargebee/chargebee-node/blob/31f906a/src/schema/customer.schema.ts
        """
        self._defaults = {
            name: rule["default"] for name, rule in self.schema["properties"].items() if "default" in rule
        }
        self._feed = ListFeed(client, self.resource, self.name, self.deleted_too)

    @cached_property
    def dry_run(self) -> ChargebeeDatatype:
        """See Datatype."""
        return type(self)(self.client.dry_run, self.settings)

    def read_again(self, record: Record, foreseen: Record) -> Record:
        """Return the record as calls about other records have left it; in a dry run, as they would."""
        return {**record, **foreseen} if self.is_dry_run else self.fetch(str(record["id"]))

    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        """Return entities page by page, see `connectors.chargebee.reading`."""
        return self.reader.paged(self._feed, since, limit)

    def shows(self, record: Record) -> bool:
        """Return whether a record is shown to readers at all."""
        return True

    def fetch(self, key: str) -> Record:
        """`GET /<resource>/<key>`."""
        return self.client.retrieve(self.resource, self.name, key)

    def entity(self, record: Record) -> Entity:
        """`_id`, `_updated`, `_deleted` and the record's own fields."""
        return _entity(record, Token(seconds(record.get("updated_at"))).encode())

    def find_own(self, insert: Insert) -> Record | None:
        """Return the record with the derived id; `Rejected` if it was not made from this origin."""
        key = self.key_for(insert)
        try:
            record = self.fetch(key)
        except NotFound:
            return None
        if record.get("deleted") is True:
            return None
        if not self.is_ours(insert, record):
            raise Rejected(
                f"the {self.name} {key} exists in Chargebee, made from another record",
                field="/id",
                rule="duplicate_entry",
            )
        return record

    def key_for(self, insert: Insert) -> str:
        """Return the id that a record made from this origin has."""
        return derived_id(insert, self.id_limit)

    def is_ours(self, insert: Insert, record: Record) -> bool:
        """Return whether the record with the derived id was made from this origin."""
        return True

    def refers(self, name: str) -> bool:
        """Return whether a property holds the id of another record of Chargebee's."""
        return name in REFERENCES

    def can_leave_out(self, operation: str, error: Rejected) -> bool:
        """Not a reference to a record that is not there: that is to come first, or the reference is wrong.

        What the site has no feature for is no reference any more.
        """
        if isinstance(error, MissingReference):
            return False
        if error.rule == "configuration_incompatible" and error.field:
            return error.field.split("/")[1] not in self.schema.get("required", ())
        return super().can_leave_out(operation, error)

    def check(self, operation: str, payload: Record) -> None:
        """E-mail addresses and codes, see `connectors.chargebee.rules`."""
        check_texts(payload)

    def same(self, path: Sequence[str | int], present: object, desired: object) -> bool:
        """Chargebee has no empty texts: an empty one clears the attribute."""
        return super().same(path, present, None if desired == "" else desired)

    def to_write(self, changes: Record) -> Record:
        """Return the changes of an update as Chargebee takes them: what has a default is set to that.

        `Rejected` for what is taken on create only, and for the emptying of what cannot be empty.
        """
        for name, value in changes.items():
            if name in self.create_only:
                raise refusal(name, f"can be set only when the {self.name} is created", "createOnly")
            if name in self.never_empty and value in (None, "", []):
                advice = "is not sent empty: empty it in Chargebee, or see CHARGEBEE_SEND_EMPTY"
                raise refusal(name, advice, "notEmpty")
        return {name: self._defaults.get(name) if value is None else value for name, value in changes.items()}

    def delete(self, key: str) -> Deletion:
        """`POST /<resource>/<key>/delete`; Chargebee's refusal is passed on as `Rejected`."""
        present = self.fetch(key)
        if self.entity(present)["_deleted"]:
            raise NotFound(f"{self.name} {key} is deleted already")
        path = f"/{self.resource}/{in_path(key)}/delete"
        return Deletion("delete", self.client.delete(path, self.name))


def _entity(record: Record, updated: str) -> Entity:
    deleted = record.get("deleted") is True or record.get("status") == "deleted"
    return {"_id": record["id"], "_updated": updated, "_deleted": deleted, **record}


def overlay(present: object, merged: object) -> Record | None:
    """Return a nested value to write whole.

    The merged one, with an empty value for every part that it dropped.

    Whether Chargebee replaces nested values or merges them, the outcome is the same.
    """
    if merged is None and not isinstance(present, dict):
        return None
    have = present if isinstance(present, dict) else {}
    want = merged if isinstance(merged, dict) else {}
    parts = {**want, **{name: None for name in have if name not in want}}
    return {
        name: value
        for name, value in parts.items()
        if name not in _UNSENT and (value not in (None, "") or name not in _UNSENT_EMPTY)
    }
