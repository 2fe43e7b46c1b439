"""The item that order lines stand on where Chargebee's orders have lines of shippable items only.

Whether an imported order keeps other lines is documented nowhere. On sites where it does not, a line that
names no shippable item price names a price of this item, in its currency; what the line says and costs is its
own all the same.
"""

from __future__ import annotations

import threading

from connectors.chargebee.catalogue import ORDER_ITEM, ItemFamilies
from connectors.chargebee.client import Chargebee
from connectors.chargebee.responses import MissingReference
from connectors.chargebee.settings import ChargebeeSettings
from connectors.common.datatype import Record
from connectors.common.errors import AlreadyExists


class OrderItem:
    """Makes the item and its prices when they are first needed."""

    def __init__(self, client: Chargebee, settings: ChargebeeSettings) -> None:
        self._client = client
        self._settings = settings
        self._made: set[str] = set()
        self._lock = threading.Lock()

    def shippable(self, payload: Record) -> list[Record]:
        """Return the lines of an order's payload, each with the price of a shippable item."""
        rows = payload["order_line_items"]
        if all(is_shippable(row) for row in rows):
            return list(rows)
        price = self._price(str(payload["currency_code"]))
        named = {"entity_type": "charge_item_price", "entity_id": price}
        return [row if is_shippable(row) else {**row, **named} for row in rows]

    def forget(self) -> None:
        """Make the prices again when they are next needed: somebody has removed one."""
        with self._lock:
            self._made.clear()

    def _price(self, currency: str) -> str:
        price = f"{ORDER_ITEM}-{currency}"
        with self._lock:
            if price not in self._made:
                self._make(price, currency)
                self._made.add(price)
        return price

    def _make(self, price: str, currency: str) -> None:
        payload = {"id": price, "name": price, "item_id": ORDER_ITEM, "currency_code": currency, "price": 0}
        payload |= {"pricing_model": "per_unit", "external_name": "Order line"}
        try:
            self._client.create("/item_prices", "item_price", payload)
        except AlreadyExists:
            return
        except MissingReference as missing:
            if missing.field != "/item_id":
                raise
            self._make_item()
            self._client.create("/item_prices", "item_price", payload, fresh=True)

    def _make_item(self) -> None:
        family = self._settings.item_family
        ItemFamilies(self._client, self._settings).ensure(family)
        item = {"id": ORDER_ITEM, "name": ORDER_ITEM, "type": "charge", "item_family_id": family}
        try:
            self._client.create(
                "/items", "item", {**item, "is_shippable": True, "external_name": "Order line"}
            )
        except AlreadyExists:
            return


def is_shippable(row: Record) -> bool:
    """Return whether an order line names the price of a shippable item, or is a discount."""
    return row["amount"] < 0 or (bool(row.get("entity_id")) and row.get("is_shippable") is True)
