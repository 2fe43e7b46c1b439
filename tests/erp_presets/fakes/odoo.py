"""Odoo: an ORM in memory behind the two external APIs, JSON-2 (from version 19) and JSON-RPC (up to 18, and still there).

JSON-2: `POST /json/2/<model>/<method>` with a bearer key; arguments by name, `ids` for methods of records; the result
as it is; errors with their status and `{"name", "message", "arguments", "context", "debug"}`.
https://www.odoo.com/documentation/19.0/developer/reference/external_api.html

JSON-RPC: `POST /jsonrpc`, service `object`, method `execute_kw` with database, user id, password, model, method,
positional arguments and named ones; errors come with status 200 in `error.data`.
https://www.odoo.com/documentation/18.0/developer/howtos/web_services.html#json-rpc-library
https://www.odoo.com/documentation/18.0/developer/reference/external_api.html (search_read, create, write, unlink)

Fields, domains, commands: https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html
What is none is read as `false`; a many2one as `[id, name]`; stamps are UTC without an offset.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from flask import Response, jsonify, request

from tests.erp_presets.fakes.serving import Clock, FakeErp, Has, Record

DATABASE, KEY, USER = "acme", "odoo-key", 7
STAMP = "%Y-%m-%d %H:%M:%S"
STATUS = {
    "AccessDenied": 401,
    "AccessError": 403,
    "MissingError": 404,
    "UserError": 422,
    "ValidationError": 422,
}
"""odoo.exceptions and the statuses that JSON-2 answers them with."""

TEXT, NUMBER, FLAG, DAY, MOMENT, ONE, MANY, HTML = (
    "char",
    "float",
    "boolean",
    "date",
    "datetime",
    "many2one",
    "one2many",
    "html",
)


class OdooError(Exception):
    """One of odoo.exceptions."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def fail(name: str, message: str) -> NoReturn:
    raise OdooError(name, message)


@dataclass
class Model:
    """A model: its fields by name, `(type, model of a relation)`; values that new records have; required fields."""

    fields: dict[str, tuple[str, str]]
    defaults: Record = field(default_factory=dict)
    required: tuple[str, ...] = ()
    rows: dict[int, Record] = field(default_factory=dict)


