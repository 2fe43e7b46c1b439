"""Every call of the API: path, what it does and the key its answer comes under."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.chargebee import business_entities, catalogue, customers, invoices, orders, webhooks
from sandbox.chargebee.records import Write
from sandbox.common.state import Record

Handler = Callable[..., Record]
"""`handler(write, values)`, or `handler(write, record_id, values)` where the path names a record."""


@dataclass(frozen=True)
class Operation:
    """One POST: its path below `/api/v2`, the key of the answer and the function that carries it out."""

    path: str
    answers: str
    handler: Handler

    @property
    def rule(self) -> str:
        """Its rule for Flask; a slash in an id is sent as it is."""
        return self.path.replace("<record_id>", "<path:record_id>")

    @property
    def spec(self) -> str:
        """Its name in `specs/operations.json`."""
        return f"POST {self.path.replace('<record_id>', '{id}')}"


_ONE = "/<record_id>"
OPERATIONS = [
    Operation("/customers", "customer", customers.create),
    Operation(f"/customers{_ONE}", "customer", customers.update),
    Operation(f"/customers{_ONE}/update_billing_info", "customer", customers.update_billing_info),
    Operation(f"/customers{_ONE}/add_contact", "customer", customers.add_contact),
    Operation(f"/customers{_ONE}/update_contact", "customer", customers.update_contact),
    Operation(f"/customers{_ONE}/delete_contact", "customer", customers.delete_contact),
    Operation(f"/customers{_ONE}/clear_personal_data", "customer", customers.clear_personal_data),
    Operation(f"/customers{_ONE}/relationships", "customer", customers.relate),
    Operation(f"/customers{_ONE}/delete_relationship", "customer", customers.unrelate),
    Operation(f"/customers{_ONE}/delete", "customer", customers.delete),
    Operation("/business_entities/transfers", "business_entity_transfer", business_entities.transfer),
    Operation("/item_families", "item_family", catalogue.create_family),
    Operation(f"/item_families{_ONE}", "item_family", catalogue.update_family),
    Operation(f"/item_families{_ONE}/delete", "item_family", catalogue.delete_family),
    Operation("/items", "item", catalogue.create_item),
    Operation(f"/items{_ONE}", "item", catalogue.update_item),
    Operation(f"/items{_ONE}/delete", "item", catalogue.delete_item),
    Operation("/item_prices", "item_price", catalogue.create_price),
    Operation(f"/item_prices{_ONE}", "item_price", catalogue.update_price),
    Operation(f"/item_prices{_ONE}/delete", "item_price", catalogue.delete_price),
    Operation("/invoices/import_invoice", "invoice", invoices.import_invoice),
    Operation(f"/invoices{_ONE}/void", "invoice", invoices.void),
    Operation(f"/invoices{_ONE}/record_payment", "invoice", invoices.record_payment),
    Operation(f"/invoices{_ONE}/delete", "invoice", invoices.delete),
    Operation("/orders", "order", orders.create),
    Operation("/orders/import_order", "order", orders.import_order),
    Operation(f"/orders{_ONE}", "order", orders.update),
    Operation(f"/orders{_ONE}/cancel", "order", orders.cancel),
    Operation(f"/orders{_ONE}/reopen", "order", orders.reopen),
    Operation(f"/orders{_ONE}/resend", "order", orders.resend),
    Operation(f"/orders{_ONE}/assign_order_number", "order", orders.assign_number),
    Operation(f"/orders{_ONE}/delete", "order", orders.delete),
    Operation("/webhook_endpoints", "webhook_endpoint", webhooks.create),
    Operation(f"/webhook_endpoints{_ONE}", "webhook_endpoint", webhooks.update),
    Operation(f"/webhook_endpoints{_ONE}/delete", "webhook_endpoint", webhooks.delete),
]

LISTS = {
    "/customers": "customer",
    "/item_families": "item_family",
    "/items": "item",
    "/item_prices": "item_price",
    "/invoices": "invoice",
    "/orders": "order",
    "/events": "event",
    "/business_entities/transfers": "business_entity_transfer",
    "/webhook_endpoints": "webhook_endpoint",
}
"""Path of a list to the kind of record in it."""

RETRIEVABLE = {path: kind for path, kind in LISTS.items() if kind != "business_entity_transfer"}
"""Path of a list to the kind of record that `GET <path>/<id>` gives."""


def execute(operation: Operation, write: Write, record_id: str | None, values: dict[str, object]) -> Record:
    """Run one operation and give its result under the key that clients expect."""
    arguments = (write, values) if record_id is None else (write, record_id, values)
    return {operation.answers: operation.handler(*arguments)}
