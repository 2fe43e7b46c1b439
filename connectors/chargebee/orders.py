"""Orders. Chargebee makes them from invoices; the way in is to import an invoice, then an order against it.

Both ids are derived, so neither a repeated call nor an order that the site generated itself makes a twin.
Lines, prices, customer and currency are fixed then; what can change is how the order is fulfilled.
"""

from __future__ import annotations

import time

from connectors.chargebee.addresses import address_to_write
from connectors.chargebee.client import Chargebee
from connectors.chargebee.datatype import ChargebeeDatatype
from connectors.chargebee.feeds import records
from connectors.chargebee.forms import in_path
from connectors.chargebee.imports import invoice_ids, invoice_of
from connectors.chargebee.invoices import OPEN, Invoices
from connectors.chargebee.order_item import OrderItem, is_shippable
from connectors.chargebee.responses import MissingReference
from connectors.chargebee.rules import refusal
from connectors.chargebee.settings import ChargebeeSettings
from connectors.common import pointers
from connectors.common.datatype import Deletion, Insert, Record, Reported, with_answer_of
from connectors.common.errors import AlreadyExists, NotFound, Pending, Rejected
from core.dotted import has_path

CANCELLED = "cancelled"
_LINE_FIELDS = ("sku", "status")
_FROM_INVOICE = frozenset(
    ("order_line_items", "currency_code", "sub_total", "tax", "total", "payment_status", "billing_address")
    + ("due_date",)
)  # fmt: skip
"""Properties of a new order that go into its invoice; addresses go into both."""

_ESSENTIAL = _FROM_INVOICE - {"billing_address"} | {"order_date", "shipping_date", "created_at"}
_CANCELLATION = ("status", "cancellation_reason", "cancelled_at")
_NO_INVOICE = "no-invoice"
"""The id of an invoice that no site has."""


