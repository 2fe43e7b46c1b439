"""What a record must be beyond its single fields: who an order is for, which status may follow which."""

from __future__ import annotations

from sandbox.common.state import Transaction
from sandbox.erp.checks import Draft, Values
from sandbox.erp.fields import TYPES
from sandbox.erp.problems import conflict
from sandbox.erp.totals import COMPANY_CURRENCY


def check_record(draft: Draft, kind: str) -> None:
    """Note the broken rules that concern several fields of one record."""
    record = draft.values
    if kind in ("contact", "employee") and not any(
        (record[name] or "").strip() for name in ("first_name", "last_name", "email")
    ):
        draft.refuse("last_name", "required", "a first name, a last name or an e-mail address is required")
    if kind in ("quote", "order") and not (record["customer_id"] or record["contact_id"]):
        draft.refuse("customer_id", "required", "a customer or a contact is required")
    if kind == "product":
        _check_product(draft)


def _check_product(draft: Draft) -> None:
    record = draft.values
    if record["is_shippable"] is None:
        record["is_shippable"] = record["type"] == "goods"
    period = (record["billing_period"], record["billing_period_unit"])
    if record["type"] != "subscription" and any(period):
        draft.refuse("billing_period", "subscription_only", "only a subscription has a billing period")
    elif any(period) and not all(period):
        draft.refuse("billing_period", "required", "billing period and its unit belong together")


def check_transition(kind: str, before: Values, after: Values) -> None:
    """Raise a conflict when the status may not follow the present one.

    Fulfilment may step back and forth, and anything may be cancelled and reopened; but what has left `draft`
    never becomes one again, and `ordered` is reached and kept by converting the quote alone.
    """
    old, new = before.get("status"), after.get("status")
    if old == new or kind not in ("quote", "order"):
        return
    if kind == "order" and new == "draft":
        raise conflict("status", "transition", f"an order in status {old} cannot become a draft again")
    if kind == "quote" and old == "ordered":
        raise conflict("status", "transition", "a quote that was ordered keeps its status")
    if kind == "quote" and new == "ordered":
        raise conflict("status", "transition", "a quote is ordered by POST /quotes/{id}/convert")


def fill_sale(tx: Transaction, draft: Draft, present: Values | None) -> None:
    """Complete a sale as an ERP's form does: the customer's currency, the line details of the product."""
    record = draft.values
    if record["currency"] is None:
        customer = tx.get("customer", record["customer_id"] or "")
        record["currency"] = (customer or {}).get("currency") or COMPANY_CURRENCY
    for line in record["lines"]:
        if line["status"] == "draft" and "order_number" in record:
            line["status"] = record["status"]  # a line is a draft only within a draft
    known = {line["line_id"] for line in (present or {}).get("lines", ())}
    for line in record["lines"]:
        if line["line_id"] not in known:
            _fill_line(tx, line, record)


def _fill_line(tx: Transaction, line: Values, record: Values) -> None:
    product = tx.get("product", line["product_id"]) if line["product_id"] else None
    if product is None and line["sku"]:
        product = next(iter(tx.find("product", "unique:sku", line["sku"])), None)
        line["product_id"] = product["id"] if product else None
    if product:
        line["sku"] = line["sku"] or product["sku"]
        line["description"] = line["description"] or product["name"]
        line["unit"] = line["unit"] or product["unit"]
        if line["tax_percent"] is None and line["tax_amount"] is None:
            line["tax_percent"] = product["tax_percent"]
    if line["status"] is None and "order_number" in record:
        line["status"] = record["status"]


def check_references(tx: Transaction, draft: Draft, kind: str, record_id: str) -> None:
    """Note references to records that are not there, deleted, or the record itself."""
    places = [(draft.values, TYPES[kind].fields, "")]
    line_fields = TYPES[kind].fields.get("lines")
    if line_fields and line_fields.nested:
        lines = enumerate(draft.values["lines"])
        places += [(line, line_fields.nested, f"lines.{place}.") for place, line in lines]
    for values, fields, path in places:
        for name, spec in fields.items():
            target = values[name]
            if spec.reference is None or target is None:
                continue
            if target == record_id:
                draft.refuse(path + name, "reference", "must not point to the record itself")
            elif (tx.get(spec.reference, target) or {"deleted_at": "never was"})["deleted_at"]:
                draft.refuse(path + name, "reference", f"there is no {spec.reference} {target}")
