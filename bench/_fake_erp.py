"""A fast imitation of an ERP's list, so that a benchmark measures the service and not its upstream.

`python -m bench._fake_erp --port N --records 100000` answers `GET /api/v1/contacts` with pages of prepared
text, in the order of change, `EQUAL` records to a stamp, so that page ends fall amid equal stamps.
`GET /stats` tells how many list calls there were, and how many of single records. Single records can be read,
changed and made, as far as the service asks for that; lists do not show it. With `--summary` lists show keys
and stamps alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
EQUAL = 7
"""Records that share one stamp."""


def stamp_of(index: int) -> str:
    """Return the change stamp of a record: fixed width, growing."""
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=index // EQUAL)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def record_of(index: int) -> dict[str, object]:
    """Return a contact of about 1.1 kB, as full as the sandbox's."""
    name = f"Person {index:07}"
    return {
        "id": f"CT-{index:07}",
        "external_refs": {"chargebee": f"contact-CT-{index:07}"},
        "active": True,
        "custom_fields": {"segment": "retail", "score": index % 100, "source": "import from the old system"},
        "deleted_at": None,
        "created_at": "2025-06-01T08:00:00.000000Z",
        "modified_at": stamp_of(index),
        "version": 1 + index % 5,
        "first_name": name,
        "last_name": "Ærøskøbing-O'Neil",
        "email": f"person.{index}@customer-{index % 997}.example",
        "phone": "+47 22 12 34 56",
        "mobile": "+47 912 34 567",
        "job_title": "Head of purchasing and logistics",
        "customer_id": f"CU-{index % 997}",
        "is_primary": index % 3 == 0,
        "is_billing_contact": index % 2 == 0,
        "language": "nb-NO",
        "address": {
            "line1": "Storgata 79, inngang B",
            "line2": "4. etasje, c/o Økonomiavdelingen",
            "line3": None,
            "city": "Trondheim",
            "state": "Trøndelag",
            "postal_code": "7010",
            "country": "NO",
        },
        "notes": "Prefers to be called in the morning; invoices go to the accounting department. " * 3,
    }


class FakeErp:
    """The prepared records and the count of calls."""

    def __init__(self, records: int, summary: bool = False) -> None:
        """`summary`: lists show keys and stamps alone."""
        shown = ("id", "modified_at", "deleted_at") if summary else tuple(record_of(0))
        rows = (record_of(index) for index in range(records))
        self.texts = [
            json.dumps({name: row[name] for name in shown}, ensure_ascii=False).encode() for row in rows
        ]
        self.stamps = [stamp_of(index) for index in range(records)]
        self.calls = 0
        self.singles = 0
        self.changed: dict[str, dict[str, object]] = {}

    def answer(self, method: str, target: str, content: bytes) -> bytes:
        """Return the body for a request."""
        parts = urlsplit(target)
        if parts.path == "/stats":
            return json.dumps({"calls": self.calls, "singles": self.singles}).encode()
        key = parts.path.rpartition("/")[2]
        if method == "POST" or key != "contacts":
            return json.dumps(self.single(method, key, content)).encode()
        if "external_ref" in parts.query:
            return b'{"items":[],"next":null}'
        self.calls += 1
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        start = (
            int(query["cursor"])
            if "cursor" in query
            else bisect_left(self.stamps, query.get("modified_since", ""))
        )
        end = min(start + int(query.get("limit", "100")), len(self.texts))
        following = f'"{end}"' if end < len(self.texts) else "null"
        return b'{"items":[' + b",".join(self.texts[start:end]) + b'],"next":' + following.encode() + b"}"

    def single(self, method: str, key: str, content: bytes) -> dict[str, object]:
        """One record, after what a request does to it."""
        self.singles += 1
        if method == "POST":
            key = f"CT-N{len(self.changed)}"
            self.changed[key] = {"id": key, "version": 1, "modified_at": self.stamps[-1], "deleted_at": None}
        known = key in self.changed
        record = self.changed[key] if known else record_of(int(key.removeprefix("CT-")))
        if method in ("POST", "PATCH"):
            record |= json.loads(content)
            self.changed[key] = record
        return record

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, kept open."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = LENGTH.search(head)
                content = await reader.readexactly(int(size[1])) if size else b""
                method, target, _ = head.decode().split(" ", 2)
                body = self.answer(method, target, content)
                length = str(len(body)).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                    + length
                    + b"\r\n\r\n"
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def serve_forever(make: Callable[..., FakeErp]) -> None:
    """Serve until ended."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--records", type=int, default=100_000)
    options.add_argument("--summary", action="store_true")
    given = options.parse_args()
    fake = make(given.records, summary=True) if given.summary else make(given.records)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", given.port, limit=1 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve_forever(FakeErp))
