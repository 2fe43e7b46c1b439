"""Creating, changing and deleting records: every write checks all rules, then moves version and stamp."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.clock import us_to_text
from sandbox.common.rewriting import rewrite
from sandbox.common.state import KeyFunction, KeyValue, Record, State, Transaction
from sandbox.erp import rules
from sandbox.erp.checks import Draft, Values, draft_record
from sandbox.erp.fields import TYPES, RecordType
from sandbox.erp.problems import Invalid, ProblemResponse, conflict
from sandbox.erp.totals import check_claims, compute_totals, scale_money

REWRITING_SETTING = "_rewriting"
"""What the ERP stores otherwise than it was sent, see `sandbox.common.rewriting`."""


def create(tx: Transaction, kind: str, body: Values) -> Record:
    """Store a new record and return it; raises ProblemResponse (400, 409)."""
    record_type = TYPES[kind]
    record_id = _new_id(tx, record_type)
    draft = _draft(tx, record_type, body, None, record_id)
    if kind == "quote" and draft.values["status"] == "ordered":
        raise conflict("status", "transition", "a quote is ordered by POST /quotes/{id}/convert")
    _assign_numbers(tx, record_type, draft.values)
    stamp = us_to_text(tx.now())
    draft.values.update(id=record_id, created_at=stamp, modified_at=stamp, version=1)
    tx.put(kind, record_id, draft.values)
    return draft.values


def load_record(tx: Transaction, kind: str, body: Values) -> None:
    """Store a record of a data set under its own id, stamps and version, after the same checks."""
    record_type = TYPES[kind]
    own = {
        name: body[name]
        for name in ("id", "created_at", "modified_at", "version", "deleted_at", "order_id")
        if name in body
    }
    given = {name: value for name, value in body.items() if name not in own}
    if _new_id(tx, record_type) != body["id"]:
        raise ValueError(f"{kind} {body['id']} is out of sequence")
    draft = _draft(tx, record_type, given, None, body["id"])
    tx.put(kind, body["id"], draft.values | own, since=0)


def update(tx: Transaction, kind: str, record_id: str, body: Values, if_match: str | None = None) -> Record:
    """Change the given fields and return the record; one that would not change keeps its version."""
    present = existing(tx, kind, record_id)
    check_version(present, if_match)
    draft = _draft(tx, TYPES[kind], body, present, record_id)
    for name, spec in TYPES[kind].fields.items():
        if spec.number and draft.values[name] is None:
            draft.values[name] = present[name]
    if draft.values == present:
        return present
    rules.check_transition(kind, present, draft.values)
    return _store(tx, kind, draft.values)


def delete(tx: Transaction, kind: str, record_id: str, if_match: str | None = None) -> None:
    """Turn a record into a tombstone, unless live records point to it (409)."""
    present = existing(tx, kind, record_id)
    check_version(present, if_match)
    for other in TYPES.values():
        found = tx.find(other.name, f"points:{kind}", record_id)
        if found:
            ids = [record["id"] for record in found]
            message = f"{kind} {record_id} is used by {len(ids)} {other.path}, the first is {ids[0]}"
            raise conflict("id", "referenced", message, referenced_by=ids[:10])
    _store(tx, kind, present, deleted=True)


def convert(tx: Transaction, quote_id: str, today: str, if_match: str | None = None) -> Record:
    """Make the order of a quote: the same contents, the quote becomes `ordered` and names its order."""
    quote = existing(tx, "quote", quote_id)
    check_version(quote, if_match)
    if quote["status"] in ("rejected", "expired", "ordered"):
        raise conflict(
            "status",
            "transition",
            f"a quote in status {quote['status']} cannot be converted",
            order_id=quote["order_id"],
        )
    shared = [name for name in TYPES["quote"].fields if name in TYPES["order"].fields]
    computed = [name for name, spec in TYPES["order"].fields.items() if spec.computed]
    kept = [name for name in shared if name not in computed and name not in ("status", "external_refs")]
    body = {name: quote[name] for name in kept}
    body |= {"quote_id": quote_id, "status": "confirmed", "order_date": today}
    body["lines"] = [
        {name: value for name, value in line.items() if name not in ("amount", "status")}
        for line in quote["lines"]
    ]
    order = create(tx, "order", body)
    _store(tx, "quote", quote | {"status": "ordered", "order_id": order["id"]})
    return order


def existing(source: State | Transaction, kind: str, record_id: str, include_deleted: bool = False) -> Record:
    """Return the record with that id; ProblemResponse 404 when there is none or it is deleted."""
    record = source.get(kind, record_id)
    if record is None or (record["deleted_at"] and not include_deleted):
        state = "deleted" if record else "not known"
        raise ProblemResponse(404, "Not found", f"{kind} {record_id} is {state}")
    return record


def check_version(record: Record, if_match: str | None) -> None:
    """Raise ProblemResponse 412 unless `If-Match` is absent, `*` or the record's present version."""
    wanted = [part.strip().strip('"') for part in (if_match or "*").split(",")]
    if "*" not in wanted and str(record["version"]) not in wanted:
        present = record["version"]
        detail = f"the present version is {present}, not {if_match}"
        raise ProblemResponse(412, "Precondition failed", detail, version=present)


