"""Plain clients of the two sandboxes for tests.

What an outside program would send, nothing shared with the services.
"""

from __future__ import annotations

import json
from typing import Any

import requests

from core.jsonio import Json


def form(fields: Json) -> list[tuple[str, str]]:
    """Chargebee's bracket notation.

    Nested objects `a[b]`, scalars `a[0]`, lists of objects column-wise `a[k][0]`.
    """
    pairs: list[tuple[str, str]] = []
    for key, value in fields.items():
        if key in ("meta_data", "metadata"):
            pairs.append((key, json.dumps(value)))
        elif isinstance(value, dict):
            pairs += [(f"{key}[{name}]", text(part)) for name, part in value.items()]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            pairs += [(f"{key}[{n}][{i}]", text(v)) for i, row in enumerate(value) for n, v in row.items()]
        elif isinstance(value, list):
            pairs += [(f"{key}[{i}]", text(v)) for i, v in enumerate(value)]
        else:
            pairs.append((key, text(value)))
    return pairs


def text(value: Any) -> str:
    """One scalar as Chargebee reads it; None clears."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Sandbox:
    """The control surface both sandboxes share."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        self.session = requests.Session()
        self.session.headers["Connection"] = "close"  # one kept open makes the sandbox wait when it is to end

    def stats(self) -> Json:
        """Return calls, reads and writes so far."""
        return self._json(self.session.get(f"{self.root}/_sandbox/stats", timeout=60))

    def writes(self) -> int:
        """Return writes that took effect so far."""
        return int(self.stats()["writes"])

    def faults(self, **fields: Any) -> None:
        """Set faults; those not named are off."""
        self._json(self.session.put(f"{self.root}/_sandbox/faults", json=fields, timeout=60))

    @staticmethod
    def _json(answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.request.method} {answer.url} → {answer.status_code} {answer.text[:800]}"
        return answer.json() if answer.content else None


class Erp(Sandbox):
    """The sandbox ERP as its own users see it."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.session.headers["Authorization"] = "Bearer sandbox"

    def url(self, kind: str, key: str = "") -> str:
        return f"{self.root}/api/v1/{kind}" + (f"/{key}" if key else "")

    def create(self, kind: str, **fields: Any) -> Json:
        return self._json(self.session.post(self.url(kind), json=fields, timeout=60))

    def get(self, kind: str, key: str) -> Json:
        return self._json(self.session.get(self.url(kind, key), timeout=60))

    def patch(self, kind: str, key: str, **fields: Any) -> Json:
        return self._json(self.session.patch(self.url(kind, key), json=fields, timeout=60))

    def delete(self, kind: str, key: str) -> None:
        self._json(self.session.delete(self.url(kind, key), timeout=60))

    def rewrite(self, rules: dict[str, list[str]]) -> None:
        """Let the ERP store values otherwise than they are sent: `{"contact/phone": ["blanks"]}`."""
        self._json(self.session.put(f"{self.root}/_sandbox/rewriting", json=rules, timeout=60))

    def convert(self, quote: str) -> Json:
        return self._json(self.session.post(self.url("quotes", f"{quote}/convert"), timeout=60))

    def all(self, kind: str, include_deleted: bool = False) -> list[Json]:
        found: list[Json] = []
        cursor: str | None = None
        while True:
            params: Json = {"limit": 500, "include_deleted": str(include_deleted).lower()}
            if cursor:
                params["cursor"] = cursor
            page = self._json(self.session.get(self.url(kind), params=params, timeout=60))
            found += page["items"]
            cursor = page.get("next")
            if not cursor:
                return found


class Chargebee(Sandbox):
    """The sandbox Chargebee through its public API and its console."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.session.auth = ("sandbox", "")

    def url(self, path: str) -> str:
        return f"{self.root}/api/v2/{path}"

    def post(self, path: str, **fields: Any) -> Json:
        answer = self._json(self.session.post(self.url(path), data=form(fields), timeout=60))
        return answer[next(iter(answer))]

    def get(self, kind: str, key: str) -> Json:
        """One record, e.g. get("customers", "c1")."""
        answer = self._json(self.session.get(self.url(f"{kind}/{key}"), timeout=60))
        return answer[next(iter(answer))]

    def all(self, kind: str, **params: Any) -> list[Json]:
        found: list[Json] = []
        params = {"limit": 100, **params}
        while True:
            page = self._json(self.session.get(self.url(kind), params=params, timeout=60))
            found += [next(iter(row.values())) for row in page["list"]]
            if "next_offset" not in page:
                return found
            params["offset"] = page["next_offset"]

    def configure(self, **settings: Any) -> None:
        """Set the site's configuration; settings not named have their defaults."""
        self._json(self.session.put(f"{self.root}/_sandbox/site", json=settings, timeout=60))

    def collection(self) -> Json:
        """Return which invoices the site would collect now, and whom it would have mailed."""
        return self._json(self.session.get(f"{self.root}/_sandbox/collection", timeout=60))

    def turn_round(self, *fact_ids: str) -> None:
        """Let the opposite of these facts about Chargebee hold, and of no others."""
        turned = dict.fromkeys(fact_ids, False)
        self._json(self.session.put(f"{self.root}/_sandbox/facts", json=turned, timeout=60))

    def bill(self, customer: str, **changes: Any) -> Json:
        """Change billing information as Chargebee's own console does.

        The call assigns, so all that stays is sent.
        """
        record = self.get("customers", customer)
        address = {**record.get("billing_address", {}), **changes.pop("billing_address", {})}
        parts = {name: part for name, part in address.items() if name not in ("object", "validation_status")}
        kept: Json = {name: record[name] for name in ("vat_number", "vat_number_prefix") if name in record}
        fields: Json = {"billing_address": parts, **kept, **changes}
        return self.post(f"customers/{customer}/update_billing_info", **fields)

    def change_order(self, key: str, **fields: Any) -> Json:
        """Change an order; cancelling is a call of its own."""
        if fields.get("status") != "cancelled":
            return self.post(f"orders/{key}", **fields)
        how: Json = {"cancellation_reason": "others"}
        how |= {name: fields[name] for name in ("cancellation_reason", "cancelled_at") if name in fields}
        rest = {name: value for name, value in fields.items() if name not in (*how, "status")}
        if rest:
            self.post(f"orders/{key}", **rest)
        return self.post(f"orders/{key}/cancel", **how)

    def business_entity(self, name: str, key: str | None = None, **fields: Any) -> Json:
        """Return what a person does in the console: make a business entity, or change one."""
        root = f"{self.root}/_sandbox/business_entities"
        if key:
            answer = self.session.patch(f"{root}/{key}", json={"name": name, **fields}, timeout=60)
        else:
            answer = self.session.post(root, json={"name": name, **fields}, timeout=60)
        body = self._json(answer)
        return body.get("business_entity", body)
