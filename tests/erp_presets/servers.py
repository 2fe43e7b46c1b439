"""The servers under the presets, each started with the seed and edited by its own means, past the ERP service."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from tests.erp_presets.seed import DATATYPES, Record, records
from tests.support.processes import free_port, process

HERE = Path(__file__).parent


class Server(ABC):
    """A running server: its address for the ERP service, and what a user of it would do.

    Records go in and out in this project's field names.
    """

    preset: str
    writable = True

    def __init__(self, url: str) -> None:
        self.url = url

    def key(self, text: str) -> str:
        """The server's key of a record of the seed."""
        return text

    def shown(self, record: Record) -> Record:
        """A record of the seed as the ERP service should show it."""
        return record

    def missing(self) -> str:
        """A key that no record has."""
        return "NOSUCH-1"

    @abstractmethod
    def edit(self, datatype: str, key: str, **fields: Any) -> None:
        """Change a record, as somebody at that company would."""

    @abstractmethod
    def read(self, datatype: str, key: str) -> Record | None:
        """A record as the server holds it now; None when it is gone."""

    @abstractmethod
    def remove(self, datatype: str, key: str) -> None:
        """Delete a record for good."""


class JsonServer(Server):
    """json-server: collections are plurals, records are what was posted."""

    preset = "link-header"

    def _at(self, datatype: str, key: str) -> str:
        return f"{self.url}/{datatype}s/{key}"

    def edit(self, datatype: str, key: str, **fields: Any) -> None:
        requests.patch(self._at(datatype, key), json=fields, timeout=60).raise_for_status()

    def read(self, datatype: str, key: str) -> Record | None:
        answer = requests.get(self._at(datatype, key), timeout=60)
        return None if answer.status_code == 404 else answer.json()

    def remove(self, datatype: str, key: str) -> None:
        requests.delete(self._at(datatype, key), timeout=60).raise_for_status()


