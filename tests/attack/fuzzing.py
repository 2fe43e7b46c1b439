"""Random requests from an OpenAPI document: right ones, nearly right ones, and what nobody would send by mistake."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

Json = Any

ODD_TEXTS = (
    "", " ", "0", "-1", "1e999", "NaN", "null", "true", "..", "../..", "%2e%2e", "a/b", "a:b", "~:a:b", "~t", "~rx", "~~", "~",
    "\x00", "\x7f", "\ufffe", "😀", "é", "İ", "ß", "x" * 300, "x" * 3000, "0000-00-00", "9999-99-99", "0000-00-00T00:00:00Z",
    "2026-02-30", "9999-12-31T23:59:59.999999Z", "-0001-01-01", "1970-01-01T00:00:00+99:99", "1" * 30, "-" + "9" * 19,
    "${jndi:x}", "{{ 7*7 }}", "{% for", "'; --", "<script>", "\r\nX: y", "a\nb", "_id", "$last", "__proto__", "[", "{", "[1,",
    '{"a":1}', '["id"]', "(", "[a-", "1_000", "٣", "²", "١٢", "0x10", "1.5", ".", "-", "+1", " 1 ", "default",
)  # fmt: skip
ODD_NUMBERS = (
    0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**20, 10**300, 0.1, -0.0, 1e308, 5e-324, 1.5,
)  # fmt: skip
ODD_BODIES = (
    b"", b"null", b"0", b'"x"', b"[]", b"{}", b"[{}]", b"[[]]", b"[null]", b"{", b"[1,]", b"\xff\xfe", b"\xef\xbb\xbf[]",
    b"[" * 2000, b"[" * 300 + b"]" * 300, b'{"a":' * 300 + b"1" + b"}" * 300, b'[{"_id":"\\ud800"}]', b'[{"_id":"a","x":NaN}]',
    b'[{"_id":"a","x":1e999}]', b'[{"_id":"a","x":' + b"9" * 5000 + b"}]", b'[{"_id":"a","_id":"b"}]', b'[{"_id":1}]',
    b'{"operation":1}', b"operation=start", b"operation=%ff", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b'[{"_id":"a","_deleted":"yes"}]',
)  # fmt: skip
TYPES = (
    "application/json", "application/json; charset=utf-16", "application/merge-patch+json", "text/plain", "", "application/xml",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data", "application/zip", "x",
)  # fmt: skip
HEADERS = (
    ("Accept", "text/html"), ("Accept", "application/zip"), ("Content-Encoding", "gzip"), ("Range", "bytes=0-"), ("Expect", "x"),
    ("Authorization", "Basic"), ("Authorization", "Basic !!!"), ("Authorization", "Bearer x"), ("Authorization", "Bearer \xe9"),
    ("If-Match", '"1"'), ("X-Dataset-Completeness", "x"), ("X-Dataset-Completeness", "-1"), ("Cookie", "a=b"), ("Sec-Fetch-Site", "x"),
    ("X-Forwarded-Host", "evil.example"), ("X-HTTP-Method-Override", "DELETE"), ("traceparent", "00-x"), ("X-Request-ID", "x" * 500),
)  # fmt: skip


@dataclass
class Call:
    """One request to make."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    kind: str = "application/json"

    def __str__(self) -> str:
        return f"{self.method} {self.path} ? {self.query} {self.headers} {self.kind} {(self.body or b'')[:600]!r}"


