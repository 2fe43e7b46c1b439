"""What the site would have done about money by now, for people and tests to look at: nobody is charged here.

`GET /_sandbox/collection`: which invoices it would charge and why, whom it would have mailed, and what its
accounting integration would have taken to the books.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from flask import Blueprint, Response, jsonify

from core.clock import now_us
from sandbox.chargebee import facts
from sandbox.chargebee.facts import holds, imitates
from sandbox.chargebee.site import SITE_SETTING, SiteConfiguration
from sandbox.common.iso import decimals
from sandbox.common.state import Record, State


def create_collection(state: State) -> Blueprint:
    """Return the blueprint for `/_sandbox/collection`."""
    bp = Blueprint("collection", __name__, url_prefix="/_sandbox/collection")

    @bp.get("")
    def show() -> Response:
        facts.turn_round(state.setting(facts.SETTING) or ())
        site = SiteConfiguration.parse(state.setting(SITE_SETTING) or {})
        return jsonify(
            charged=list(_charged(state)),
            mailed=[_bare(row.record) for row in state.scan("mail", "id", fresh=True)],
            booked=list(_booked(state)) if site.accounting_integration else [],
        )

    return bp


def _living(state: State) -> Iterator[Record]:
    return (row.record for row in state.scan("invoice", "date", fresh=True) if not row.record.get("deleted"))


@imitates("payment-due-is-collected")
def _charged(state: State) -> Iterator[dict[str, object]]:
    """Yield the invoices that would be collected or dunned now.

    Due and unpaid, or with a status that says so.
    """
    now = now_us() // 1_000_000
    for invoice in _living(state):
        if not invoice["amount_due"]:
            continue
        why = None
        if invoice["status"] in ("payment_due", "not_paid") and holds("payment-due-is-collected"):
            why = invoice["status"]
        elif invoice["status"] in ("posted", "payment_due", "not_paid") and invoice["due_date"] <= now:
            why = "overdue"
        if why:
            is_charged = _is_charged(state.get("customer", invoice["customer_id"]) or {})
            yield {
                "invoice": invoice["id"],
                "customer": invoice["customer_id"],
                "amount": _amount(invoice["amount_due"], invoice["currency_code"]),
                "why": why,
                "how": "charged" if is_charged else "dunned",
            }


@imitates("auto-collection-charges")
def _is_charged(customer: Record) -> bool:
    return customer.get("auto_collection") == "on" and holds("auto-collection-charges")


@imitates("imports-reach-the-accounting")
def _booked(state: State) -> Iterator[dict[str, object]]:
    if holds("imports-reach-the-accounting"):
        for invoice in _living(state):
            if invoice["status"] not in ("voided", "pending"):
                amount = _amount(invoice["total"], invoice["currency_code"])
                yield {"invoice": invoice["id"], "amount": amount}


@imitates("money-is-hundredths")
def _amount(amount: int, currency: str) -> str:
    places = min(decimals(currency), 2) if holds("money-is-hundredths") else decimals(currency)
    return f"{Decimal(amount).scaleb(-places)} {currency}"


def _bare(mail: Record) -> Record:
    return {name: mail[name] for name in ("to", "kind", "about")}
