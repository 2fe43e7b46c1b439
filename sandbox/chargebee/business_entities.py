"""Business entities: made by people in the console, seen by the API in events and as `business_entity_id`.

The API has no call for them but the transfer of customers
(https://www.chargebee.com/docs/2.0/mbe-overview.html).
"""

from __future__ import annotations

from core.jsonio import Json
from sandbox.chargebee.errors import invalid_state, not_found, wrong_value
from sandbox.chargebee.facts import holds, imitates
from sandbox.chargebee.records import Write, public
from sandbox.common.state import Record, State

STATUSES = ("active", "inactive")
_NAME_LIMIT = 100
_START_S = 1_420_070_400
"""2015-01-01: when the site began."""
_DEFAULT = "default_business_entity"
_KNOWN = {"id", "name", "status", "default"}


class ConsoleError(ValueError):
    """What a person typed in the console cannot be kept; the message says why."""


@imitates("one-default-business-entity")
def default_entity_id(write: Write) -> str | None:
    """Return the entity that customers belong to when none is named.

    Every site has one from the start, of which no event tells; one that the console makes the default takes
    its place.
    """
    if not holds("one-default-business-entity") or not write.site.multiple_business_entities:
        return None
    known: str | None = write.tx.setting(_DEFAULT)
    if known is not None:
        return known
    entity: Record = {"id": str(write.tx.next("business_entity")), "name": write.site.domain}
    entity |= {"status": "active", "deleted": False, "created_at": write.now}
    write.tx.set_setting(_DEFAULT, entity["id"])
    write.save("business_entity", entity)
    _tell_of_default(write, entity)
    return str(entity["id"])


@imitates("default-entity-has-no-event")
def _tell_of_default(write: Write, entity: Record) -> None:
    """Keep an event of the site's start; a list shows it only while the fact is turned round."""
    write.raise_event("business_entity_created", {"business_entity": public(entity)}, _START_S)
    if write.events:
        event = write.events.pop()
        write.tx.put("event", event["id"], {**event, "_of_default": True})


def list_all(state: State) -> list[Record]:
    """Return every entity, deleted ones too, for the console."""
    return [row.record for row in state.scan("business_entity", "id", fresh=True)]


def create(write: Write, values: Json) -> Record:
    """Return the console's "create": `{name, status?, id?, default?}`; without `id`, one is generated."""
    _check(values)
    entity_id = values.get("id") or str(write.tx.next("business_entity"))
    if write.tx.get("business_entity", entity_id) is not None:
        raise ConsoleError(f"id {entity_id!r} is taken")
    entity: Record = {
        "id": entity_id,
        "name": values["name"],
        "status": values.get("status", "active"),
        "deleted": False,
        "created_at": write.now,
    }
    if values.get("default"):
        write.tx.set_setting(_DEFAULT, entity_id)
    return write.save("business_entity", entity, "business_entity_created")


def update(write: Write, entity_id: str, values: Json) -> Record:
    """Return the console's "edit" of name and status."""
    entity = _living(write, entity_id)
    _check({**entity, **values}, set(values) - {"name", "status"})
    entity.update(values)
    return write.save("business_entity", entity, "business_entity_updated")


def delete(write: Write, entity_id: str) -> Record:
    """Return the console's "delete"; refused while customers belong to the entity."""
    entity = _living(write, entity_id)
    if any(not customer["deleted"] for customer in _customers(write, entity_id)):
        raise ConsoleError("customers belong to this business entity; transfer them first")
    entity["deleted"] = True
    return write.save("business_entity", entity, "business_entity_deleted")


def _customers(write: Write, entity_id: str) -> list[Record]:
    return write.tx.find("customer", "business_entity_id", entity_id)


def _living(write: Write, entity_id: str) -> Record:
    entity = write.tx.get("business_entity", entity_id)
    if entity is None or entity["deleted"]:
        raise LookupError(entity_id)
    return entity


def _check(values: dict[str, object], unknown: set[str] | None = None) -> None:
    surplus = set(values) - _KNOWN if unknown is None else unknown
    if surplus:
        raise ConsoleError(f"unknown property {sorted(surplus)[0]!r}")
    name = values.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > _NAME_LIMIT:
        raise ConsoleError(f"name must be a text of 1 to {_NAME_LIMIT} characters")
    if values.get("status", "active") not in STATUSES:
        raise ConsoleError(f"status must be one of {', '.join(STATUSES)}")


@imitates("transfer-renames-the-original")
def transfer(write: Write, values: Json) -> Record:
    """`POST /business_entities/transfers`: the active copy keeps the id, the former one gets a new one."""
    columns = [
        values[name]
        for name in (
            "active_resource_ids",
            "destination_business_entity_ids",
            "reason_codes",
            "resource_types",
        )
    ]
    if write.context is not None:
        raise wrong_value(None, "chargebee-business-entity-id cannot be sent with a transfer")
    if len({len(column) for column in columns}) != 1:
        raise wrong_value("active_resource_ids", "all arrays should have the same length")
    done: Record = {}
    for customer_id, entity_id, reason, resource_type in zip(*columns, strict=True):
        if reason != "correction" or resource_type != "customer":
            raise wrong_value("reason_codes", "should be correction, with resource type customer")
        done = _transfer(write, customer_id, entity_id)
    return done


@imitates("transfer-renames-the-original")
def _transfer(write: Write, customer_id: str, entity_id: str) -> Record:
    customer = write.get("customer", customer_id, "active_resource_ids")
    if customer.get("active_id") not in (None, customer_id):
        raise invalid_state("The customer was transferred before and is deprecated")
    target = write.tx.get("business_entity", entity_id)
    if target is None or target["deleted"]:
        raise not_found("Business entity", entity_id, "destination_business_entity_ids")
    old_entity = customer.get("business_entity_id", "")
    new_id = write.new_id()
    former_id, active_id = (new_id, customer_id)
    if not holds("transfer-renames-the-original"):
        former_id, active_id = (customer_id, new_id)
    copy = {name: value for name, value in customer.items() if name != "resource_version"}
    write.save("customer", {**copy, "id": former_id, "active_id": active_id})
    write.save("customer", {**copy, "id": active_id, "active_id": active_id, "business_entity_id": entity_id})
    record: Record = {
        "id": write.new_id("bet_"),
        "resource_type": "customer",
        "resource_id": former_id,
        "active_resource_id": active_id,
        "destination_business_entity_id": entity_id,
        "source_business_entity_id": old_entity,
        "reason_code": "correction",
        "created_at": write.now,
        "object": "business_entity_transfer",
    }
    write.tx.put("business_entity_transfer", record["id"], record)
    content = {"business_entity_transfer": record, "customer": write.get("customer", active_id)}
    write.raise_event("customer_business_entity_changed", content, write.now)
    return record
