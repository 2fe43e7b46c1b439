"""The product catalogue: items, their prices and their families."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import suppress

from connectors.chargebee.datatype import ChargebeeDatatype, overlay
from connectors.chargebee.feeds import EventFeed, Pages, records
from connectors.chargebee.forms import in_path
from connectors.chargebee.identity import derived_id, is_ours, linked
from connectors.chargebee.reading import Rows
from connectors.chargebee.responses import MissingReference
from connectors.chargebee.rules import check_description, refusal
from connectors.chargebee.tokens import Window
from connectors.common.datatype import Entity, Insert, Record
from connectors.common.errors import AlreadyExists, NotFound, Pending, Rejected

ORDER_ITEM = "erp-order-line"
"""Id of the item that order lines stand on (`connectors.chargebee.order_item`)."""

_FAMILY_LIMIT = 50
_WITH_DELETED = [("status[in]", '["active","archived","deleted"]')]


class ItemFamilies(ChargebeeDatatype):
    """`/item_families`. Their list cannot be sorted and hides deleted ones, so changes come from events."""

    name = "item_family"
    resource = "item_families"
    id_limit = _FAMILY_LIMIT

    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        """Return the whole list at first, then what the events say."""
        return self.reader.whole(self._rows, since, limit)

    def _rows(self, window: Window) -> Rows:
        size = self.settings.common.page_size
        if window.start is not None:
            return EventFeed(self.client, self.name).snapshots(window, size)
        pages = Pages(self.client, "/item_families", "list item_family").all([], size)
        return [
            (int(record.get("updated_at") or 0), record)
            for body in pages
            for record in records(body, self.name)
        ]

    def create(self, insert: Insert) -> Record:
        """`POST /item_families`."""
        return self.client.create("/item_families", self.name, {"id": self.key_for(insert), **insert.payload})

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """`POST /item_families/{id}`."""
        changes = self.to_write(changes)
        return self.client.update(f"/item_families/{in_path(key)}", self.name, changes, present)

    def ensure(self, family: str) -> str:
        """Return the id of the family that an item names; it is made, id and name alike, if it is not there.

        One whose letters are composed otherwise is the same family: macOS sends a letter and its mark.
        """
        spellings = {unicodedata.normalize(form, family) for form in ("NFC", "NFD")} - {family}
        for other in sorted(spellings):
            try:
                if self.entity(self.fetch(other))["_deleted"] is False:
                    return other
            except NotFound:
                continue
        with suppress(AlreadyExists):  # somebody has made it meanwhile
            self.client.create("/item_families", self.name, {"id": family, "name": family})
        return family


class Items(ChargebeeDatatype):
    """`/items`; made from ERP products."""

    name = "item"
    resource = "items"
    id_limit = 100
    deleted_too = _WITH_DELETED

    def is_ours(self, insert: Insert, record: Record) -> bool:
        """By the link in `metadata`."""
        return is_ours(insert, record.get("metadata"))

    def check(self, operation: str, payload: Record) -> None:
        """Refuse a description that is too long, counted without its tags."""
        super().check(operation, payload)
        check_description(payload)

    def shows(self, record: Record) -> bool:
        """Not the item that order lines stand on, which is no product."""
        return bool(record["id"] != ORDER_ITEM)

    def create(self, insert: Insert) -> Record:
        """`POST /items`; the family is made if it is missing, and an archived one takes a second call."""
        payload = {
            "type": "charge",
            "item_family_id": self.settings.item_family,
            **insert.payload,
            "id": self.key_for(insert),
            "metadata": linked(insert, insert.payload.get("metadata")),
        }
        status = payload.pop("status", None)
        record = self._created(payload, is_default="item_family_id" not in insert.payload)
        if status in (None, record.get("status")):
            return record
        path = f"/items/{in_path(str(record['id']))}"
        return self.client.update(path, self.name, {"status": status}, record, is_new=True)

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """`POST /items/{id}`; `status` archives and brings back."""
        changes = self.to_write(changes)
        path = f"/items/{in_path(key)}"
        try:
            return self.client.update(path, self.name, changes, present)
        except MissingReference as missing:
            family = self._ensure(missing, changes.get("item_family_id"))
            return self.client.update(path, self.name, {**changes, "item_family_id": family}, present)

    def _created(self, payload: Record, is_default: bool) -> Record:
        """`is_default`: the family is only the one for items that name none.

        Sites without families refuse it.
        """
        try:
            return self.client.create("/items", self.name, payload)
        except MissingReference as missing:
            payload["item_family_id"] = self._ensure(missing, payload["item_family_id"])
            return self.client.create("/items", self.name, payload, fresh=True)
        except Rejected as refused:
            no_feature = refused.field == "/item_family_id" and refused.rule == "configuration_incompatible"
            if not (is_default and no_feature):
                raise
            rest = {name: value for name, value in payload.items() if name != "item_family_id"}
            return self.client.create("/items", self.name, rest)

    def _ensure(self, missing: MissingReference, family: str | None) -> str:
        if missing.field != "/item_family_id" or not family:
            raise missing
        return ItemFamilies(self.client, self.settings).ensure(family)


class ItemPrices(ChargebeeDatatype):
    """`/item_prices`: one per item, currency and billing period."""

    name = "item_price"
    resource = "item_prices"
    id_limit = 100
    deleted_too = _WITH_DELETED

    def shows(self, record: Record) -> bool:
        """Not the prices that order lines stand on."""
        return record.get("item_id") != ORDER_ITEM

    def key_for(self, insert: Insert) -> str:
        """`product-P-1-NOK`, for a plan `product-P-1-NOK-1-month`."""
        parts = [insert.payload.get(name) for name in ("currency_code", "period", "period_unit")]
        return derived_id(insert, self.id_limit, "".join(f"-{part}" for part in parts if part))

    def is_ours(self, insert: Insert, record: Record) -> bool:
        """By the link in `metadata`."""
        return is_ours(insert, record.get("metadata"))

    def check(self, operation: str, payload: Record) -> None:
        """Refuse a description that is too long, counted without its tags."""
        super().check(operation, payload)
        check_description(payload)

    def create(self, insert: Insert) -> Record:
        """`POST /item_prices`; `Pending` while the item is missing."""
        payload = {
            "pricing_model": "per_unit",
            **insert.payload,
            "id": self.key_for(insert),
            "metadata": linked(insert, insert.payload.get("metadata")),
        }
        status = payload.pop("status", None)
        try:
            record = self.client.create("/item_prices", self.name, payload)
        except MissingReference as missing:
            if missing.field != "/item_id":
                raise
            detail = f"the item {payload['item_id']} is not in Chargebee yet"
            raise Pending(detail, field="/item_id", rule=missing.rule) from missing
        if status in (None, record.get("status")):
            return record
        path = f"/item_prices/{in_path(str(record['id']))}"
        return self.client.update(path, self.name, {"status": status}, record, is_new=True)

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """`POST /item_prices/{id}`; a price that is no single amount is not overwritten with one."""
        changes = self.to_write(changes)
        if "price" in changes and present.get("price") is None:
            kept = present.get("price_in_decimal") or present.get("pricing_model")
            raise refusal(
                "price", f"is left alone: in Chargebee it is {kept}, no whole amount", "price_in_decimal"
            )
        changes = {
            name: overlay(present.get(name), value) if name in ("accounting_detail", "tax_detail") else value
            for name, value in changes.items()
        }
        return self.client.update(f"/item_prices/{in_path(key)}", self.name, changes, present)
