"""Kinds of pairs of which one side is deleted: how it is made, deleted, edited, made again, brought back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from tests.e2e.conftest import World
from tests.e2e.test_order_sync import LINES, unix

Record = dict[str, Any]
ERP, CHARGEBEE = 0, 1
PIPES = {
    "contact": ("customerp-contact", "chargebee-customer"),
    "employee": ("customerp-employee", "chargebee-customer"),
    "company": ("customerp-customer", "chargebee-business_entity"),
    "product": ("customerp-product", "chargebee-item"),
    "order": ("customerp-order", "chargebee-order"),
    "quote": ("customerp-quote", "chargebee-order"),
}
PATHS = {"company": ("customers", "business_entities"), "product": ("products", "items")}
OVER = ("archived", "inactive", "cancelled", "rejected")


@dataclass
class Pair:
    """Two linked records; `tag` is in their names, `deleted` the side on which one is deleted."""

    world: World
    kind: str
    deleted: int
    tag: str
    erp: str = ""
    chargebee: str = ""
    buyer: str = ""
    old: list[str] = field(default_factory=list)

    @property
    def paths(self) -> tuple[str, str]:
        """The collections of both."""
        if self.kind in ("contact", "employee"):
            return f"{self.kind}s", "customers"
        return PATHS.get(self.kind, (f"{self.kind}s", "orders"))

    def make(self) -> None:
        """Make it in the ERP; of a company both."""
        self.erp = self._made_in_erp("first")
        if self.kind == "company":
            self.world.chargebee.business_entity(f"{self.tag} AS")

    def link(self) -> None:
        """Read the key of the record in Chargebee, once there is one."""
        refs = self.world.erp.get(self.paths[0], self.erp)
        found = refs["business_entity_id"] if self.kind == "company" else refs["external_refs"]["chargebee"]
        assert found, f"{self.tag} has no counterpart"
        self.chargebee = found

    def _made_in_erp(self, note: str) -> str:
        erp, kind, tag = self.world.erp, self.kind, self.tag
        if kind in ("contact", "employee"):
            one = erp.create(f"{kind}s", first_name=tag, last_name=note, email=f"{tag}@delete.example")
        elif kind == "company":
            one = erp.create("customers", name=f"{tag} AS", currency="NOK", status="active", notes=note)
        elif kind == "product":
            price = {"unit_price": "1.00", "currency": "EUR"}
            one = erp.create("products", sku=tag, name=tag, type="goods", description=note, **price)
        else:
            buyer = erp.create("contacts", last_name="Buyer", email=f"{tag}.{note}@buyer.example")["id"]
            self.buyer = buyer
            sale: Record = {"status": "confirmed", "order_date": "2026-01-02", "order_number": tag}
            if kind == "quote":
                sale = {"status": "accepted", "quote_date": "2026-01-02", "quote_number": tag}
            one = erp.create(f"{kind}s", contact_id=buyer, currency="NOK", lines=LINES, note=note, **sale)
        return str(one["id"])

    def delete(self, side: int) -> None:
        """Delete the record on a side."""
        if side == ERP:
            self.world.erp.delete(self.paths[ERP], self.erp)
        elif self.kind == "company":
            url = f"{self.world.chargebee.root}/_sandbox/business_entities/{self.chargebee}"
            requests.delete(url, timeout=60).raise_for_status()
        else:
            if self.kind == "product":
                for each in self.world.chargebee.all("item_prices", **{"item_id[is]": self.chargebee}):
                    self.world.chargebee.post(f"item_prices/{each['id']}/delete")
            self.world.chargebee.post(f"{self.paths[CHARGEBEE]}/{self.chargebee}/delete")

    def edit(self, side: int) -> None:
        """Change a property on a side."""
        world, kind = self.world, self.kind
        name = {"product": "description", "company": "name"}.get(kind, "note")
        name = "last_name" if kind in ("contact", "employee") else name
        if side == ERP:
            world.erp.patch(self.paths[ERP], self.erp, **{name: f"{self.tag} edited"})
        elif kind == "company":
            world.chargebee.business_entity(f"{self.tag} edited", self.chargebee)
        else:
            world.chargebee.post(f"{self.paths[1]}/{self.chargebee}", **{name: f"{self.tag} edited"})

    def retire(self, side: int) -> None:
        """Archive or cancel the record on a side."""
        self._set(side, retired=True)

    def bring_back(self, side: int) -> None:
        """Take the record on a side into use again, if it is there and not in use."""
        if not all(map(self._is_in_use, self._live(side))):
            self._set(side, retired=False)

    def _set(self, side: int, retired: bool) -> None:
        world, kind = self.world, self.kind
        if kind in ("contact", "employee"):
            if side == ERP:
                world.erp.patch(self.paths[ERP], self.erp, active=not retired)
            else:
                theirs = world.chargebee.get("customers", self.chargebee)["meta_data"]
                theirs["customerp"]["active"] = not retired
                world.chargebee.post(f"customers/{self.chargebee}", meta_data=theirs)
            return
        words = {"company": ("active", "inactive"), "product": ("active", "archived")}
        words |= {"order": ("confirmed", "cancelled"), "quote": ("accepted", "rejected")}
        word = words[kind][retired]
        if side == ERP:
            world.erp.patch(self.paths[ERP], self.erp, status=word)
        elif kind == "company":
            world.chargebee.business_entity(f"{self.tag} AS", self.chargebee, status=word)
        elif kind == "product":
            world.chargebee.post(f"items/{self.chargebee}", status=word)
        elif retired:
            world.chargebee.change_order(self.chargebee, status="cancelled")
        else:
            world.chargebee.post(f"orders/{self.chargebee}/reopen")

    def make_again(self) -> None:
        """Make the deleted record once more, with the same match key."""
        side, tag, chargebee = self.deleted, self.tag, self.world.chargebee
        self.old.append(self.erp if side == ERP else self.chargebee)
        if side == ERP:
            self.erp = self._made_in_erp("second")
        elif self.kind == "company":
            self.chargebee = chargebee.business_entity(f"{tag} AS")["id"]
        elif self.kind == "product":
            self.chargebee = f"{tag}-2"
            chargebee.post("item_families", id=tag, name=tag)
            chargebee.post("items", id=f"{tag}-2", name=tag, type="charge", item_family_id=tag)
            price = {"currency_code": "EUR", "price": 100, "pricing_model": "per_unit"}
            named = {"id": f"{tag}-2-EUR", "name": f"{tag}-2-EUR", "item_id": f"{tag}-2"}
            chargebee.post("item_prices", **named, **price, accounting_detail={"sku": tag})
        elif self.kind in ("contact", "employee"):
            self.chargebee = f"{tag}-2"
            person = {"first_name": tag, "last_name": "second", "email": f"{tag}@delete.example"}
            chargebee.post("customers", id=f"{tag}-2", **person)
        else:
            self._order_in_chargebee()

    def _order_in_chargebee(self) -> None:
        tag, chargebee, day = self.tag, self.world.chargebee, unix("2026-01-02")
        payer = self.world.erp.get("contacts", self.buyer)["external_refs"]["chargebee"]
        line = {"description": "x", "unit_amount": 100, "quantity": 1, "amount": 100, "entity_type": "adhoc"}
        facts = {"customer_id": payer, "date": day, "total": 100, "currency_code": "NOK"}
        chargebee.post("invoices/import_invoice", id=f"i-{tag}-2", line_items=[line], **facts)
        order = {"id": f"{tag}-2", "invoice_id": f"i-{tag}-2", "customer_id": payer, "status": "queued"}
        dates = {"created_at": day, "order_date": day, "shipping_date": day}
        chargebee.post("orders/import_order", **order, **dates, reference_id=tag)
        self.chargebee = f"{tag}-2"

    # -- what became of it ---------------------------------------------------------------------------------

    def outcome(self) -> str:
        """Return what the sync did with the counterpart of what was deleted, in the words of the table."""
        side = 1 - self.deleted
        found = self._live(side)
        case = self._case(side)
        if self.old and len(found) == 1 and self._is_linked(found[0]):
            return "taken over" if self._is_in_use(found[0]) else "linked, not in use"
        if not found:
            return "nothing left"
        if len(found) > 1:
            in_use = [each for each in found if self._is_in_use(each)]
            return f"{len(in_use)} in use, {len(found) - len(in_use)} retired{case}"
        return f"stays{case}" if self._is_in_use(found[0]) else f"retired{case}"

    def _live(self, side: int) -> list[Record]:
        """Return the records on a side that have the name or key of this pair and are not deleted."""
        if side == ERP:
            found = [each for path in self._erp_paths() for each in self.world.erp.all(path)]
        elif self.kind == "company":
            url = f"{self.world.chargebee.root}/_sandbox/business_entities"
            found = requests.get(url, timeout=60).json()
        else:
            found = self.world.chargebee.all(self.paths[CHARGEBEE])
        key = self.tag.lower()
        names = ("email", "sku", "order_number", "quote_number", "reference_id", "name")
        mine = [each for each in found if any(self._starts(each.get(name), key) for name in names)]
        return [each for each in mine if not each.get("deleted") and each.get("status") != "deleted"]

    @staticmethod
    def _starts(value: Any, key: str) -> bool:
        return isinstance(value, str) and value.lower().replace("@", " ").split(" ")[0] == key

    def _erp_paths(self) -> tuple[str, ...]:
        """Return where it may be: what is made again in Chargebee becomes a contact or an order."""
        also = {"employee": "contacts", "contact": "employees", "quote": "orders"}
        return (self.paths[ERP], *([also[self.kind]] if self.kind in also else []))

    def _is_in_use(self, record: Record) -> bool:
        active = record.get("meta_data", {}).get("customerp", {}).get("active", record.get("active", True))
        return active is not False and record.get("status") not in OVER

    def _is_linked(self, left: Record) -> bool:
        """Return whether what was made again and what is left on the other side belong together."""
        one = left if self.deleted == CHARGEBEE else self.world.erp.get(self.paths[ERP], self.erp)
        links = one["business_entity_id"] if self.kind == "company" else one["external_refs"].get("chargebee")
        return links is not None and links == (self.chargebee if self.deleted == CHARGEBEE else left["id"])

    def _case(self, side: int) -> str:
        key = self.erp if side == ERP else self.chargebee
        row = self.world.shared(PIPES[self.kind][side], key) or {}
        return ", reported" if row.get("$status") in ("pending", "rejected", "conflict") else ""
