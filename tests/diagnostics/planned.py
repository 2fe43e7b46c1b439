"""Comparing what a plan foresaw with what the run after it did, as the share datasets and systems tell."""

from __future__ import annotations

import json
from typing import Any

import requests

from core.dotted import get_path
from core.jsonio import Json
from stack.processes import Stack

Write = tuple[str, str, str, str]
"""System-datatype, key, operation, and the fields with their new values as JSON."""

ASSIGNED = {
    "order": "order_number",
    "quote": "quote_number",
    "customer": "customer_number",
    "employee": "employee_number",
}
WRITES = ("insert", "update", "delete")


def ask(stack: Stack, path: str = "/diagnostics/plan", **params: Any) -> Json:
    """The answer of a question to the node."""
    answer = requests.post(stack.node.url + path, params=params, timeout=600)
    assert answer.ok, answer.text
    return dict(answer.json())


def marks(stack: Stack) -> dict[str, int]:
    """Where every share dataset ends now."""
    found = {}
    for pipe in stack.share_pipes():
        found[pipe] = _last(stack, f"{pipe}-share")
    return found


def _last(stack: Stack, dataset: str) -> int:
    answer = requests.get(
        f"{stack.node.url}/datasets/{dataset}/entities", params={"reverse": "true", "limit": 1}, timeout=60
    )
    rows = answer.json() if answer.ok else []
    return int(rows[0]["_updated"]) if rows else -1


def done(stack: Stack, since: dict[str, int]) -> set[Write]:
    """What was written since `marks`, writes to one record folded, assigned keys as a plan names them."""
    rows: list[tuple[str, Json]] = []
    for pipe in stack.share_pipes():
        params = {"since": since[pipe], "history": "true"} if since[pipe] >= 0 else {"history": "true"}
        answer = requests.get(f"{stack.node.url}/datasets/{pipe}-share/entities", params=params, timeout=60)
        for row in answer.json() if answer.ok else []:
            if row.get("$operation") in WRITES and row.get("$status") == "ok":
                rows.append((pipe, row))
    names = _placeholders(stack, rows)
    rows.sort(key=lambda each: each[1]["$written"])
    folded: dict[tuple[str, str], Json] = {}
    stamps = set()
    for pipe, row in rows:
        if (pipe, row["$written"]) in stamps:
            continue  # settled or reported later, with the stamp of the write before
        stamps.add((pipe, row["$written"]))
        key = (pipe, row["$generated_id"])
        entry = folded.setdefault(key, {"operation": row["$operation"], "before": {}, "after": {}})
        if not (entry["operation"] == "insert" and row["$operation"] == "update"):
            entry["operation"] = row["$operation"]
        payload = {name: value for name, value in row.items() if name[:1] not in "_$" and name != "id"}
        if (pipe, row["$operation"]) == ("chargebee-order", "insert"):
            payload = _as_order(payload)
        was = {} if entry["operation"] == "insert" else row.get("$was") or {}
        refused = {each["field"].strip("/").replace("/", ".") for each in row.get("$refused") or ()}
        for path, value in leaves("", payload):
            if path in refused:
                continue
            entry["before"].setdefault(path, get_path(was, path))
            entry["after"][path] = value
    found = set()
    for (pipe, key), entry in folded.items():
        fields = {path: value for path, value in entry["after"].items() if value != entry["before"][path]}
        if not fields and entry["operation"] == "update":
            continue
        if entry["operation"] == "delete":
            fields = {}
        found.add((pipe, names.get(key, key), entry["operation"], normal(fields, names)))
    return found


def _as_order(payload: Json) -> Json:
    """What of a new order its record shows: the due date is its invoice's, and lines have its status first."""
    lines = [{"status": payload["status"], **line} for line in payload["order_line_items"]]
    return {name: value for name, value in payload.items() if name != "due_date"} | {
        "order_line_items": lines
    }


def foreseen(plan: Json) -> set[Write]:
    """The same of a plan."""
    return {
        (
            f"{write['system']}-{write['datatype']}",
            write["id"],
            write["operation"],
            normal({each["field"]: each["after"] for each in write["fields"]}, {}),
        )
        for write in plan["writes"]
    }


def normal(fields: Json, names: dict[str, str]) -> str:
    """Fields as text: real keys as placeholders, lines without the ids that systems give them.

    When an order was cancelled is for Chargebee to say, to the second.
    """
    return json.dumps(_named(fields, names), sort_keys=True, ensure_ascii=False)


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: "(when)" if name == "cancelled_at" and part else _named(part, names)
            for name, part in value.items()
            if name not in ("line_id",)
        }
    if isinstance(value, list):
        return [_line(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _line(row: Any, names: dict[str, str]) -> Any:
    """A line: its SKU and status, null as good as missing; other values as they are."""
    if not isinstance(row, dict):
        return row
    return {name: _named(row[name], names) for name in ("sku", "status") if row.get(name) is not None}


def _placeholders(stack: Stack, rows: list[tuple[str, Json]]) -> dict[str, str]:
    """Keys and numbers that the ERP gave, with what a plan calls them."""
    names: dict[str, str] = {}
    for pipe, row in rows:
        system, _, datatype = pipe.partition("-")
        if system != "customerp" or row["$operation"] != "insert":
            continue
        _, namespace, key = row["$origin"].split(":", 2)
        placeholder = f"new-{namespace.partition('-')[2]}-{key}"
        names[row["$generated_id"]] = placeholder
        number = ASSIGNED.get(datatype)
        if number and number not in row:
            url = f"{stack.erp_sandbox_url}/api/v1/{datatype}s/{row['$generated_id']}"
            record = requests.get(url, headers={"Authorization": "Bearer sandbox"}, timeout=60).json()
            names[record[number]] = placeholder
    return names


def leaves(path: str, value: Any) -> list[tuple[str, Any]]:
    """Dotted paths and values of everything in a nested object."""
    if isinstance(value, dict) and value:
        return [
            leaf for name, part in value.items() for leaf in leaves(f"{path}.{name}" if path else name, part)
        ]
    return [(path, value)]
