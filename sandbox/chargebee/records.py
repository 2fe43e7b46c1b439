"""What the site keeps: the record types, their list keys, and one write with the events it raises."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cached_property

from sandbox.chargebee.errors import duplicate, not_found
from sandbox.chargebee.facts import holds, imitates
from sandbox.chargebee.site import SITE_SETTING, SiteConfiguration
from sandbox.common.state import KeyFunction, KeyValue, Record, Transaction

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
EVENTS_OF = "occurred_at/"
"""Prefix of the key that orders the events of one type."""


def _keys(*names: str) -> KeyFunction:
    def keys(record: Record) -> Mapping[str, KeyValue]:
        found: dict[str, KeyValue] = {name: record[name] for name in names if record.get(name) is not None}
        for moment in ("updated_at", "created_at"):
            if moment in names:
                found.setdefault(moment, 0)
        return found

    return keys


def _event_keys(record: Record) -> Mapping[str, KeyValue]:
    moment = record["occurred_at"]
    return {"id": record["id"], "occurred_at": moment, EVENTS_OF + record["event_type"]: moment}


KEYS: dict[str, KeyFunction] = {
    "customer": _keys("id", "created_at", "updated_at", "email", "business_entity_id"),
    "business_entity": _keys("id", "name"),
    "business_entity_transfer": _keys("id", "created_at"),
    "item_family": _keys("id", "name", "updated_at"),
    "item": _keys("id", "name", "updated_at", "item_family_id"),
    "item_price": _keys("id", "name", "updated_at", "item_id"),
    "invoice": _keys("id", "date", "updated_at", "customer_id"),
    "order": _keys("id", "created_at", "updated_at", "invoice_id", "customer_id"),
    "event": _event_keys,
    "webhook_endpoint": _keys("id"),
    "mail": _keys("id"),
    "idempotency": _keys("at"),
}


_LATE = ("deleted", "item_applicability")
"""Attributes that older items have never got."""


@imitates("no-value-no-attribute", "answers-are-json", "older-items-lack-deleted")
def public(record: Record) -> Record:
    """Return a record as a client sees it: no nulls, none of the sandbox's own notes (`_…`)."""
    shown = {name: value for name, value in record.items() if value is not None and not name.startswith("_")}
    if "line_items" in shown:
        shown["line_items"] = [public(line) for line in shown["line_items"]]
    if record.get("_older") and not record.get("deleted") and holds("older-items-lack-deleted"):
        shown = {name: value for name, value in shown.items() if name not in _LATE}
    if not holds("answers-are-json"):
        shown.pop("object", None)
    if not holds("no-value-no-attribute") and record.get("object") == "customer":
        return {"first_name": None, "last_name": None, "company": None, **shown}
    return shown


class Write:
    """One write: its transaction, its instant, what it stores and the events it raises.

    `source` and `user` are what the events say about who did it (`api`, `admin_console`).
    """

    def __init__(self, tx: Transaction, source: str = "api", user: str | None = "full_access_key_v1") -> None:
        self.tx = tx
        self.source = source
        self.user = user
        self.context: str | None = None
        self.may_mail = False
        self.events: list[Record] = []
        self.now_ms = tx.wall_us() // 1000

    @cached_property
    def site(self) -> SiteConfiguration:
        """The site's configuration."""
        return SiteConfiguration.parse(self.tx.setting(SITE_SETTING) or {})

    @property
    def now(self) -> int:
        """The instant of this write in seconds, as timestamps are given."""
        return self.now_ms // 1000

    def new_id(self, prefix: str = "") -> str:
        """Return a generated id of the kind that Chargebee makes."""
        return prefix + "".join(random.choices(_ALPHABET, k=16))

    @imitates("mails-can-be-kept-back")
    def mail(self, kind: str, customer: Record | None, about: str) -> None:
        """Note that the site would tell a customer by e-mail, if it does so about this kind of thing."""
        to = (customer or {}).get("email")
        if to and kind in self.site.mails and (self.may_mail or not holds("mails-can-be-kept-back")):
            number = f"mail_{self.tx.next('mail'):09d}"
            self.tx.put("mail", number, {"id": number, "to": to, "kind": kind, "about": about})

    @imitates("missing-record-is-404")
    def get(self, kind: str, record_id: str, param: str | None = None) -> Record:
        """Return a living record, within the business entity context if there is one.

        ApiError 404 otherwise.
        """
        record = self.tx.get(kind, record_id)
        if record is None or record.get("deleted") or not in_context(record, self.context):
            raise not_found(kind.replace("_", " ").capitalize(), record_id, param)
        return record

    @imitates("taken-id-is-duplicate", "deleted-customer-keeps-its-id", "deleted-item-frees-its-id")
    def ensure_free(self, kind: str, record_id: str, reusable: bool = False) -> None:
        """Refuse an id that is taken; `reusable` ids are free again once their record is deleted."""
        record = self.tx.get(kind, record_id)
        frees = reusable and holds("deleted-item-frees-its-id")
        frees = frees or (kind == "customer" and not holds("deleted-customer-keeps-its-id"))
        if record is not None and not (frees and record.get("deleted")):
            raise duplicate("id", record_id)

    @imitates("versions-are-milliseconds", "no-feature-no-business-entity-id")
    def save(
        self, kind: str, record: Record, *event_types: str, moves: bool = True, **extra: object
    ) -> Record:
        """Stamp and store a record and raise the events; answers the stored record.

        `resource_version` is the instant in milliseconds and grows with every change of the record.
        """
        if not self.site.multiple_business_entities:
            shown = None if holds("no-feature-no-business-entity-id") else self.site.domain
            record["business_entity_id"] = shown
        before = self.tx.get(kind, record["id"]) or {}
        changed = {name: value for name, value in record.items() if value != before.get(name)}
        self.site.rewrite(kind, changed)
        record |= changed
        version = max(self.now_ms, before.get("resource_version", 0) + 1)
        record["resource_version"] = version if holds("versions-are-milliseconds") else version // 1000
        if moves:
            record["updated_at"] = version // 1000
        record.setdefault("object", kind)
        self.tx.put(kind, record["id"], {name: value for name, value in record.items() if value is not None})
        for event_type in event_types:
            self.raise_event(event_type, {kind: public(record), **extra}, version // 1000)
        return record

    @imitates("each-change-has-an-event")
    def raise_event(self, event_type: str, content: Record, occurred_at: int) -> None:
        """Store an event with its snapshot; ids ascend in the order of occurrence."""
        if not holds("each-change-has-an-event"):
            return
        event: Record = {
            "id": f"ev_{self.tx.next('event'):012d}",
            "occurred_at": occurred_at,
            "source": self.source,
            "user": self.user,
            "object": "event",
            "api_version": "v2",
            "event_type": event_type,
            "webhook_status": "not_configured",
            "content": content,
        }
        self.tx.put("event", event["id"], public(event))
        self.events.append(event)


def in_context(record: Record, business_entity_id: str | None) -> bool:
    """Return whether a record may be seen with the given `chargebee-business-entity-id` header.

    None: without that header.
    """
    return business_entity_id is None or record.get("business_entity_id") == business_entity_id