class Fuzzer:
    """Makes requests of a document. The same seed makes the same ones; `known` are values that exist."""

    def __init__(self, document: Json, seed: int, known: dict[str, list[str]]) -> None:
        self._document = document
        self._random = random.Random(seed)
        self._known = known
        self._operations = [
            (path, method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def call(self) -> Call:
        """A random request to a random operation."""
        draw = self._random
        path, method, operation = draw.choice(self._operations)
        call = Call(method.upper(), path)
        for parameter in operation["parameters"]:
            name, schema = parameter["name"], parameter["schema"]
            if parameter["in"] == "path":
                call.path = call.path.replace(f"{{{name}}}", self._in_path(name, schema))
            elif draw.random() < 0.5:
                call.query += [(name, self._text(name, schema))] * (1 + (draw.random() < 0.05))
        if draw.random() < 0.1:
            call.query.append((draw.choice(ODD_TEXTS), draw.choice(ODD_TEXTS)))
        if draw.random() < 0.2:
            call.headers.append(draw.choice(HEADERS))
        if "requestBody" in operation:
            self._fill(call, operation["requestBody"]["content"]["application/json"]["schema"])
        return call

    def _fill(self, call: Call, schema: Json) -> None:
        draw = self._random
        if draw.random() < 0.25:
            call.body = draw.choice(ODD_BODIES)
        else:
            call.body = json.dumps(self.value(schema, 0), ensure_ascii=draw.random() < 0.5).encode(
                "utf-8", "surrogatepass"
            )
        call.kind = TYPES[0] if draw.random() < 0.8 else draw.choice(TYPES)

    def _in_path(self, name: str, schema: Json) -> str:
        known = self._known.get(name)
        if known and self._random.random() < 0.6:
            return quote(self._random.choice(known), safe="")
        return quote(self._text(name, schema), safe="/" if self._random.random() < 0.1 else "") or "x"

    def _text(self, name: str, schema: Json) -> str:
        draw = self._random
        if draw.random() < 0.5:
            return draw.choice(ODD_TEXTS)
        if self._known.get(name) and draw.random() < 0.7:
            return draw.choice(self._known[name])
        found = self.value(schema, 0)
        return found if isinstance(found, str) else json.dumps(found)

    def value(self, schema: Json, depth: int) -> Json:
        """A value by a schema, or one that is not."""
        draw = self._random
        if draw.random() < 0.12 or depth > 6:
            return self.odd(depth)
        while isinstance(schema, dict) and "$ref" in schema:
            found = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        if not isinstance(schema, dict):
            return self.odd(depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return draw.choice(schema["enum"])
        for name in ("anyOf", "oneOf", "allOf"):
            if name in schema:
                return self.value(draw.choice(schema[name]), depth + 1)
        kind = schema.get("type")
        kind = draw.choice(kind) if isinstance(kind, list) else kind
        return self._of_type(kind, schema, depth)

    def _of_type(self, kind: str | None, schema: Json, depth: int) -> Json:
        draw = self._random
        if kind == "object":
            known = schema.get("properties", {})
            names = [name for name in known if name in schema.get("required", ()) or draw.random() < 0.4]
            found = {name: self.value(known[name], depth + 1) for name in names}
            return {**found, draw.choice(ODD_TEXTS): self.odd(depth)} if draw.random() < 0.1 else found
        if kind == "array":
            return [
                self.value(schema.get("items", {}), depth + 1) for _ in range(draw.choice((0, 1, 1, 1, 2, 5)))
            ]
        if kind in ("integer", "number"):
            return draw.randint(0, 10_000) if draw.random() < 0.6 else draw.choice(ODD_NUMBERS)
        if kind == "boolean":
            return draw.random() < 0.5
        if kind == "null":
            return None
        if kind == "string":
            return self._string(schema)
        return self.odd(depth)

    def _string(self, schema: Json) -> str:
        draw = self._random
        plain = {
            "date": "2026-01-31",
            "date-time": "2026-01-31T10:00:00Z",
            "email": "a@b.example",
            "decimal": "12.50",
        }.get(schema.get("format", ""))
        if plain is not None and draw.random() < 0.6:
            return plain
        return draw.choice(("x", "CT-1", "~:customerp-contact:CT-1", "NOK", "2026-01-31", *ODD_TEXTS))

    def odd(self, depth: int) -> Json:
        """Any value that JSON has."""
        draw = self._random
        choice = draw.randrange(7 if depth < 4 else 5)
        if choice < 2:
            return draw.choice(ODD_TEXTS)
        if choice == 2:
            return draw.choice(ODD_NUMBERS)
        if choice in (3, 4):
            return draw.choice((None, True, False))
        if choice == 5:
            return [self.odd(depth + 1) for _ in range(draw.randrange(4))]
        return {
            draw.choice((*ODD_TEXTS, "_id", "id", "name", "$operation")): self.odd(depth + 1)
            for _ in range(draw.randrange(4))
        }