class Orders(ChargebeeDatatype):
    """`/orders`; made from ERP orders and quotes."""

    name = "order"
    resource = "orders"
    id_limit = 40
    line_keys = {"order_line_items": "id"}

    def __init__(self, client: Chargebee, settings: ChargebeeSettings) -> None:
        super().__init__(client, settings)
        self._invoices = Invoices(client)
        self._item = OrderItem(client, settings)
        self._shippable_only = settings.order_lines == "shippable"
        self._takes_orders = self.is_dry_run

    def shows(self, record: Record) -> bool:
        """Not an order that is sent again: the sale is the first one, a second would be booked twice.

        `is_resent`, https://apidocs.chargebee.com/docs/api/orders.
        """
        return record.get("is_resent") is not True

    def find_own(self, insert: Insert) -> Record | None:
        """Return the order of the derived invoice, whoever made it; else the order with the derived id."""
        return self._of_invoice(insert) or super().find_own(insert)

    def is_ours(self, insert: Insert, record: Record) -> bool:
        """By the invoice it was imported against."""
        return record.get("invoice_id") in invoice_ids(self.key_for(insert))

    def check(self, operation: str, payload: Record) -> None:
        """Refuse an order that is cancelled before Chargebee knew it."""
        super().check(operation, payload)
        if operation == "insert" and payload.get("status") == CANCELLED:
            problem = "is cancelled: such an order is not imported, since nobody owes its invoice"
            raise refusal("status", problem, "not-imported")

    def can_leave_out(self, operation: str, error: Rejected) -> bool:
        """Not of a new order: amounts and lines, which only make sense together, and its dates."""
        root = (error.field or "").split("/")[1:2]
        return super().can_leave_out(operation, error) and not (
            operation == "insert" and root and root[0] in _ESSENTIAL
        )

    def create(self, insert: Insert) -> Record:
        """Import the invoice unless it is there, then the order, and mark its lines with SKU and status.

        `Pending` while the customer is missing. An order that cannot be imported leaves no open invoice.
        """
        with self.client.customer_lock(str(insert.payload["customer_id"])):
            self._refuse_twin(insert)
            self._ensure_orders(insert)
            record = self._imported(insert, self._shippable_only)
            return self._with_lines(insert, self._marked(record, insert.payload))

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """`POST /orders/{id}`, with calls of their own for cancelling and reopening.

        Of lines only changed SKUs and statuses are sent.
        """
        changes = self.to_write(_without_reason(present, changes))
        if "shipping_address" in changes:
            before = present.get("shipping_address")
            changes["shipping_address"] = address_to_write(before, changes["shipping_address"])
        if "order_line_items" in changes:
            have = present.get("order_line_items", [])
            rows = _changed_lines(have, changes.pop("order_line_items") or [])
            changes |= {"order_line_items": rows} if rows else {}
        if not changes:
            return present
        if "payment_status" in changes:
            present = self._paid(present, changes.pop("payment_status"))
        with self.client.customer_lock(str(present.get("customer_id", ""))):
            was, becomes = present.get("status"), changes.get("status", present.get("status"))
            if becomes == CANCELLED != was:
                return self._cancel(present, changes)
            if was == CANCELLED != becomes:
                return self._reopen(present, changes)
            return self._plain(present, changes)

    def delete(self, key: str) -> Deletion:
        """`POST /orders/{id}/delete`, which takes imported orders only; then nobody owes the invoice."""
        present = self.fetch(key)
        done = super().delete(key)
        problem = self._settle(present, "The order of this invoice was deleted")
        if problem and done.record is not None:
            return Deletion(done.operation, Reported(done.record, [_of_invoice(present, problem)]))
        return done

    def withdraw(self, insert: Insert) -> Deletion:
        """Void the invoice that an import left which died before its order.

        An order that is there after all stays.
        """
        if (self._of_invoice(insert) or super().find_own(insert)) is not None:
            return Deletion("none")
        key = self.key_for(insert)
        left = self._invoices.left(invoice_ids(key))
        problems = [self._invoices.give_up(invoice) for invoice in left]
        if any(problems):
            detail = " ".join(f"The order was not made, but {problem}" for problem in problems if problem)
            raise Pending(detail, field="/invoice_id", rule="invoice")
        return Deletion("delete" if left else "none")

    # --- import

    def _ensure_orders(self, insert: Insert) -> None:
        """Refuse an order on a site that takes none, before an invoice is made for it.

        Nothing tells whether Orders is on but a call about orders. So one is imported for an invoice that is
        not there, until a site says that nothing but that is wrong, or has taken an order: once a process.
        """
        if self._takes_orders:
            return
        try:
            order = self._order_of(insert, _NO_INVOICE)
            self.client.create("/orders/import_order", self.name, order)
        except NotFound:
            self._takes_orders = True  # should a site not say which parameter names nothing
        except Rejected as error:
            if error.rule == "configuration_incompatible" and error.field is None:
                error.detail = f"{error.detail} Switch Orders on there, or set `orders` to `link-only`."
                raise
            self._takes_orders = error.field == "/invoice_id"

    def _refuse_twin(self, insert: Insert) -> None:
        if self._of_invoice(insert) is not None:
            raise AlreadyExists("the invoice has an order already", rule="duplicate_entry")

    def _of_invoice(self, insert: Insert) -> Record | None:
        ids = ",".join(f'"{one}"' for one in invoice_ids(self.key_for(insert)))
        params = [("invoice_id[in]", f"[{ids}]"), ("limit", "100")]
        found = records(self.client.get("/orders", params, operation="list order of invoice"), self.name)
        return next(filter(self.shows, found), None)

    def _imported(self, insert: Insert, shippable_only: bool) -> Record:
        invoice = self._import_invoice(insert, shippable_only)
        if any(line.get("entity_id") for line in invoice.get("line_items", [])):
            self._refuse_twin(insert)  # the site makes orders of shippable lines itself
        try:
            order = self._order_of(insert, str(invoice["id"]))
            return self.client.create("/orders/import_order", self.name, order)
        except Rejected as error:
            is_settled = self._give_up(insert, invoice, error)
            if shippable_only or not is_settled or not self._may_want_shippable(insert, error):
                raise
            return self._imported_otherwise(insert, error)

    def _may_want_shippable(self, insert: Insert, error: Rejected) -> bool:
        """Return whether an order may have been refused because no line of it is shippable.

        Whether a site wants that is documented nowhere, nor how it would say so; so it is whatever refusal
        blames the invoice or nothing at all.
        """
        has_other_lines = not all(is_shippable(row) for row in insert.payload["order_line_items"])
        may_be = self.settings.order_lines == "auto" and error.field in (None, "/invoice_id")
        return may_be and has_other_lines

    def _imported_otherwise(self, insert: Insert, error: Rejected) -> Record:
        """Import once more, with lines of shippable items only; the first refusal if that changes nothing."""
        try:
            record = self._imported(insert, shippable_only=True)
        except Rejected:
            raise error from None
        self._shippable_only = True
        return record

    def _with_lines(self, insert: Insert, record: Record) -> Record:
        """Return the record; what a person must know if the site kept only a part of the lines.

        The next orders have shippable lines only.
        """
        rows = [row for row in insert.payload["order_line_items"] if row["amount"] >= 0]
        kept = len(record.get("order_line_items", []))
        if kept >= len(rows):
            return record
        self._shippable_only = self._shippable_only or self.settings.order_lines == "auto"
        detail = (
            f"Chargebee kept {kept} of {len(rows)} lines: orders of this site hold shippable items only."
            " The invoice has them all"
        )
        lines = {"field": "/order_line_items", "value": len(rows), "rule": "shippable", "detail": detail}
        return Reported(record, [lines])

    def _import_invoice(self, insert: Insert, shippable_only: bool) -> Record:
        payload, key = insert.payload, self.key_for(insert)
        if shippable_only:
            payload = {**payload, "order_line_items": self._item.shippable(payload)}
        status = "paid" if payload.get("payment_status") == "paid" else self.settings.invoice_status
        try:
            return self._invoices.import_(
                invoice_ids(key), invoice_of(key, payload, status, _placed(payload))
            )
        except MissingReference as missing:
            if (missing.field or "").startswith("/line_items/"):
                self._item.forget()
            if missing.field != "/customer_id":
                raise
            detail = f"the customer {payload['customer_id']} is not in Chargebee yet"
            raise Pending(detail, field="/customer_id", rule=missing.rule) from missing

    def _order_of(self, insert: Insert, invoice_id: str) -> Record:
        payload = insert.payload
        placed = _placed(payload)
        order = {name: value for name, value in payload.items() if name not in _FROM_INVOICE}
        for name in ("shipping_address", "billing_address"):
            if payload.get(name):
                order[name] = address_to_write(None, payload[name])
        return {
            "created_at": placed,
            "order_date": placed,
            "shipping_date": placed,
            **order,
            "id": self.key_for(insert),
            "invoice_id": invoice_id,
        }

    def _give_up(self, insert: Insert, invoice: Record, error: Rejected) -> bool:
        """Leave no claim behind, unless the import goes on without the property that was refused.

        Return whether none is left.
        """
        is_sent = has_path(insert.payload, pointers.dotted(error.field or ""))
        if is_sent and self.can_leave_out("insert", error):
            return False
        problem = self._invoices.give_up(invoice)
        if problem:
            error.detail = f"{error.detail} No order was made, but {problem}"
        return problem is None

    def _marked(self, record: Record, payload: Record) -> Record:
        """Say what the import could not: SKU and status of lines, and the reference if it was replaced."""
        wanted = [row for row in payload["order_line_items"] if row["amount"] >= 0]
        lines = record.get("order_line_items", [])
        if len(lines) < len(wanted):
            wanted = [row for row in wanted if is_shippable(row)]
        rows = _line_marks(lines, wanted) if len(lines) == len(wanted) else []
        changes: Record = {"order_line_items": rows} if rows else {}
        reference = payload.get("reference_id")
        if reference and record.get("reference_id") != reference:
            changes["reference_id"] = reference
        if not changes:
            return record
        return self.client.update(self._path(record), self.name, changes, record, is_new=True)

    # --- changes

    def _paid(self, present: Record, wanted: object) -> Record:
        """Tell Chargebee that an imported order was paid, or nobody would stop collecting its invoice.

        What else would change the payment status is up to Chargebee: `Rejected`.
        """
        field, problem = "payment_status", ""
        if wanted != "paid":
            problem = "cannot be taken back: refund or credit the payment in Chargebee"
        elif not self._is_imported(present):
            problem = "is Chargebee's to say, whose own invoice it is: record the payment there"
        if problem:
            raise refusal(field, problem, "payment")
        invoice = self._invoices.find(str(present["invoice_id"]))
        try:
            if invoice is None:
                raise Rejected(f"the invoice {present['invoice_id']} is gone")
            with self.client.customer_lock(str(present.get("customer_id", ""))):
                self._invoices.pay(invoice)
        except Rejected as error:
            problem = f"cannot be recorded: {error.detail}. Settle it in Chargebee"
            raise refusal(field, problem, "payment") from error
        return self.read_again(present, {field: wanted})

    def _path(self, record: Record) -> str:
        return f"/orders/{in_path(str(record['id']))}"

    def _plain(self, present: Record, changes: Record) -> Record:
        return self.client.update(self._path(present), self.name, changes, present) if changes else present

    def _cancel(self, present: Record, changes: Record) -> Record:
        """Settle the invoice, then cancel: a credit note of the cancellation would forbid to void it.

        https://apidocs.chargebee.com/docs/api/orders/cancel-an-order; the legacy order management has the
        status instead.
        """
        rest = {name: value for name, value in changes.items() if name not in _CANCELLATION}
        first = record = self._plain(present, rest)
        problem = self._settle(present, "The order of this invoice was cancelled")
        if problem is None and self._is_imported(present):
            record = self.read_again(record, {})  # voiding may have cancelled it
        # A reason that stands there already is as good as a given one: voiding would put in its own.
        said = {"cancellation_reason": present.get("cancellation_reason"), **changes}
        how = {name: said[name] for name in _CANCELLATION[1:] if said.get(name) is not None}
        if record.get("status") == CANCELLED:
            record = self._plain(record, {n: v for n, v in how.items() if record.get(n) != v})
        else:
            record = self._cancelled(record, {"cancellation_reason": "others", **how})
        # But of lines, which cancelling changes, the last answer counts.
        record = with_answer_of(first, rest.keys() - {"order_line_items"}, record)
        return Reported(record, [_of_invoice(present, problem)]) if problem else record

    def _cancelled(self, record: Record, how: Record) -> Record:
        foreseen = {"cancelled_at": int(time.time()), **how, "status": CANCELLED}
        try:
            path = f"{self._path(record)}/cancel"
            return self.client.update(path, self.name, how, record, foreseen=foreseen)
        except Rejected as error:
            return self._by_status(record, {"status": CANCELLED, **how}, error)

    def _reopen(self, present: Record, changes: Record) -> Record:
        """`POST /orders/{id}/reopen`, then what else changes; the legacy order management has the status."""
        try:
            path, params = f"{self._path(present)}/reopen", {"void_cancellation_credit_notes": True}
            foreseen = {"status": "queued", "cancelled_at": None, "cancellation_reason": None}
            record = self.client.update(path, self.name, params, present, foreseen=foreseen)
        except Rejected as error:
            return self._by_status(present, changes, error)
        record = self._plain(record, {n: v for n, v in changes.items() if record.get(n) != v})
        if not self._is_imported(present):
            return record
        invoice = self._invoices.find(str(present["invoice_id"]))
        if invoice is not None and invoice.get("status") != "voided":
            return record
        problem = f"the invoice {present['invoice_id']} was cancelled with the order: charge it again."
        return Reported(record, [_of_invoice(present, problem)])

    def _by_status(self, record: Record, changes: Record, error: Rejected) -> Record:
        """Update the status instead of the call that was refused with `error`.

        How a site with the legacy order management refuses that call is documented nowhere, so any refusal
        that blames no value is taken for it. If the update is refused too, it was something else.
        """
        if error.field is not None:
            raise error
        try:
            return self._plain(record, changes)
        except Rejected:
            raise error from None

    def _settle(self, order: Record, comment: str) -> str | None:
        """Void the invoice that was imported for an order; what a person must do, if anything is left."""
        if not self._is_imported(order):
            return None
        invoice = self._invoices.find(str(order["invoice_id"]))
        if invoice is None or (invoice.get("status") == "paid" and not invoice.get("amount_due")):
            return None  # a paid one is credited by cancelling the order
        if invoice.get("status") not in (*OPEN, "voided"):
            return None
        return self._invoices.void(invoice, comment)

    def _is_imported(self, order: Record) -> bool:
        return order.get("invoice_id") in invoice_ids(str(order["id"]))


