"""A Tryton server of its own for tests, and the people who work in it: they speak JSON-RPC, as Tryton's clients do.

Making a database takes half a minute, so it is made once per installation, with a company in it, and copied.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import requests

from tests.support.processes import free_port, process
from tests.support.thirdparty import one_at_a_time

DATABASE = "erp"
MODULES = ("party", "company", "country", "currency", "product", "sale", "party_relationship")
CONFIG = """[database]
uri = sqlite://
path = {folder}
list = False
[web]
listen = 127.0.0.1:{port}
[session]
authentications = password
max_attempt = 1000
[cron]
enable = False
"""
Values = dict[str, Any]


class RpcError(Exception):
    """What Tryton says instead of doing it: its list of class, message and description."""


def decimal(text: str) -> Values:
    """A number as Tryton's protocols write it."""
    return {"__class__": "Decimal", "decimal": text}


def day(when: date) -> Values:
    """A date as Tryton's protocols write it."""
    return {"__class__": "date", "year": when.year, "month": when.month, "day": when.day}


@dataclass
class Base:
    """What the company set up before the test: keys of its records, and the key of the REST application."""

    company: int
    currency: int
    norway: int
    unit: int
    contact: int
    customer: int
    contact_of: int
    sales: int
    rest_key: str


class Tryton:
    """A user of a running Tryton, through JSON-RPC."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.context: Values = {}
        uid, token, *_ = self._post("common.db.login", ["admin", {"password": "admin"}, "en"])
        session = base64.b64encode(f"admin:{uid}:{token}".encode()).decode()
        self.session.headers["Authorization"] = f"Session {session}"
        self.uid = uid
        self.refresh()

    @property
    def rest(self) -> str:
        """Base URL of the REST API, which the service speaks."""
        return f"{self.url}/{DATABASE}/rest"

    def refresh(self) -> None:
        """Take over the user's preferences (company, language) as the context of all calls."""
        self.context = self.call("res.user", "get_preferences", True, bare=True)

    def call(self, model: str, method: str, *args: Any, bare: bool = False) -> Any:
        """One call; `bare` without the user's context."""
        context = {} if bare else self.context
        return self._post(f"model.{model}.{method}", [*args, context])

    def wizard(self, name: str, method: str, *args: Any) -> Any:
        """One call of a wizard."""
        return self._post(f"wizard.{name}.{method}", [*args, self.context])

    def create(self, model: str, **values: Any) -> int:
        """Make a record; its key."""
        return int(self.call(model, "create", [values])[0])

    def write(self, model: str, key: int | str, **values: Any) -> None:
        """Change a record."""
        self.call(model, "write", [int(key)], values)

    def delete(self, model: str, key: int | str) -> None:
        """Delete a record for good."""
        self.call(model, "delete", [int(key)])

    def press(self, model: str, button: str, key: int | str) -> None:
        """Press a button of a record's form."""
        self.call(model, button, [int(key)])

    def find(self, model: str, domain: list[Any], *fields: str) -> list[Values]:
        """Records that fit, with these fields; inactive ones too."""
        context = {**self.context, "active_test": False}
        params = [domain, 0, None, [["id", "ASC"]], list(fields), context]
        return list(self._post(f"model.{model}.search_read", params))

    def read(self, model: str, key: int | str, *fields: str) -> Values:
        """One record."""
        return self.find(model, [["id", "=", int(key)]], *fields)[0]

    def party(self, name: str, category: int | None = None, **mechanisms: str) -> int:
        """A party with an address in Oslo, and e-mail, phone, … as given."""
        ways = [{"type": kind, "value": value} for kind, value in mechanisms.items()]
        values: Values = {
            "name": name,
            "addresses": [
                ["create", [{"street_unstructured": "Storgata 1", "postal_code": "0155", "city": "Oslo"}]]
            ],
            "contact_mechanisms": [["create", ways]],
        }
        if category is not None:
            values["categories"] = [["add", [category]]]
        return self.create("party.party", **values)

    def sale(self, base: Base, party: int, product: int, quantity: float, price: str, **values: Any) -> int:
        """A sale in draft, with one line."""
        address = self.find("party.address", [["party", "=", party]], "id")[0]["id"]
        line = {
            "type": "line",
            "product": product,
            "unit": base.unit,
            "quantity": quantity,
            "unit_price": decimal(price),
            "description": "As agreed",
        }
        return self.create(
            "sale.sale",
            party=party,
            company=base.company,
            currency=base.currency,
            invoice_address=address,
            shipment_address=address,
            invoice_method="manual",
            shipment_method="manual",
            lines=[["create", [line]]],
            **values,
        )

    def product(self, base: Base, code: str, name: str, price: str, **values: Any) -> int:
        """A product that can be sold; the key of its variant."""
        template = self.create(
            "product.template",
            name=name,
            type="service",
            default_uom=base.unit,
            sale_uom=base.unit,
            salable=True,
            list_price=decimal(price),
            account_category=base.sales,
            products=[["create", [{"suffix_code": code, **values}]]],
        )
        return int(self.find("product.product", [["template", "=", template]], "id")[0]["id"])

    def employee(self, base: Base, name: str, email: str) -> int:
        """An employee of the company."""
        return self.create(
            "company.employee",
            party=self.party(name, email=email),
            company=base.company,
            start_date=day(date(2024, 1, 1)),
        )

    def _post(self, method: str, params: list[Any]) -> Any:
        body = {"id": 1, "method": method, "params": params}
        answer = self.session.post(f"{self.url}/{DATABASE}/rpc/", json=body, timeout=60)
        answer.raise_for_status()
        said = answer.json()
        if "error" in said:
            raise RpcError(*said["error"])
        return said["result"]