def _draft(
    tx: Transaction, record_type: RecordType, body: Values, present: Record | None, record_id: str
) -> Draft:
    draft = draft_record(record_type.fields, body, present)
    if draft.errors:
        raise Invalid(draft.errors)
    rules.check_record(draft, record_type.name)
    rules.check_references(tx, draft, record_type.name, record_id)
    if "lines" in record_type.fields:
        rules.fill_sale(tx, draft, present)
    scale_money(draft, record_type.fields)
    if "lines" in record_type.fields:
        compute_totals(draft)
    check_claims(draft)
    if draft.errors:
        raise Invalid(draft.errors)
    rewrite(record_type.name, draft.values, tx.setting(REWRITING_SETTING) or {})
    _check_unique(tx, record_type, draft.values, record_id)
    return draft


def _check_unique(tx: Transaction, record_type: RecordType, record: Values, record_id: str) -> None:
    for name, spec in record_type.fields.items():
        if not spec.unique or record[name] is None:
            continue
        for other in tx.find(record_type.name, f"unique:{name}", record[name]):
            if other["id"] != record_id:
                message = f"{record[name]!r} is taken by {record_type.name} {other['id']}"
                raise conflict(name, "unique", message, existing_id=other["id"])


def _assign_numbers(tx: Transaction, record_type: RecordType, record: Values) -> None:
    for name, spec in record_type.fields.items():
        while spec.number and record[name] is None:
            number = f"{spec.number}{tx.next(name, start=10001)}"
            if not tx.find(record_type.name, f"unique:{name}", number):
                record[name] = number


def _new_id(tx: Transaction, record_type: RecordType) -> str:
    return f"{record_type.prefix}-{tx.next(record_type.name)}"


def _store(tx: Transaction, kind: str, record: Values, deleted: bool = False) -> Record:
    stamp = us_to_text(tx.now())
    record = record | {"modified_at": stamp, "version": record["version"] + 1}
    if deleted:
        record["deleted_at"] = stamp
    tx.put(kind, record["id"], record)
    return record


def index_keys() -> Mapping[str, KeyFunction]:
    """Return the index of each type.

    `modified_at` of all, `live` of those not deleted, `ref:<system>` of the external references, and of live
    records `unique:<field>` and `points:<type>` for what they point to.
    """
    return {record_type.name: _key_function(record_type) for record_type in TYPES.values()}


def _key_function(record_type: RecordType) -> Callable[[Record], Mapping[str, KeyValue | list[KeyValue]]]:
    fields = record_type.fields
    unique = [name for name, spec in fields.items() if spec.unique]
    pointers = [(name, spec.reference) for name, spec in fields.items() if spec.reference]

    def keys(record: Record) -> Mapping[str, KeyValue | list[KeyValue]]:
        stamp = record["modified_at"]
        result: dict[str, KeyValue | list[KeyValue]] = {"modified_at": stamp}
        result |= {f"ref:{system}": key for system, key in record["external_refs"].items()}
        if record["deleted_at"]:
            return result
        result["live"] = stamp
        result |= {f"unique:{name}": record[name] for name in unique if record[name] is not None}
        targets = [(kind, record[name]) for name, kind in pointers]
        targets += [("product", line["product_id"]) for line in record.get("lines", ())]
        for kind in {kind for kind, target in targets if target}:
            result[f"points:{kind}"] = [target for name, target in targets if name == kind and target]
        return result

    return keys