def _of_invoice(order: Record, problem: str) -> Record:
    """Return what is reported beside a change of an order, about its invoice."""
    return {"field": "/invoice_id", "value": order.get("invoice_id"), "rule": "invoice", "detail": problem}


def _without_reason(present: Record, changes: Record) -> Record:
    """Return changes that do not ask to empty what reopening an order empties by itself."""
    is_reopened = present.get("status") == CANCELLED != changes.get("status", CANCELLED)
    emptied = {name for name in _CANCELLATION if is_reopened and changes.get(name) is None}
    return {name: value for name, value in changes.items() if name not in emptied}


def _placed(payload: Record) -> int:
    """When the order was placed, in seconds."""
    return int(payload.get("order_date") or payload.get("created_at") or time.time())


def _line_marks(present: list[Record], desired: list[Record]) -> list[Record]:
    """Return what is still to be said about the lines of a new order, which stand as in the invoice."""
    rows = []
    for line, wanted in zip(present, desired, strict=False):
        marks = _marks(line, wanted)
        if marks:
            rows.append({"id": line["id"], **marks})
    return rows


def _changed_lines(present: list[Record], merged: list[Record]) -> list[Record]:
    """Return the rows of an update; `Rejected` for lines that are new or differ in what the invoice fixed."""
    known = {line["id"]: line for line in present}
    rows = []
    for index, line in enumerate(merged):
        where = f"order_line_items/{index}"
        have = known.get(line.get("id"))
        if have is None:
            raise refusal(where, "is not a line of the order; lines come from the invoice", "createOnly")
        for name in line.keys() | have.keys():
            if name not in _LINE_FIELDS and line.get(name) != have.get(name):
                raise refusal(f"{where}/{name}", "is fixed: it comes from the invoice", "createOnly")
        marks = _marks(have, line)
        if marks:
            rows.append({"id": line["id"], **marks})
    return rows


def _marks(have: Record, want: Record) -> dict[str, object]:
    """Return what of a line is to be changed.

    A line always has a status: where none is wanted, it keeps its own.
    """
    return {
        name: want.get(name)
        for name in _LINE_FIELDS
        if (want.get(name) or None) != have.get(name) and (want.get(name) or name != "status")
    }
