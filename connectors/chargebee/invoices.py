"""Invoices of imported orders: made, given up, and settled when their order is cancelled.

An invoice is only the way in for an order, but it is a claim: nothing that nobody owes may be collected.
"""

from __future__ import annotations

from connectors.chargebee.client import Chargebee
from connectors.chargebee.forms import in_path
from connectors.common.datatype import Record
from connectors.common.errors import AlreadyExists, NotFound, Rejected

OPEN = ("posted", "payment_due", "not_paid")
"""States of an invoice that is still to be paid, and the only ones in which it can be voided
(https://apidocs.chargebee.com/docs/api/invoices/void-an-invoice)."""


class Invoices:
    """The calls about invoices that orders need."""

    def __init__(self, client: Chargebee) -> None:
        self._client = client

    def find(self, invoice_id: str) -> Record | None:
        """Return an invoice, None if there is none or it is deleted."""
        try:
            record = self._client.retrieve("invoices", "invoice", invoice_id)
        except NotFound:
            return None
        return None if record.get("deleted") is True else record

    def import_(self, ids: list[str], invoice: Record) -> Record:
        """Import under the first of `ids` that is free, or take over what an interrupted call left there."""
        for invoice_id in ids:
            try:
                return self._create({"id": invoice_id, **invoice})
            except AlreadyExists:
                left = self.find(invoice_id)
                if left is not None and left.get("status") != "voided":
                    return left
        raise Rejected(f"the invoices {', '.join(ids)} were voided or deleted", rule="invoice-given-up")

    def _create(self, invoice: Record) -> Record:
        """Import an invoice; one that is paid with its payment, if the site asks for that.

        Whether `status=paid` is enough is not documented (facts.json, paid-import-needs-no-payments).
        """
        path = "/invoices/import_invoice"
        try:
            return self._client.create(path, "invoice", invoice)
        except Rejected as error:
            is_asked = invoice["status"] == "paid" and (error.field or "").startswith("/payments")
            if not is_asked:
                raise
        payment = {"amount": invoice["total"], "payment_method": "other", "date": invoice["date"]}
        return self._client.create(path, "invoice", {**invoice, "payments": [payment]})

    def left(self, ids: list[str]) -> list[Record]:
        """Return those of the imported invoices `ids` that somebody may be charged for, in their order.

        Read one by one, since a list may lag behind; an id is used only after the one before it.
        """
        found = []
        for invoice_id in ids:
            try:
                record = self._client.retrieve("invoices", "invoice", invoice_id)
            except NotFound:
                break
            if record.get("deleted") is not True and record.get("status") != "voided":
                found.append(record)
        return found

    def pay(self, invoice: Record) -> None:
        """Record that what is due of an open invoice was paid outside Chargebee; `Rejected` for any other.

        https://apidocs.chargebee.com/docs/api/invoices/record-an-invoice-payment
        """
        if invoice.get("status") == "paid":
            return
        if invoice.get("status") not in OPEN:
            raise Rejected(f"the invoice {invoice['id']} is {invoice.get('status')}: nothing is to be paid")
        payment = {"transaction": {"payment_method": "other", "amount": invoice["amount_due"]}}
        path, foreseen = f"{_path(invoice)}/record_payment", {"status": "paid"}
        self._client.update(path, "invoice", payment, invoice, foreseen=foreseen)

    def give_up(self, invoice: Record) -> str | None:
        """Void an invoice that got no order, or delete it; what a person must do if neither can be done."""
        problem = self.void(invoice, "The order of this invoice could not be imported")
        if problem is None:
            return None
        try:
            self._client.delete(f"{_path(invoice)}/delete", "invoice")
        except Rejected as error:
            return f"{problem} It cannot be deleted either ({error.detail})"
        return None

    def void(self, invoice: Record, comment: str) -> str | None:
        """Void an open invoice; None once nobody can collect it, else what a person must do."""
        if invoice.get("status") == "voided":
            return None
        what = f"the invoice {invoice['id']} is {invoice.get('status')}"
        if invoice.get("status") not in OPEN:
            return f"{what}: credit or refund it in Chargebee if nobody owes it."
        try:
            path, foreseen = f"{_path(invoice)}/void", {"status": "voided"}
            self._client.update(path, "invoice", {"comment": comment}, invoice, foreseen=foreseen)
        except Rejected as error:
            return f"{what} and cannot be voided ({error.detail}): settle it in Chargebee."
        return None


def _path(invoice: Record) -> str:
    return f"/invoices/{in_path(str(invoice['id']))}"