def texts(*names: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(names, (TEXT, ""))


LOG = {"create_date": (MOMENT, ""), "write_date": (MOMENT, ""), "id": ("integer", "")}
ADDRESS = {
    **texts("street", "street2", "city", "zip"),
    "country_id": (ONE, "res.country"),
    "state_id": (ONE, "res.country.state"),
}


def models() -> dict[str, Model]:
    """The models that are there, with the fields that matter here; `x_…` are fields that somebody added."""
    return {
        "res.country": Model(texts("name", "code"), rows={1: {"name": "Norway", "code": "NO"}, 2: {"name": "Sweden", "code": "SE"}}),
        "res.country.state": Model(texts("name", "code")),
        "res.currency": Model(texts("name"), rows={1: {"name": "NOK"}, 2: {"name": "EUR"}}),
        "uom.uom": Model(texts("name"), rows={1: {"name": "Units"}, 2: {"name": "m"}}),
        "res.partner": Model(
            {**texts("name", "email", "phone", "function", "vat", "company_registry", "website", "lang", "x_chargebee_id", "x_business_entity_id"), **ADDRESS,
             "active": (FLAG, ""), "is_company": (FLAG, ""), "parent_id": (ONE, "res.partner"), "comment": (TEXT, "")},
            {"active": True, "is_company": False, "lang": "en_US"}, ("name",),
        ),
        "hr.employee": Model(
            {**texts("name", "work_email", "work_phone", "mobile_phone", "job_title", "x_chargebee_id"), "active": (FLAG, ""), "company_id": (ONE, "res.company")},
            {"active": True, "company_id": 1}, ("name",),
        ),
        "res.company": Model(texts("name"), rows={1: {"name": "Fjell og Fjord AS"}}),
        "product.product": Model(
            {**texts("name", "default_code", "description_sale", "x_chargebee_id"), "active": (FLAG, ""), "sale_ok": (FLAG, ""), "type": (TEXT, ""),
             "list_price": (NUMBER, ""), "uom_id": (ONE, "uom.uom"), "currency_id": (ONE, "res.currency")},
            {"active": True, "sale_ok": True, "type": "consu", "list_price": 1.0, "uom_id": 1, "currency_id": 1}, ("name",),
        ),
        "sale.order": Model(
            {**texts("name", "client_order_ref", "x_chargebee_id", "state"), "note": (HTML, ""), "partner_id": (ONE, "res.partner"), "date_order": (MOMENT, ""),
             "validity_date": (DAY, ""), "currency_id": (ONE, "res.currency"), "order_line": (MANY, "sale.order.line"),
             "amount_untaxed": (NUMBER, ""), "amount_tax": (NUMBER, ""), "amount_total": (NUMBER, ""), "user_id": (ONE, "res.users")},
            {"state": "draft", "currency_id": 1}, ("partner_id",),
        ),
        "sale.order.line": Model(
            {"order_id": (ONE, "sale.order"), "product_id": (ONE, "product.product"), "name": (TEXT, ""), "product_uom_qty": (NUMBER, ""), "price_unit": (NUMBER, ""),
             "price_subtotal": (NUMBER, ""), "sequence": ("integer", "")},
            {"product_uom_qty": 1.0, "price_unit": 0.0, "sequence": 10}, ("order_id",),
        ),
        "res.users": Model(texts("name")),
    }  # fmt: skip


class Orm:
    """Search, read, create, write, unlink, and the buttons of a sale; every argument is checked."""

    def __init__(self) -> None:
        self.models = models()
        self.clock = Clock()
        self._last: dict[str, int] = {}
        self.lock = threading.RLock()
        for name, model in self.models.items():
            model.fields |= LOG
            self._last[name] = max(model.rows, default=0)
            for key, row in model.rows.items():
                stamp = self.clock.tick().strftime(STAMP)
                row |= {"id": key, "create_date": stamp, "write_date": stamp}

    def call(self, model: str, method: str, ids: Any, args: Mapping[str, Any]) -> Any:
        """Carry out a method by its named arguments."""
        if model not in self.models:
            fail("UserError", f"the model {model} does not exist")
        known: dict[str, Callable[..., Any]] = {
            "search_read": self.search_read, "read": self.read, "create": self.create, "write": self.write, "unlink": self.unlink,
        }  # fmt: skip
        buttons = ("action_confirm", "action_cancel", "action_draft", "action_quotation_sent")
        given = {name: value for name, value in args.items() if name != "context"}
        with self.lock:
            if method in buttons and model == "sale.order":
                return self.press(method, self._rows(model, ids))
            if method not in known:
                fail("AccessError", f"{method} is no public method of {model}")
            try:
                if method in ("search_read", "create"):
                    return known[method](model, **given)
                return known[method](model, ids, **given)
            except TypeError as error:
                fail("UserError", f"{method}: {error}")

    def search_read(
        self,
        model: str,
        domain: Any = (),
        fields: Any = (),
        offset: int = 0,
        limit: Any = None,
        order: str = "id",
    ) -> list[Record]:
        rows = [row for row in self.models[model].rows.values() if self._fits(model, row, list(domain))]
        active = not any(one[0] == "active" for one in domain if isinstance(one, list))
        if "active" in self.models[model].fields and active:
            rows = [row for row in rows if row["active"]]
        for part in reversed(order.split(",")):
            name, _, way = part.strip().partition(" ")
            self._field(model, name)
            rows.sort(
                key=lambda row: (row[name] is not False, row[name]), reverse=way.strip().lower() == "desc"
            )
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
            fail("UserError", f"limit {limit!r} is no number")
        return [
            self._shown(model, row, fields)
            for row in rows[offset : None if limit is None else offset + limit]
        ]

    def read(self, model: str, ids: Any, fields: Any = (), load: str = "_classic_read") -> list[Record]:
        return [self._shown(model, row, fields) for row in self._rows(model, ids)]

    def create(self, model: str, vals_list: Any) -> Any:
        if not isinstance(vals_list, list):
            return self.create(model, [vals_list])[0]
        made = []
        for vals in vals_list:
            stamp = self.clock.tick().strftime(STAMP)
            self._last[model] += 1
            key = self._last[model]
            row = {**dict.fromkeys(self.models[model].fields, False), **self.models[model].defaults}
            row |= {"id": key, "create_date": stamp, "write_date": stamp}
            for name, (kind, _) in self.models[model].fields.items():
                if kind == MANY:
                    row[name] = []
            if model == "sale.order":
                row |= {"name": f"S{key:05}", "date_order": stamp}
            self.models[model].rows[key] = row
            try:
                self._put(model, row, vals)
                for name in self.models[model].required:
                    if row[name] is False:
                        fail(
                            "ValidationError", f"Missing required value for the field {name} ({model}.{name})"
                        )
            except OdooError:
                del self.models[model].rows[key]
                raise
            made.append(key)
        return made

    def write(self, model: str, ids: Any, vals: Any) -> bool:
        for row in self._rows(model, ids):
            self._put(model, row, vals)
            self._touch(row)
        return True

    def unlink(self, model: str, ids: Any) -> bool:
        for row in self._rows(model, ids):
            if model == "sale.order" and row["state"] not in ("draft", "sent", "cancel"):
                fail("UserError", "You can not delete a sent quotation or a confirmed sales order.")
            del self.models[model].rows[row["id"]]
        return True

    def press(self, button: str, sales: list[Record]) -> bool:
        """https://www.odoo.com/documentation/19.0/applications/sales/sales/sales_quotations: draft, sent, sale, cancel."""
        for sale in sales:
            state = sale["state"]
            if button == "action_confirm" and state not in ("draft", "sent"):
                fail("UserError", "Some orders are not in a state requiring confirmation.")
            if button == "action_draft" and state not in ("cancel", "sent"):
                fail("UserError", "only a cancelled or sent order becomes a quotation again")
            sale["state"] = {
                "action_confirm": "sale", "action_cancel": "cancel", "action_draft": "draft", "action_quotation_sent": "sent",
            }[button]  # fmt: skip
            self._touch(sale)
        return True

    def _touch(self, row: Record) -> None:
        """`write_date` is kept by the ORM:
        https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#automatic-fields
        """
        row["write_date"] = self.clock.tick().strftime(STAMP)

    def _rows(self, model: str, ids: Any) -> list[Record]:
        """A record that is not there is a MissingError:
        https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#odoo.exceptions.MissingError
        """
        if not isinstance(ids, list) or not all(type(key) is int for key in ids):
            fail("UserError", f"ids must be a list of whole numbers, not {ids!r}")
        rows = self.models[model].rows
        for key in ids:
            if key not in rows:
                fail("MissingError", f"Record does not exist or has been deleted. (Record: {model}({key},))")
        return [rows[key] for key in ids]

    def _field(self, model: str, name: str) -> tuple[str, str]:
        if name not in self.models[model].fields:
            fail("ValidationError", f"Invalid field {model}.{name}")
        return self.models[model].fields[name]

    def _put(self, model: str, row: Record, vals: Any) -> None:
        """`write`, and who may not be written:
        https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#odoo.models.Model.write
        """
        if not isinstance(vals, dict):
            fail("UserError", f"vals must be an object, not {vals!r}")
        for name, value in vals.items():
            kind, other = self._field(model, name)
            if name in LOG or name in ("amount_untaxed", "amount_total", "price_subtotal"):
                fail("AccessError", f"{name} is read-only")
            if kind == MANY:
                self._command(other, row, name, value)
            elif value is None:
                fail("UserError", f"{name}: null is no value; what is empty is false")
            else:
                row[name] = self._checked(model, name, kind, other, value)
        if model == "sale.order":
            self._sum(row)

    def _checked(self, model: str, name: str, kind: str, other: str, value: Any) -> Any:
        """What each kind of field takes:
        https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#fields
        """
        if value is False and kind != FLAG:
            if name in self.models[model].required:
                fail("ValidationError", f"Missing required value for the field {name} ({model}.{name})")
            return 0.0 if kind == NUMBER else False
        if kind == HTML and isinstance(value, str):
            # odoo.tools.html_sanitize: bare text becomes a paragraph.
            return value if value.lstrip().startswith("<") else f"<p>{value}</p>"
        good = {
            TEXT: (str,),
            NUMBER: (int, float),
            FLAG: (bool,),
            HTML: (str,),
            DAY: (str,),
            MOMENT: (str,),
            ONE: (int,),
            "integer": (int,),
        }
        if not isinstance(value, good[kind]) or (kind != FLAG and isinstance(value, bool)):
            fail("ValidationError", f"Wrong value for {model}.{name}: {value!r}")
        if kind == ONE and value not in self.models[other].rows:
            fail("MissingError", f"Record does not exist or has been deleted. (Record: {other}({value},))")
        if kind == MOMENT:
            # odoo.fields.Datetime.to_datetime takes a day as its midnight.
            value = f"{value} 00:00:00" if len(value) == 10 else value
            if len(value) != 19 or value[10] != " ":
                fail("ValidationError", f"{value!r} is no datetime")
        return value

    def _command(self, model: str, row: Record, name: str, commands: Any) -> None:
        """(0, 0, values) creates, (1, id, values) updates, (2, id, 0) deletes; see Command in the ORM reference."""
        for number, key, *rest in commands:
            if number == 0:
                row[name] = [*row[name], *self.create(model, [{**rest[0], "order_id": row["id"]}])]
            elif number == 1:
                self.write(model, [key], rest[0])
            elif number == 2:
                self.unlink(model, [key])
                row[name] = [one for one in row[name] if one != key]
            else:
                fail("UserError", f"no command {number}")

    def _sum(self, sale: Record) -> None:
        total = 0.0
        for key in sale["order_line"]:
            line = self.models["sale.order.line"].rows[key]
            line["price_subtotal"] = round(line["product_uom_qty"] * line["price_unit"], 2)
            total += line["price_subtotal"]
        sale |= {"amount_untaxed": total, "amount_tax": 0.0, "amount_total": total}

    def _shown(self, model: str, row: Record, fields: Any) -> Record:
        """`read`: what is none is false, a many2one its key and name:
        https://www.odoo.com/documentation/19.0/developer/reference/external_api.html and
        https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#odoo.models.Model.read
        """
        names = list(fields) or list(self.models[model].fields)
        shown = {"id": row["id"]}
        for name in names:
            kind, other = self._field(model, name)
            value = row.get(name, False)
            if kind == ONE and value is not False:
                there = self.models[other].rows.get(value, {})
                value = [value, there.get("name") or f"{other},{value}"]
            shown[name] = value
        return shown

    def _fits(self, model: str, row: Record, domain: list[Any]) -> bool:
        """Prefix notation: terms are joined by "&", unless "|" or "!" say otherwise."""

        def take(at: int) -> tuple[bool, int]:
            term = domain[at]
            if term in ("&", "|"):
                left, after = take(at + 1)
                right, end = take(after)
                return (left and right) if term == "&" else (left or right), end
            if term == "!":
                inner, end = take(at + 1)
                return not inner, end
            return self._term(model, row, term), at + 1

        at, good = 0, True
        while at < len(domain):
            fits, at = take(at)
            good = good and fits
        return good

    def _term(self, model: str, row: Record, term: Any) -> bool:
        """The operators of a term:
        https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#search-domains
        """
        if not isinstance(term, list) or len(term) != 3:
            fail("UserError", f"{term!r} is no term of a domain")
        name, operator, value = term
        kind, _ = self._field(model, name)
        have = row.get(name, False)
        if kind in ("integer", ONE) and any(
            type(one) is not int
            for one in (value if isinstance(value, list) else [value])
            if one is not False
        ):
            fail("UserError", f"{name} {operator} {value!r}: keys are whole numbers")
        if operator in ("in", "not in"):
            return (have in value) == (operator == "in")
        if operator in ("=", "!="):
            return (have == value) == (operator == "=")
        if have is False:
            return False
        return {"<": have < value, "<=": have <= value, ">": have > value, ">=": have >= value}[operator]


class Odoo(FakeErp):
    """Version 19 through JSON-2."""

    preset = "odoo-19"
    has = Has()

    def __init__(self) -> None:
        super().__init__()
        self.orm = Orm()
        self.app.add_url_rule("/json/2/<model>/<method>", view_func=self._json2, methods=["POST"])
        self.app.add_url_rule("/jsonrpc", view_func=self._rpc, methods=["POST"])

    def environment(self, url: str, folder: Path) -> dict[str, str]:
        return {"ERP_BASE_URL": f"{url}/json/2", "ERP_TOKEN": KEY, "ERP_DATABASE": DATABASE}

    def _json2(self, model: str, method: str) -> tuple[Response, int]:
        """As https://www.odoo.com/documentation/19.0/developer/reference/external_api.html has it."""
        try:
            if request.headers.get("Authorization", "").lower() != f"bearer {KEY}".lower():
                fail("AccessDenied", "Invalid apikey")
            if request.headers.get("X-Odoo-Database") != DATABASE:
                fail("AccessDenied", "no such database")
            if request.mimetype != "application/json" or not isinstance(request.get_json(silent=True), dict):
                fail("UserError", "the body must be a JSON object")
            args = dict(request.get_json())
            return jsonify(self.orm.call(model, method, args.pop("ids", []), args)), 200
        except OdooError as error:
            body = {
                "name": f"odoo.exceptions.{error.name}",
                "message": str(error),
                "arguments": [str(error)],
                "context": {},
                "debug": "Traceback …",
            }
            return jsonify(body), STATUS[error.name]

    def _rpc(self) -> Response:
        """As https://www.odoo.com/documentation/18.0/developer/howtos/web_services.html#json-rpc-library has it."""
        asked = request.get_json()
        answer = {"jsonrpc": "2.0", "id": asked.get("id")}
        try:
            params = asked["params"]
            if (asked["jsonrpc"], asked["method"], params["service"], params["method"]) != (
                "2.0",
                "call",
                "object",
                "execute_kw",
            ):
                fail("UserError", "this fake knows execute_kw alone")
            database, user, password, model, method, args, *named = params["args"]
            if (database, user, password) != (DATABASE, USER, KEY):
                fail("AccessDenied", "Access Denied")
            return jsonify({**answer, "result": self._positional(model, method, args, dict(*named))})
        except OdooError as error:
            data = {
                "name": f"odoo.exceptions.{error.name}",
                "message": str(error),
                "arguments": [str(error)],
                "context": {},
                "debug": "Traceback …",
            }
            return jsonify({**answer, "error": {"code": 200, "message": "Odoo Server Error", "data": data}})

    def _positional(self, model: str, method: str, args: list[Any], named: Record) -> Any:
        """As https://www.odoo.com/documentation/18.0/developer/reference/external_api.html#calling-methods has it."""
        order = {
            "search_read": ["domain", "fields"],
            "create": ["vals_list"],
            "read": ["ids", "fields"],
            "write": ["ids", "vals"],
        }.get(method, ["ids"])
        given = {**dict(zip(order, args, strict=False)), **named}
        return self.orm.call(model, method, given.pop("ids", []), given)

    def changes(self) -> int:
        return self.orm.clock.ticks

    def products(self) -> list[str]:
        return [str(key) for key in self.orm.models["product.product"].rows]

    def _new(self, model: str, **vals: Any) -> str:
        with self.orm.lock:
            return str(self.orm.create(model, [vals])[0])

    def _change(self, model: str, key: str, **vals: Any) -> None:
        with self.orm.lock:
            self.orm.write(model, [int(key)], vals)

    def company(self, name: str, email: str) -> str:
        return self._new(
            "res.partner", name=name, email=email, is_company=True, vat="NO999999999MVA", country_id=1
        )

    def contact(self, first: str, last: str, email: str, phone: str, city: str, company: str) -> str:
        person = {
            "name": f"{first} {last}",
            "email": email,
            "phone": phone,
            "city": city,
            "parent_id": int(company),
        }
        return self._new("res.partner", **person, country_id=1)

    def employee(self, first: str, last: str, email: str) -> str:
        return self._new("hr.employee", name=f"{first} {last}", work_email=email)

    def product(self, sku: str, name: str, price: str, description: str) -> str:
        return self._new(
            "product.product",
            default_code=sku,
            name=name,
            list_price=float(price),
            description_sale=description,
        )

    def sale(
        self, kind: str, company: str, contact: str, product: str, quantity: int, price: str, note: str
    ) -> str:
        line = {
            "product_id": int(product),
            "name": "Anchor chain",
            "product_uom_qty": float(quantity),
            "price_unit": float(price),
        }
        key = self._new("sale.order", partner_id=int(contact), note=note, order_line=[[0, 0, line]])
        with self.orm.lock:
            self.orm.press("action_quotation_sent", [self.orm.models["sale.order"].rows[int(key)]])
        if kind == "order":
            self.win(key)
        return key

    def win(self, quote: str) -> None:
        with self.orm.lock:
            self.orm.press("action_confirm", [self.orm.models["sale.order"].rows[int(quote)]])

    def edit_contact(self, key: str, **fields: str) -> None:
        person = self.orm.models["res.partner"].rows[int(key)]
        first, _, last = str(person["name"]).rpartition(" ")
        name = f"{fields.pop('first', first)} {fields.pop('last', last)}"
        self._change("res.partner", key, name=name, **fields)

    def see_contact(self, key: str) -> Record | None:
        row = self.orm.models["res.partner"].rows.get(int(key))
        if row is None:
            return None
        first, _, last = str(row["name"]).rpartition(" ")
        return {
            "first": first,
            "last": last,
            "link": row["x_chargebee_id"],
            **{name: row[name] for name in ("email", "phone", "city")},
        }

    def find_contact(self, email: str) -> str:
        (key,) = [key for key, row in self.orm.models["res.partner"].rows.items() if row["email"] == email]
        return str(key)

    def edit_product(self, key: str, **fields: str) -> None:
        names = {"name": "name", "description": "description_sale", "price": "list_price"}
        self._change(
            "product.product",
            key,
            **{names[name]: float(value) if name == "price" else value for name, value in fields.items()},
        )

    def see_product(self, key: str) -> Record:
        row = self.orm.models["product.product"].rows[int(key)]
        return {
            "name": row["name"],
            "description": row["description_sale"],
            "price": f"{row['list_price']:.2f}",
            "link": row["x_chargebee_id"],
        }

    def edit_note(self, kind: str, key: str, note: str) -> None:
        self._change("sale.order", key, note=note)

    def see_note(self, kind: str, key: str) -> str | None:
        note = self.orm.models["sale.order"].rows[int(key)]["note"]
        return None if note is False else note.removeprefix("<p>").removesuffix("</p>")

    def remove_contact(self, key: str) -> None:
        with self.orm.lock:
            self.orm.unlink("res.partner", [int(key)])


class OdooRpc(Odoo):
    """Versions up to 18 through JSON-RPC."""

    preset = "odoo-18"

    def environment(self, url: str, folder: Path) -> dict[str, str]:
        return {"ERP_BASE_URL": url, "ERP_TOKEN": KEY, "ERP_DATABASE": DATABASE, "ERP_USER_ID": str(USER)}