@contextmanager
def tryton(place: Path, folder: Path) -> Iterator[tuple[Tryton, Base]]:
    """A server over a fresh copy of the company's database in `folder`; ended when the block ends."""
    database, base = template(place)
    shutil.copy(database, folder / f"{DATABASE}.sqlite")
    with _served(place, folder) as url:
        yield Tryton(url), base


def template(place: Path) -> tuple[Path, Base]:
    """The database to copy and what is in it; made when this installation has none yet."""
    database, notes = place / "company.sqlite", place / "company.json"
    with one_at_a_time(place):
        if not notes.is_file():
            _make(place, database, notes)
    return database, Base(**json.loads(notes.read_text()))


def _make(place: Path, database: Path, notes: Path) -> None:
    folder = place / "making"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / f"{DATABASE}.sqlite").touch()
    _initialise(place, folder)
    with _served(place, folder) as url:
        base = _set_up(Tryton(url))
    _checkpoint(folder / f"{DATABASE}.sqlite")
    shutil.move(folder / f"{DATABASE}.sqlite", database)
    notes.write_text(json.dumps(base.__dict__))
    shutil.rmtree(folder)


def _checkpoint(database: Path) -> None:
    """Bring what is in the write-ahead log into the file itself, which is all that is copied."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _initialise(place: Path, folder: Path) -> None:
    config = _config(folder, 0)
    password = folder / "password"
    password.write_text("admin\n")
    command = [str(place / "bin" / "trytond-admin"), "-c", str(config), "-d", DATABASE]
    command += ["--email", "admin@example.com", "--activate-dependencies", "-u", *MODULES]
    env = {**os.environ, "TRYTONPASSFILE": str(password)}
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=1200)


@contextmanager
def _served(place: Path, folder: Path) -> Iterator[str]:
    port = free_port()
    command = [str(place / "bin" / "trytond"), "-c", str(_config(folder, port)), "-d", DATABASE]
    url = f"http://127.0.0.1:{port}"
    with process(command, f"{url}/", timeout=60, log=folder / "log"):
        yield url


def _config(folder: Path, port: int) -> Path:
    path = folder / f"trytond-{port}.conf"
    path.write_text(CONFIG.format(folder=folder, port=port))
    return path


def _set_up(user: Tryton) -> Base:
    """A company in Norway that sells in dollars, with accounts, categories and a key for the service."""
    rate = {"date": day(date(2020, 1, 1)), "rate": decimal("1")}
    currency = user.create(
        "currency.currency",
        name="US Dollar",
        symbol="$",
        code="USD",
        numeric_code="840",
        rounding=decimal("0.01"),
        digits=2,
        rates=[["create", [rate]]],
    )
    norway = user.create("country.country", name="Norway", code="NO", code3="NOR", code_numeric="578")
    company = user.create("company.company", party=user.party("Fjell og Fjord AS"), currency=currency)
    user.write("res.user", user.uid, companies=[["add", [company]]], company=company)
    user.refresh()
    sales = _accounts(user, company)
    application = user.create("res.user.application", user=user.uid, application="rest")
    return Base(
        company=company,
        currency=currency,
        norway=norway,
        unit=user.find("product.uom", [["symbol", "=", "u"]], "id")[0]["id"],
        contact=user.create("party.category", name="Contact"),
        customer=user.create("party.category", name="Customer"),
        contact_of=user.create("party.relation.type", name="contact of", usages=[]),
        sales=sales,
        rest_key=user.read("res.user.application", application, "key")["key"],
    )


def _accounts(user: Tryton, company: int) -> int:
    """A chart of accounts by Tryton's own wizard; the key of a product category that uses it."""
    root = user.find("account.account.template", [["parent", "=", None]], "id")[0]["id"]
    wizard, data = user.wizard("account.create_chart", "create")[0], {}
    user.wizard("account.create_chart", "execute", wizard, data, "account")
    data["account"] = {"company": company, "account_template": root}
    user.wizard("account.create_chart", "execute", wizard, data, "create_account")
    accounts = {}
    for kind in ("receivable", "payable", "revenue", "expense"):
        domain = [[f"type.{kind}", "=", True], ["company", "=", company], ["closed", "!=", True]]
        accounts[kind] = user.find("account.account", domain, "id")[0]["id"]
    data["properties"] = {
        "company": company,
        "account_receivable": accounts["receivable"],
        "account_payable": accounts["payable"],
        "category_account_expense": accounts["expense"],
        "category_account_revenue": accounts["revenue"],
    }
    user.wizard("account.create_chart", "execute", wizard, data, "create_properties")
    user.wizard("account.create_chart", "delete", wizard)
    return user.create(
        "product.category",
        name="Sales",
        accounting=True,
        account_revenue=accounts["revenue"],
        account_expense=accounts["expense"],
    )
