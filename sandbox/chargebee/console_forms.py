"""What people can type in the console: the forms, in the parameters of the API's own calls."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from core.jsonio import Json
from sandbox.chargebee import business_entities, catalogue, customers, invoices, orders, parameters, specs
from sandbox.chargebee.errors import blank, wrong_value
from sandbox.chargebee.facts import imitates
from sandbox.chargebee.forms import decode
from sandbox.chargebee.records import Write
from sandbox.common.state import Record

Act = Callable[[Write, str, dict[str, Any]], Record]
"""`act(write, id, values)`; the id is "" where a record is made."""

_ADDRESS = ("first_name", "last_name", "company", "line1", "line2", "zip", "city", "state_code", "country")
_PERSON = ("first_name", "last_name", "email", "phone", "company")
_ITEM = ("name", "external_name", "description", "item_family_id", "unit", "is_shippable", "metadata")
_PRICE = ("name", "description", "price", "pricing_model", "accounting_detail[sku]", "is_taxable")
_TERMS = ("net_term_days", "locale", "preferred_currency_code", "taxability", "meta_data")
_SHIPPING = tuple(f"shipping_address[{part}]" for part in _ADDRESS)
_BILLING = tuple(f"billing_address[{part}]" for part in _ADDRESS)
_LINE = ("description", "entity_id", "quantity", "unit_amount")
_LINES = tuple(f"line_items[{part}][{row}]" for row in range(3) for part in _LINE)
ENTITY_SPEC = {"name": "string 100", "status": "enum active inactive", "id": "string 50"}


@dataclass(frozen=True)
class Form:
    """One form: what it is called, the API's call whose parameters it takes, and what it does.

    `whole`: all that has a value is sent, not only what was changed. `complete` adds to what was typed what
    the call wants besides.
    """

    name: str
    title: str
    call: str
    fields: tuple[str, ...]
    act: Act
    whole: bool = False
    warning: str = ""
    complete: Callable[[dict[str, str]], dict[str, str]] = dict


@dataclass(frozen=True)
class Control:
    """One input of a form: its parameter, what is in it, its kind in the specs and what may be chosen."""

    name: str
    label: str
    value: str
    kind: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One kind of record in the console: path, columns of its list, the form that makes one, the others."""

    path: str
    kind: str
    title: str
    columns: tuple[str, ...]
    create: Form
    forms: tuple[Form, ...]


def kind_of(form: Form, name: str) -> str:
    """Return a parameter's kind in the specs, such as `string 50`."""
    if form.call == "":
        return ENTITY_SPEC[name]
    known = specs.operation(form.call)["parameters"]
    head, *rest = name.replace("]", "").split("[")
    if rest and f"{head}[]" in known:
        return str(known[f"{head}[]"][rest[0]])
    if rest:
        shape = specs.address_parameters() if known[head] == "@address" else known[head]
        return str(shape[rest[0]])
    return str(known[head])


def controls(form: Form, record: Mapping[str, object], typed: Mapping[str, str]) -> Iterator[Control]:
    """Yield the inputs of a form, with what was typed if it was refused, else what the record has."""
    for name in form.fields:
        kind = kind_of(form, name)
        word, _, rest = kind.partition(" ")
        choices = {"enum": tuple(rest.split()), "boolean": ("true", "false")}.get(word, ())
        value = typed.get(name, shown(record, name, word))
        yield Control(name, label(name, word), value, word, choices)


def label(name: str, kind: str) -> str:
    """`billing_address[line1]` as `billing address: line 1`, with the unit of amounts."""
    head, *rest = name.replace("]", "").split("[")
    words = [head.replace("_", " "), *(part.replace("_", " ") for part in rest if not part.isdigit())]
    row = f" {int(rest[-1]) + 1}" if rest and rest[-1].isdigit() else ""
    unit = " (smallest unit)" if rest[:1] == ["unit_amount"] or head == "price" else ""
    when = " (UTC)" if kind == "timestamp" else ""
    of = f"{words[0].replace('line items', 'line')}{row}: " if rest else words[0]
    return f"{of}{' '.join(words[1:])}{unit}{when}"


def shown(record: Mapping[str, object], name: str, kind: str) -> str:
    """Return a value of a record as the form shows it."""
    value: Any = record
    for part in name.replace("]", "").split("["):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    if kind == "timestamp":
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M")
    if kind == "json":
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def read(form: Form, record: Mapping[str, object], typed: Mapping[str, str]) -> Json:
    """Return the parameters that a filled-in form stands for. ApiError for what the API would refuse."""
    sent: dict[str, str] = {}
    for name in form.fields:
        if name not in typed:
            continue
        word = kind_of(form, name).partition(" ")[0]
        text = typed[name].replace("\r\n", "\n")
        before = shown(record, name, word)
        if text != before or (form.whole and text):
            sent[name] = _sent(name, word, text)
    fields = decode(urlencode(form.complete(sent)))
    if form.call == "":
        return {each.name: parameters.convert(ENTITY_SPEC[each.name], each) for each in fields}
    return parameters.check(form.call, fields)


@imitates("values-are-checked")
def _sent(name: str, kind: str, text: str) -> str:
    """Return what was typed as the API takes it."""
    if kind != "timestamp" or not text:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise wrong_value(name, "should be a date such as 2026-01-31T12:00") from None
    return str(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))


