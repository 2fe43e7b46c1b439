"""A fast imitation of Chargebee's customers, so that a benchmark measures the service and not its upstream.

`python -m bench._fake_chargebee --port N --records 100000` answers `GET /api/v2/customers` with pages of
prepared text in the order of `updated_at`, `EQUAL` records to a second; single customers can be read, made or
changed. `GET /stats` tells how many list calls there were.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qsl, urlsplit

from bench._fake_erp import EQUAL, FakeErp, serve_forever

_BEGAN = 1_760_000_000


def customer_of(index: int) -> dict[str, object]:
    """Return a customer of about 1 kB, as full as the sandbox's."""
    updated = _BEGAN + index // EQUAL
    return {
        "id": f"contact-CT-{index:07}",
        "first_name": f"Person {index:07}",
        "last_name": "Ærøskøbing-O'Neil",
        "email": f"person.{index}@customer-{index % 997}.example",
        "phone": "+47 22 12 34 56",
        "company": "Fjord og Fjell Handel AS",
        "auto_collection": "on",
        "net_term_days": 30,
        "allow_direct_debit": False,
        "created_at": _BEGAN,
        "taxability": "taxable",
        "updated_at": updated,
        "resource_version": updated * 1000 + index % 1000,
        "pii_cleared": "active",
        "deleted": False,
        "object": "customer",
        "billing_address": {
            "line1": "Storgata 79, inngang B",
            "line2": "4. etasje, c/o Økonomiavdelingen",
            "city": "Trondheim",
            "state": "Trøndelag",
            "country": "NO",
            "zip": "7010",
            "validation_status": "not_validated",
            "object": "billing_address",
        },
        "card_status": "no_card",
        "promotional_credits": 0,
        "refundable_credits": 0,
        "excess_payments": 0,
        "unbilled_charges": 0,
        "preferred_currency_code": "NOK",
        "locale": "nb-NO",
        "invoice_notes": "Prefers to be called in the morning; invoices go to accounting. " * 3,
        "meta_data": {"customerp": {"contact_id": f"CT-{index:07}", "active": True}},
    }


class FakeChargebee(FakeErp):
    """The prepared customers and the count of list calls."""

    def __init__(self, records: int) -> None:
        self.texts = [
            json.dumps({"customer": customer_of(index)}, ensure_ascii=False).encode()
            for index in range(records)
        ]
        self.calls = 0
        self.changed = {}

    def answer(self, method: str, target: str, content: bytes) -> bytes:
        """Return the body for a request."""
        parts = urlsplit(target)
        if parts.path == "/stats":
            return json.dumps({"calls": self.calls}).encode()
        key = parts.path.removeprefix("/api/v2/customers").removesuffix("/update_billing_info").strip("/")
        if method == "POST" or key:
            return json.dumps({"customer": self._one(key, dict(parse_qsl(content.decode())))}).encode()
        self.calls += 1
        query = dict(parse_qsl(parts.query))
        start = int(query.get("offset", "0"))
        end = min(start + int(query.get("limit", "10")), len(self.texts))
        following = b'],"next_offset":"%d"}' % end if end < len(self.texts) else b"]}"
        return b'{"list":[' + b",".join(self.texts[start:end]) + following

    def _one(self, key: str, fields: dict[str, str]) -> dict[str, object]:
        """One customer, after what a request does to it."""
        key = key or fields.pop("id")
        number = key.removeprefix("contact-CT-")
        known = customer_of(int(number)) if number.isdigit() else {**customer_of(0), "id": key}
        record = self.changed.get(key, known)
        if fields:
            record |= {
                name: value for name, value in fields.items() if "[" not in name and name != "meta_data"
            }
            self.changed[key] = record
        return record


if __name__ == "__main__":
    asyncio.run(serve_forever(FakeChargebee))