@contextmanager
def json_server(place: Path, folder: Path) -> Iterator[Server]:
    """json-server over a file made from the seed."""
    port = free_port()
    data = folder / "db.json"
    data.write_text(json.dumps({f"{datatype}s": records(datatype) for datatype in DATATYPES}))
    command = ["node", str(place / "node_modules/json-server/lib/cli/bin.js"), str(data)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--quiet"]
    command += ["--middlewares", str(HERE / "link_header/stamps.js")]
    url = f"http://127.0.0.1:{port}"
    with process(command, f"{url}/contacts", log=folder / "log"):
        yield JsonServer(url)


ODATA_SETS = {
    "contact": "contacts",
    "customer": "customers",
    "employee": "employees",
    "quote": "salesQuotes",
    "order": "salesOrders",
    "product": "items",
}
ODATA_NAMES = {
    "external_refs.chargebee": "chargebeeId",
    "created_at": "createdAt",
    "modified_at": "modifiedAt",
    "first_name": "givenName",
    "last_name": "surname",
    "phone": "phoneNumber",
    "job_title": "jobTitle",
    "language": "languageCode",
    "customer_id": "customerId",
    "contact_id": "contactId",
    "currency": "currencyCode",
    "organization_number": "registrationNumber",
    "vat_number": "vatNumber",
    "payment_terms_days": "paymentTermsDays",
    "employee_number": "number",
    "hire_date": "employmentDate",
    "quote_number": "number",
    "quote_date": "documentDate",
    "valid_until": "validUntilDate",
    "order_number": "number",
    "order_date": "orderDate",
    "tracking_number": "trackingNumber",
    "unit": "unitOfMeasure",
    "unit_price": "unitPrice",
    "is_taxable": "taxable",
    "id": "ID",
    "line_id": "ID",
    **{f"{kind}.{name}": target for kind in ("address", "billing_address") for name, target in (
        ("line1", "addressLine1"), ("city", "city"), ("postal_code", "postalCode"), ("country", "country"))},
}  # fmt: skip
"""This project's field names to those of the OData server, which are spelt as such servers spell them."""


class ODataServer(Server):
    """SAP CAP: OData V4 with ETags, GUIDs as keys, words of its own for states."""

    preset = "odata-v4"

    def key(self, text: str) -> str:
        return guid(text)

    def shown(self, record: Record) -> Record:
        lines = [{**line, "line_id": guid(line["line_id"])} for line in record.get("lines", [])]
        return {**record, "id": guid(record["id"]), **({"lines": lines} if lines else {})}

    def missing(self) -> str:
        return guid("nobody")

    def edit(self, datatype: str, key: str, **fields: Any) -> None:
        answer = requests.patch(
            self._at(datatype, key), json=odata(datatype, fields), headers={"If-Match": "*"}, timeout=60
        )
        answer.raise_for_status()

    def read(self, datatype: str, key: str) -> Record | None:
        expand = {"$expand": "lines"} if datatype in ("quote", "order") else {}
        exact = {"Accept": "application/json;IEEE754Compatible=true"}
        answer = requests.get(self._at(datatype, key), params=expand, headers=exact, timeout=60)
        return None if answer.status_code == 404 else from_odata(datatype, answer.json())

    def remove(self, datatype: str, key: str) -> None:
        requests.delete(self._at(datatype, key), headers={"If-Match": "*"}, timeout=60).raise_for_status()

    def _at(self, datatype: str, key: str) -> str:
        return f"{self.url}/{ODATA_SETS[datatype]}({key})"


def guid(text: str) -> str:
    """The GUID that stands for a key of the seed."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


def odata(datatype: str, record: Record) -> Record:
    """A record, or some fields of one, as the OData server has it."""
    found: Record = {}
    for name, value in flat(record).items():
        target = _odata_name(datatype, name)
        if name == "lines":
            found[target] = [odata("line", line) for line in value]
        elif name == "status":
            found |= {"blocked": value == "archived"} if datatype == "product" else {"status": value.title()}
        else:
            found[target] = value
    if found.get("status") == "Confirmed":
        found["status"] = "Open"
    return found


def from_odata(datatype: str, found: Record) -> Record:
    """The other way round, for the fields that the seed has."""
    record: Record = {}
    for name in flat(records(datatype)[0]) if datatype != "line" else records("order")[0]["lines"][0]:
        value = found.get(_odata_name(datatype, name))
        if name == "lines":
            value = [from_odata("line", line) for line in value]
        elif name == "status":
            word = found.get("status")
            value = {"Open": "confirmed"}.get(word, str(word).lower())
            value = ("archived" if found["blocked"] else "active") if datatype == "product" else value
        nest(record, name, value)
    return record


def _odata_name(datatype: str, name: str) -> str:
    special = {
        ("contact", "customer_id"): "companyId",
        ("line", "sku"): "itemNumber",
        ("product", "sku"): "number",
    }
    if name == "name":
        return "displayName"
    return special.get((datatype, name)) or ODATA_NAMES.get(name, name)


def flat(record: Record) -> Record:
    """A record without objects in it: `address.line1` for what was inside `address`."""
    found: Record = {}
    for name, value in record.items():
        found |= (
            {f"{name}.{inner}": one for inner, one in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
    return found


def nest(record: Record, name: str, value: Any) -> None:
    """Put a value of `flat` back where it was."""
    outer, dot, inner = name.partition(".")
    if dot:
        record.setdefault(outer, {})[inner] = value
    else:
        record[name] = value


@contextmanager
def odata_server(place: Path, folder: Path) -> Iterator[Server]:
    """SAP CAP over a database in memory, filled from files made of the seed."""
    shutil.copytree(HERE / "odata", folder, dirs_exist_ok=True)
    (folder / "node_modules").symlink_to(place / "node_modules")
    (folder / "data").mkdir()
    for datatype, entity_set in ODATA_SETS.items():
        name = entity_set[0].upper() + entity_set[1:]
        seeded = [ODataServer("").shown(record) for record in records(datatype)]
        rows = [
            odata(datatype, {key: value for key, value in one.items() if key != "lines"}) for one in seeded
        ]
        _csv(folder / "data" / f"{name}.csv", rows)
        lines = [
            {"up__ID": one["id"], **odata("line", line)} for one in seeded for line in one.get("lines", [])
        ]
        if lines:
            _csv(folder / "data" / f"{name}.lines.csv", lines)
    port = free_port()
    serve = str(place / "node_modules/@sap/cds/bin/serve.js")
    command = ["node", "--require", "./loopback.js", serve, "erp.cds", "--in-memory"]
    url = f"http://127.0.0.1:{port}/odata/v4/erp"
    with process(command, url, {"PORT": str(port)}, log=folder / "log", cwd=folder):
        yield ODataServer(url)


def _csv(file: Path, rows: list[Record]) -> None:
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


class Datasette(Server):
    """Datasette over an SQLite file that somebody else writes to."""

    preset = "cursor"
    writable = False

    def __init__(self, url: str, file: Path) -> None:
        super().__init__(url)
        self._file = file

    def edit(self, datatype: str, key: str, **fields: Any) -> None:
        fields["modified_at"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        names = ", ".join(f"{name} = ?" for name in fields)
        self._run(f"update {datatype}s set {names} where id = ?", *fields.values(), key)

    def read(self, datatype: str, key: str) -> Record | None:
        found = self._run(f"select * from {datatype}s where id = ?", key)
        return dict(found[0]) if found else None

    def remove(self, datatype: str, key: str) -> None:
        self._run(f"delete from {datatype}s where id = ?", key)

    def _run(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self._file)) as connection, connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql, values).fetchall()


@contextmanager
def datasette(place: Path, folder: Path) -> Iterator[Server]:
    """Datasette, one table for each datatype, without any index but the key's."""
    file, port = folder / "erp.db", free_port()
    with closing(sqlite3.connect(file)) as connection, connection:
        for datatype in DATATYPES:
            rows = [_columns(record) for record in records(datatype)]
            columns = ", ".join(f"{name} {'text primary key' if name == 'id' else ''}" for name in rows[0])
            connection.execute(f"create table {datatype}s ({columns})")
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(
                f"insert into {datatype}s values ({marks})", [list(row.values()) for row in rows]
            )
    command = [
        str(place / "bin" / "datasette"),
        "serve",
        str(file),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    url = f"http://127.0.0.1:{port}/erp"
    with process(command, f"{url}.json", log=folder / "log"):
        yield Datasette(url, file)


def _columns(record: Record) -> Record:
    columns = {name.replace(".", "_"): value for name, value in flat(record).items()}
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in columns.items()}