def _create(handler: Callable[[Write, dict[str, object]], Record]) -> Act:
    return lambda write, _, values: handler(write, values)


def _as_invoice(sent: dict[str, str]) -> dict[str, str]:
    """Return what was typed of an order as the invoice that it is to be made of."""
    rows = [row for row in range(3) if sent.get(f"line_items[description][{row}]")]
    kept = {name: text for name, text in sent.items() if not name.startswith("line_items[")}
    total = 0
    for place, row in enumerate(rows):
        line = {part: sent.get(f"line_items[{part}][{row}]", "") for part in _LINE}
        line["quantity"] = line["quantity"] or "1"
        line["entity_type"] = "charge_item_price" if line["entity_id"] else "adhoc"
        total += _whole(line["quantity"]) * _whole(line["unit_amount"])
        kept |= {f"line_items[{part}][{place}]": text for part, text in line.items() if text}
    now = str(int(datetime.now(UTC).timestamp()))
    return {
        "id": f"console-{uuid.uuid4().hex[:8]}",
        "date": now,
        **kept,
        "total": str(total),
        "status": "posted",
    }


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


@imitates("invoice-needs-a-line")
def _new_order(write: Write, _: str, values: dict[str, object]) -> Record:
    """Make an order the way a site does: of an invoice, whose lines it takes over."""
    if not values.get("line_items"):
        raise blank("line_items[description][0]")
    invoice = invoices.import_invoice(write, values)
    order = {
        "invoice_id": invoice["id"],
        "status": "queued",
        "created_at": write.now,
        "order_date": invoice["date"],
        "shipping_date": invoice["date"],
    }
    return orders.import_order(write, order)


def _create_entity(write: Write, _: str, values: dict[str, object]) -> Record:
    return business_entities.create(write, {key: value for key, value in values.items() if value is not None})


def _delete(handler: Act, warning: str = "") -> Form:
    return Form("delete", "Delete", "", (), handler, warning=warning)


KINDS = (
    Kind(
        "business_entities",
        "business_entity",
        "Business entities",
        ("id", "name", "status", "updated_at"),
        Form("create", "New business entity", "", ("name", "status"), _create_entity),
        (
            Form("update", "Business entity", "", ("name", "status"), business_entities.update),
            _delete(lambda write, record_id, _: business_entities.delete(write, record_id)),
        ),
    ),
    Kind(
        "customers",
        "customer",
        "Customers",
        ("id", "first_name", "last_name", "email", "company", "business_entity_id", "updated_at"),
        Form(
            "create",
            "New customer",
            "POST /customers",
            ("id", *_PERSON, *_TERMS, "business_entity_id", "vat_number", *_BILLING),
            _create(customers.create),
            whole=True,
        ),
        (
            Form("update", "Customer", "POST /customers/{id}", (*_PERSON, *_TERMS), customers.update),
            Form(
                "billing",
                "Billing information",
                "POST /customers/{id}/update_billing_info",
                ("vat_number", "vat_number_prefix", "business_customer_without_vat_number", *_BILLING),
                customers.update_billing_info,
                whole=True,
            ),
            _delete(customers.delete, "Its invoices and orders are deleted with it."),
        ),
    ),
    Kind(
        "items",
        "item",
        "Items",
        ("id", "name", "type", "status", "item_family_id", "updated_at"),
        Form(
            "create",
            "New item",
            "POST /items",
            ("id", "type", *_ITEM),
            _create(catalogue.create_item),
            whole=True,
        ),
        (
            Form("update", "Item", "POST /items/{id}", (*_ITEM, "status"), catalogue.update_item),
            _delete(catalogue.delete_item),
        ),
    ),
    Kind(
        "item_prices",
        "item_price",
        "Item prices",
        ("id", "name", "item_id", "price", "currency_code", "accounting_detail.sku", "status", "updated_at"),
        Form(
            "create",
            "New item price",
            "POST /item_prices",
            ("id", "item_id", "currency_code", *_PRICE, "period", "period_unit"),
            _create(catalogue.create_price),
            whole=True,
        ),
        (
            Form(
                "update",
                "Item price",
                "POST /item_prices/{id}",
                (*_PRICE, "currency_code", "period", "period_unit", "status"),
                catalogue.update_price,
            ),
            _delete(catalogue.delete_price),
        ),
    ),
    Kind(
        "orders",
        "order",
        "Orders",
        ("id", "reference_id", "customer_id", "status", "total", "currency_code", "order_date", "updated_at"),
        Form(
            "create",
            "New order",
            "POST /invoices/import_invoice",
            ("id", "customer_id", "currency_code", "date", "due_date", *_LINES, *_SHIPPING),
            _new_order,
            whole=True,
            complete=_as_invoice,
        ),
        (
            Form(
                "update",
                "Order",
                "POST /orders/{id}",
                (
                    *("status", "reference_id", "note", "order_date", "shipping_date", "shipped_at"),
                    *("delivered_at", "tracking_id", "tracking_url", "shipment_carrier", *_SHIPPING),
                ),
                orders.update,
            ),
            Form(
                "cancel",
                "Cancel the order",
                "POST /orders/{id}/cancel",
                ("cancellation_reason",),
                orders.cancel,
            ),
            Form("reopen", "Reopen", "", (), orders.reopen),
            _delete(orders.delete),
        ),
    ),
)
BY_PATH = {kind.path: kind for kind in KINDS}
