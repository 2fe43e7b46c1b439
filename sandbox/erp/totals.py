"""Amounts: every money field in its currency's decimals, and the sums that the ERP computes itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from core.dotted import get_path
from sandbox.common.iso import decimals
from sandbox.erp.checks import Draft, Values
from sandbox.erp.fields import LINE, Field

COMPANY_CURRENCY = "NOK"


def quantum(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 1 for JPY, 0.01 for NOK, 0.001 for KWD."""
    return Decimal(1).scaleb(-decimals(currency))


def scale_money(draft: Draft, fields: Mapping[str, Field]) -> None:
    """Write every given amount with its currency's decimals; more decimals than those are a broken rule."""
    money = list(_money_fields(draft.values, fields))
    if not money or "currency" not in fields:
        return
    if any(values[name] is not None for values, name, _ in money) and draft.values["currency"] is None:
        draft.values["currency"] = COMPANY_CURRENCY
    if draft.values["currency"] is None:
        return
    unit = quantum(draft.values["currency"])
    for values, name, path in money:
        if values[name] is None:
            continue
        amount = Decimal(values[name])
        if amount != amount.quantize(unit):
            draft.refuse(path, "scale", f"has more decimals than {draft.values['currency']} has")
        values[name] = _write(amount, unit)


def _money_fields(values: Values, fields: Mapping[str, Field]) -> Iterator[tuple[Values, str, str]]:
    for name, spec in fields.items():
        if spec.is_money and not spec.computed:
            yield values, name, name
    for place, line in enumerate(values.get("lines", ())):
        for name, spec in LINE.items():
            if spec.is_money and not spec.computed:
                yield line, name, f"lines.{place}.{name}"


def compute_totals(draft: Draft) -> None:
    """Fill the amounts of the lines and of the whole quote or order.

    A line's tax is computed from its `tax_percent`; without one, the tax stated in `tax_amount` holds.
    """
    record = draft.values
    unit = quantum(record["currency"])
    net = tax = discount = Decimal(0)
    for line in record["lines"]:
        gross = Decimal(line["quantity"]) * Decimal(line["unit_price"])
        amount = _round(gross * (1 - Decimal(line["discount_percent"] or 0) / 100), unit)
        line["amount"] = _write(amount, unit)
        line["tax_amount"] = _write(_tax(line, amount, record["prices_include_tax"], unit), unit)
        net += amount
        tax += Decimal(line["tax_amount"])
        discount += _round(gross, unit) - amount
    if record["prices_include_tax"]:
        net -= tax
    sums = {"subtotal": net, "discount_amount": discount, "tax_amount": tax, "total": net + tax}
    record.update({name: _write(amount, unit) for name, amount in sums.items()})


def _tax(line: Values, amount: Decimal, is_included: bool, unit: Decimal) -> Decimal:
    if line["tax_percent"] is None:
        return Decimal(line["tax_amount"] or 0)
    share = Decimal(line["tax_percent"]) / 100
    return _round(amount * share / (1 + share) if is_included else amount * share, unit)


def check_claims(draft: Draft) -> None:
    """Refuse a write that states another value for a computed field than the ERP computes."""
    for path, claimed in draft.claims.items():
        actual = get_path(draft.values, path)
        if claimed is not None and not _same(claimed, actual):
            draft.refuse(path, "computed", f"is set by the ERP ({actual!r}) and cannot be written")


def _same(claimed: Any, actual: Any) -> bool:
    try:
        return claimed == actual or Decimal(claimed) == Decimal(actual)
    except (InvalidOperation, TypeError, ValueError):
        return False


def _round(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, ROUND_HALF_UP)


def _write(amount: Decimal, unit: Decimal) -> str:
    return format(_round(amount, unit) + 0, "f")
