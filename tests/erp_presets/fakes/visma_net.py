"""Visma Net ERP, API v1, as its documentation has it.

DOCS is https://docs.vismasoftware.no/vismanetapi/, and CLIENT the models of a client that its users maintain, made from the API's
own description: https://github.com/ON-IT/Visma.Net/tree/master/Visma.net/Models. What is written is wrapped, value by value, in
`{"value": …}` (CLIENT, Visma.net.Tests/Snapshots/CustomerTest.CanDeserializeToDto.verified.txt); what is read is not.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from flask import Response, jsonify, request

from tests.erp_presets.fakes.serving import Clock, FakeErp, Has, Record

TENANT, CLIENT, SECRET = "3c1f4c1e-visma-tenant", "visma-client", "visma-secret"
SCOPE = {f"vismanet_erp_service_api:{right}" for right in ("create", "read", "update")}
MOST = 1000
ADDRESS = {"addressLine1": None, "addressLine2": None, "addressLine3": None, "postalCode": None, "city": None, "country": None}  # fmt: skip
SHOWN: dict[str, Record] = {
    # CLIENT, Contact.cs: a person at a business account; there is nothing to keep another system's key in
    "contact": {"contactId": 0, "displayName": None, "firstName": None, "lastName": None, "position": None, "businessAccount": None, "email": None, "web": None,
                "phone1": None, "phone2": None, "phone3": None, "active": True, "address": ADDRESS},
    # CLIENT, Customer.cs
    "customer": {"number": "", "name": None, "status": "Active", "mainAddress": ADDRESS, "mainContact": {"name": None, "email": None, "web": None, "phone1": None},
                 "corporateId": None, "vatRegistrationId": None, "currencyId": "NOK", "note": None, "attributes": []},
    # CLIENT, Employee.cs
    "employee": {"employeeNumber": "", "employeeName": None, "status": "Active", "department": "SALES", "contact": {"email": None, "phone1": None}, "address": ADDRESS},
    # CLIENT, Inventory.cs
    "inventory": {"inventoryNumber": "", "description": None, "body": None, "status": "Active", "type": "FinishedGoodItem", "itemClass": {"id": "DEFAULT", "description": "Default"},
                  "baseUnit": "STK", "salesUnit": "STK", "defaultPrice": 0, "attributes": []},
    # CLIENT, SalesOrder.cs and SalesOrderLine.cs; a quote is an order of the type QT
    "salesorder": {"orderType": "SO", "orderNo": "", "status": "Open", "date": None, "requestOn": None, "customer": None, "contactId": 0, "currency": "NOK", "customerOrder": None,
                   "note": None, "orderTotal": 0, "taxTotal": 0, "origOrderType": None, "origOrderNbr": None, "lines": []},
}  # fmt: skip
KEYS = {
    "contact": "contactId",
    "customer": "number",
    "employee": "employeeNumber",
    "inventory": "inventoryNumber",
    "salesorder": "orderNo",
}
ATTRIBUTES = {"CHARGEBEE", "BUSINESSENTITY"}
"""Attributes that the company made and gave to the classes of its customers and items; only these two endpoints of
the five have them (https://community.visma.com/t5/Knowledge-base-in-Developers/tkb-p/DV_CO_Vismanet_knowledgebase).
"""
WRITTEN = {
    "contact": {"firstName", "lastName", "position", "email", "web", "phone1", "phone2", "phone3", "active", "address"},
    "customer": {"name", "status", "mainAddress", "mainContact", "corporateId", "vatRegistrationId", "currencyId", "note", "attributeLines"},
    "inventory": {"description", "body", "status", "defaultPrice", "attributeLines"},
    "salesorder": {"requestOn", "customerOrder", "note"},
}  # fmt: skip
"""What of it a company's preset may write; the API takes more."""


class VismaError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def fail(status: int, message: str) -> NoReturn:
    raise VismaError(status, message)


class VismaNet(FakeErp):
    """One company of a tenant."""

    preset = "visma-net"
    has = Has(
        deletions=False,
        makes_contacts=False,
        makes_products=False,
        deletes_contacts=False,
        links_on_contacts=False,
    )

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, dict[str, Record]] = {name: {} for name in SHOWN}
        self._next = 10_000
        self.clock = Clock()
        self.lock = threading.RLock()
        rule = self.app.add_url_rule
        root = "/API/controller/api/v1"
        rule("/connect/token", "token", self._token, methods=["POST"])
        rule(
            f"{root}/salesorder/<key>/action/cancelSalesOrder",
            view_func=self._cancel_order,
            methods=["POST"],
        )
        rule(
            f"{root}/<any(salesorder):kind>/<order_type>/<key>",
            "sale",
            self._one,
            methods=["GET", "PUT", "DELETE"],
        )
        rule(f"{root}/<kind>/<key>", "one", self._one, methods=["GET", "PUT", "DELETE"])
        rule(f"{root}/<kind>", "many", self._many, methods=["GET", "POST"])
        self.app.register_error_handler(VismaError, _told)

    def environment(self, url: str, folder: Path) -> dict[str, str]:
        return {
            "ERP_BASE_URL": f"{url}/API/controller/api/v1",
            "ERP_TOKEN_URL": f"{url}/connect/token",
            "ERP_CLIENT_ID": CLIENT,
            "ERP_TOKEN": SECRET,
            "ERP_TENANT": TENANT,
        }

    def changes(self) -> int:
        return self.clock.ticks

    def _token(self) -> tuple[Response, int]:
        """DOCS authentication/application-registration/service-integrations/: a form with the tenant in it."""
        given = request.form
        known = (given.get("client_id"), given.get("client_secret")) == (CLIENT, SECRET)
        if not known or given.get("grant_type") != "client_credentials":
            return jsonify(error="invalid_client"), 400
        if given.get("tenant_id") != TENANT or set(given.get("scope", "").split()) != SCOPE:
            return jsonify(error="invalid_scope"), 400
        token = secrets.token_hex(20)
        self.sessions.add(token)
        return jsonify(access_token=token, expires_in=3600, token_type="Bearer"), 200

    def _known(self, kind: str) -> dict[str, Record]:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.sessions:
            fail(401, "Authorization has been denied for this request.")
        if kind not in self.rows:
            fail(404, f"No HTTP resource was found that matches the request URI '{request.url}'.")
        return self.rows[kind]

    def _many(self, kind: str) -> tuple[Response, int]:
        rows = self._known(kind)
        with self.lock:
            if request.method == "POST":
                return self._created(kind)
            asked = dict(request.args)
            # DOCS api-reference/features/pagination/: both are mandatory; the first page is 1.
            if "pageNumber" not in asked or "pageSize" not in asked:
                fail(400, "pageNumber and pageSize are mandatory")
            page, size = int(asked.pop("pageNumber")), min(int(asked.pop("pageSize")), MOST)
            found = list(rows.values())
            # DOCS api-reference/features/date-time-condition-operators/: a moment, and how it is compared.
            since, how = (
                asked.pop("lastModifiedDateTime", None),
                asked.pop("lastModifiedDateTimeCondition", None),
            )
            if (since is None) != (how is None) or how not in (None, ">=", ">"):
                fail(400, "lastModifiedDateTime and lastModifiedDateTimeCondition belong together")
            if since is not None:
                at = datetime.fromisoformat(since).isoformat(timespec="microseconds")
                found = [row for row in found if str(row["lastModifiedDateTime"]) >= at]
            if (wanted := asked.pop("attributes", None)) is not None and kind in ("customer", "inventory"):
                # {"CHARGEBEE": "…"}: the whole text, no part of one (the knowledge base, as of ATTRIBUTES)
                for name, value in json.loads(wanted).items():
                    found = [row for row in found if {one["id"]: one["value"] for one in row["attributes"]}.get(name) == value]  # fmt: skip
            if kind == "salesorder" and (order_type := asked.pop("orderType", None)) is not None:
                found = [row for row in found if row["orderType"] == order_type]
            if asked:
                fail(400, f"unknown parameters: {', '.join(asked)}")
            # Each record of a list says how many there are (https://docs.vismasoftware.no/visma-net-erp/release-notes/
            # 2021-02-16-get-customer-no-longer-returns-metadata-maxpagesize-totalcount/).
            about = {"totalCount": len(found), "maxPageSize": MOST}
            some = found[(page - 1) * size : page * size]
            return jsonify([{**row, "metadata": about} for row in some]), 200

    def _one(self, kind: str, key: str, order_type: str | None = None) -> Response:
        rows = self._known(kind)
        row = rows.get(key)
        if row is None or (order_type is not None and row["orderType"] != order_type):
            fail(404, f"{kind} {key} was not found")
        with self.lock:
            if request.method == "DELETE" or (request.method == "PUT" and kind not in WRITTEN):
                fail(405, "The requested resource does not support this http method.")
            if request.method == "PUT":
                # DOCS api-reference/features/etag/: If-Match may be left out; 412 if it is old; else 204 with the new tag.
                if request.headers.get("If-Match") not in (None, _etag(row)):
                    fail(412, "Precondition Failed")
                self._put(kind, row, request.get_json(silent=True))
                return Response(status=204, headers={"ETag": _etag(row)})
            answer = jsonify(row)
            answer.headers["ETag"] = _etag(row)
            return answer

    def _created(self, kind: str) -> tuple[Response, int]:
        """201 without a body; the header Location holds the key (the knowledge base, as of ATTRIBUTES)."""
        if kind != "customer":
            fail(405, "The requested resource does not support this http method.")
        row = self._make(kind, {})
        self._put(kind, row, request.get_json(silent=True))
        return Response(status=201, headers={"Location": f"{request.base_url}/{row[KEYS[kind]]}"}), 201

    def _cancel_order(self, key: str) -> tuple[Response, int]:
        """CLIENT, Visma.net/lib/Data/SalesOrderData.cs: actions are POST below the record."""
        row = self._known("salesorder").get(key)
        if row is None or (request.get_json(silent=True) or {}).get("orderType") != row["orderType"]:
            fail(404, f"salesorder {key} was not found")
        if row["status"] in ("Cancelled", "Completed"):
            fail(400, "The order can't be cancelled in its current state.")
        with self.lock:
            row["status"] = "Cancelled"
            self._touch(row)
        return jsonify(actionId=0, actionResult="OK"), 200

    def _put(self, kind: str, row: Record, body: Any) -> None:
        if not isinstance(body, dict):
            fail(400, "the body is no JSON object")
        for name, wrapped in body.items():
            if name not in WRITTEN[kind]:
                fail(400, f"{name} can't be written")
            if name == "attributeLines":
                self._put_attributes(row, wrapped)
                continue
            value = _unwrapped(name, wrapped)
            if not isinstance(value, dict):
                row[name] = None if value == "" else value
                continue
            inner = {field: _unwrapped(field, one) for field, one in value.items()}
            if "countryId" in inner:
                country = inner.pop("countryId")
                inner["country"] = None if country is None else {"id": country, "name": country}
            if unknown := inner.keys() - SHOWN[kind][name].keys():
                fail(400, f"{name} has no {', '.join(unknown)}")
            row[name] = {**row[name], **inner}
        self._touch(row)

    def _put_attributes(self, row: Record, lines: list[Record]) -> None:
        """Attributes that are not named stay as they are (CLIENT, Customer.cs: attributeLines)."""
        have = {one["id"]: one for one in row["attributes"]}
        for line in lines:
            if line.keys() != {"attributeId", "attributeValue"}:
                fail(400, "an attribute line has attributeId and attributeValue")
            name = _unwrapped("attributeId", line["attributeId"])
            if name not in ATTRIBUTES:
                fail(400, f"the class has no attribute {name}")
            value = _unwrapped("attributeValue", line["attributeValue"])
            have[name] = {"id": name, "description": name.title(), "value": value}
        row["attributes"] = list(have.values())

    def _make(self, kind: str, values: Record) -> Record:
        self._next += 1
        row: Record = {**json.loads(json.dumps(SHOWN[kind])), **values}
        own = KEYS[kind]
        if not row[own]:
            row[own] = self._next if own == "contactId" else str(self._next)
        self._touch(row)
        self.rows[kind][str(row[own])] = row
        return row

    def _touch(self, row: Record) -> None:
        moment = self.clock.tick().replace(tzinfo=None)
        row["lastModifiedDateTime"] = moment.isoformat(timespec="microseconds")
        row["timeStamp"] = base64.b64encode(self.clock.ticks.to_bytes(8, "big")).decode()

    def _change(self, kind: str, key: str, **values: Any) -> None:
        with self.lock:
            self.rows[kind][key] |= values
            self._touch(self.rows[kind][key])

    def company(self, name: str, email: str) -> str:
        main = {"mainContact": {"name": name, "email": email, "web": None, "phone1": None}}
        where = {
            **ADDRESS,
            "addressLine1": "Kaia 1",
            "city": "Bergen",
            "country": {"id": "NO", "name": "Norway"},
        }
        return str(self._make("customer", {"name": name, **main, "mainAddress": where})["number"])

    def contact(self, first: str, last: str, email: str, phone: str, city: str, company: str) -> str:
        person = {
            "firstName": first,
            "lastName": last,
            "email": email,
            "phone1": phone or None,
            "businessAccount": company,
        }
        where = {**ADDRESS, "city": city, "country": {"id": "NO", "name": "Norway"}}
        return str(self._make("contact", {**person, "address": where})["contactId"])

    def employee(self, first: str, last: str, email: str) -> str:
        person = {"employeeName": f"{first} {last}", "contact": {"email": email, "phone1": None}}
        return str(self._make("employee", person)["employeeNumber"])

    def product(self, sku: str, name: str, price: str, description: str) -> str:
        item = {
            "inventoryNumber": sku,
            "description": name,
            "body": description,
            "defaultPrice": float(price),
        }
        return str(self._make("inventory", item)["inventoryNumber"])

    def sale(
        self, kind: str, company: str, contact: str, product: str, quantity: int, price: str, note: str
    ) -> str:
        line = {
            "lineNbr": 1,
            "inventory": {"number": product, "description": "Anchor chain"},
            "lineDescription": "Anchor chain",
            "quantity": float(quantity),
            "uom": "STK",
            "unitPrice": float(price),
            "discountPercent": 0.0,
            "extPrice": quantity * float(price),
        }
        about = {
            "orderType": "QT" if kind == "quote" else "SO",
            "date": f"{self.clock.tick().date().isoformat()}T00:00:00",
            "customer": {"number": company, "name": self.rows["customer"][company]["name"]},
            "contactId": int(contact),
            "note": note,
            "orderTotal": line["extPrice"],
        }
        return str(self._make("salesorder", {**about, "lines": [line]})["orderNo"])

    def win(self, quote: str) -> None:
        """Copied to a sales order, which names it; the quote is completed (CLIENT, SalesOrder.cs: origOrderNbr)."""
        offer = self.rows["salesorder"][quote]
        names = ("date", "customer", "contactId", "note", "orderTotal", "lines")
        copied = {name: offer[name] for name in names}
        self._make("salesorder", {**copied, "orderType": "SO", "origOrderType": "QT", "origOrderNbr": quote})
        self._change("salesorder", quote, status="Completed")

    def edit_contact(self, key: str, **fields: str) -> None:
        row = self.rows["contact"][key]
        names = {"first": "firstName", "last": "lastName", "email": "email", "phone": "phone1"}
        values: Record = {names[name]: value for name, value in fields.items() if name in names}
        if "city" in fields:
            values["address"] = {**row["address"], "city": fields["city"]}
        self._change("contact", key, **values)

    def see_contact(self, key: str) -> Record | None:
        row = self.rows["contact"].get(key)
        if row is None:
            return None
        return {
            "first": row["firstName"],
            "last": row["lastName"],
            "email": row["email"],
            "phone": row["phone1"],
            "city": row["address"]["city"],
            "link": None,
        }

    def find_contact(self, email: str) -> str:
        (key,) = [key for key, row in self.rows["contact"].items() if row["email"] == email]
        return key

    def products(self) -> list[str]:
        return list(self.rows["inventory"])

    def edit_product(self, key: str, **fields: str) -> None:
        names = {"name": "description", "description": "body", "price": "defaultPrice"}
        values = {names[name]: float(value) if name == "price" else value for name, value in fields.items()}
        self._change("inventory", key, **values)

    def see_product(self, key: str) -> Record:
        row = self.rows["inventory"][key]
        link = {one["id"]: one["value"] for one in row["attributes"]}.get("CHARGEBEE")
        return {
            "name": row["description"],
            "description": row["body"],
            "price": f"{row['defaultPrice']:.2f}",
            "link": link,
        }

    def edit_note(self, kind: str, key: str, note: str) -> None:
        self._change("salesorder", key, note=note)

    def see_note(self, kind: str, key: str) -> str | None:
        return self.rows["salesorder"][key]["note"]

    def remove_contact(self, key: str) -> None:
        del self.rows["contact"][key]


def _unwrapped(name: str, wrapped: Any) -> Any:
    if not isinstance(wrapped, dict) or list(wrapped) != ["value"]:
        fail(400, f'{name} must be written as {{"value": …}}')
    return wrapped["value"]


def _etag(row: Record) -> str:
    """DOCS api-reference/features/etag/: the timeStamp of the record, in quotes."""
    return f'"{row["timeStamp"]}"'


def _told(error: VismaError) -> tuple[Response, int]:
    return jsonify(message=str(error)), error.status
