"""ERPNext on the Frappe framework, REST API v1, as its documentation has it.

* https://docs.frappe.io/framework/user/en/api/rest: `/api/resource/<DocType>`; basic auth with API key and secret; `fields`, `filters`,
  `order_by`, `limit_start`, `limit_page_length` (JSON in the query); one document below `data`; PUT changes what is sent; DELETE is
  answered 202 `{"message": "ok"}`.
* https://docs.frappe.io/framework/user/en/guides/integration/rest_api/manipulating_documents: lists show no child tables.
* https://docs.frappe.io/framework/user/en/basics/doctypes/docfield and …/api/document: `modified` of what was read is compared on save
  (TimestampMismatchError); a submitted document (docstatus 1) takes changes only in fields that allow it (UpdateAfterSubmitError).
* `Deleted Document` keeps doctype and name of what was deleted (https://docs.frappe.io/framework/user/en/desk/deleted-documents).
* Stamps are in the site's time zone and say none. `custom_…` are fields that the company added.
"""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from flask import Response, jsonify, request

from tests.erp_presets.fakes.serving import Clock, FakeErp, Has, Record

KEY, SECRET = "frappe-key", "frappe-secret"
SITE = ZoneInfo("Europe/Oslo")
SYSTEM = {"name", "creation", "modified", "owner", "docstatus", "doctype"}
STATUS = {"AuthenticationError": 401, "PermissionError": 403, "DoesNotExistError": 404, "DuplicateEntryError": 409, "ValidationError": 417,
          "TimestampMismatchError": 417, "UpdateAfterSubmitError": 417, "LinkExistsError": 417, "MandatoryError": 417, "DataError": 417}  # fmt: skip

FIELDS: dict[str, dict[str, Any]] = {
    "Customer": {"customer_name": None, "customer_type": "Company", "tax_id": None, "website": None, "email_id": None, "mobile_no": None, "default_currency": "NOK",
                 "disabled": 0, "language": "en", "custom_chargebee_id": None, "custom_business_entity_id": None},
    "Contact": {"first_name": None, "last_name": None, "designation": None, "company_name": None, "email_id": None, "phone": None, "address": None, "status": "Passive",
                "email_ids": [], "phone_nos": [], "links": [], "custom_chargebee_id": None},
    "Address": {"address_title": None, "address_type": "Office", "address_line1": None, "address_line2": None, "city": None, "state": None, "pincode": None,
                "country": None, "links": []},
    "Country": {"country_name": None, "code": None},
    "Employee": {"first_name": None, "last_name": None, "employee_name": None, "company_email": None, "cell_number": None, "designation": None, "status": "Active",
                 "company": "Fjell AS", "date_of_joining": None, "relieving_date": None, "custom_chargebee_id": None},
    "Item": {"item_code": None, "item_name": None, "description": None, "stock_uom": "Nos", "standard_rate": 0.0, "is_stock_item": 1, "is_sales_item": 1, "disabled": 0,
             "item_group": "Products", "custom_chargebee_id": None},
    "Quotation": {"quotation_to": "Customer", "party_name": None, "contact_person": None, "transaction_date": None, "valid_till": None, "currency": "NOK", "items": [],
                  "net_total": 0.0, "total_taxes_and_charges": 0.0, "grand_total": 0.0, "status": "Draft", "custom_note": None, "custom_chargebee_id": None},
    "Sales Order": {"customer": None, "contact_person": None, "transaction_date": None, "delivery_date": None, "currency": "NOK", "items": [], "po_no": None,
                    "net_total": 0.0, "total_taxes_and_charges": 0.0, "grand_total": 0.0, "status": "Draft", "custom_note": None, "custom_chargebee_id": None},
    "Deleted Document": {"deleted_doctype": None, "deleted_name": None},
}  # fmt: skip
CHILDREN = {
    "email_ids": {"email_id", "is_primary"}, "phone_nos": {"phone", "is_primary_phone", "is_primary_mobile_no"}, "links": {"link_doctype", "link_name"},
    "items": {"item_code", "item_name", "description", "qty", "rate", "amount", "uom", "delivery_date", "prevdoc_docname"},
}  # fmt: skip
NAMED_BY = {"Customer": "customer_name", "Item": "item_code", "Country": "country_name"}
SERIES = {
    "Contact": "CONT-",
    "Employee": "HR-EMP-",
    "Quotation": "SAL-QTN-",
    "Sales Order": "SAL-ORD-",
    "Address": "ADDR-",
    "Deleted Document": "DEL-",
}
NEEDED = {
    "Contact": "first_name",
    "Customer": "customer_name",
    "Item": "item_code",
    "Quotation": "party_name",
    "Sales Order": "customer",
    "Address": "address_line1",
}
COMPUTED = {
    "net_total",
    "total_taxes_and_charges",
    "grand_total",
    "employee_name",
    "email_id",
    "phone",
    "status",
}
ON_SUBMIT = {"custom_note", "custom_chargebee_id", "docstatus"}


class FrappeError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def fail(kind: str, message: str) -> NoReturn:
    raise FrappeError(kind, message)


class ErpNext(FakeErp):
    """One site in Norway."""

    preset = "erpnext"
    has = Has()

    def __init__(self) -> None:
        super().__init__()
        self.docs: dict[str, dict[str, Record]] = {name: {} for name in FIELDS}
        self._next = dict.fromkeys(FIELDS, 0)
        self._row = 0
        self.clock = Clock()
        self.lock = threading.RLock()
        self.app.add_url_rule("/api/resource/<doctype>", "many", self._many, methods=["GET", "POST"])
        self.app.add_url_rule(
            "/api/resource/<doctype>/<path:name>", "one", self._one, methods=["GET", "PUT", "DELETE"]
        )
        self.app.register_error_handler(FrappeError, _told)
        for name, code in (("Norway", "no"), ("Sweden", "se")):
            self.insert("Country", {"country_name": name, "code": code})

    def environment(self, url: str, folder: Path) -> dict[str, str]:
        return {"ERP_BASE_URL": f"{url}/api/resource", "ERP_API_KEY": KEY, "ERP_TOKEN": SECRET}

    def changes(self) -> int:
        return self.clock.ticks

    def _known(self, doctype: str) -> dict[str, Record]:
        wanted = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {wanted}":
            fail("AuthenticationError", "Authentication failed")
        if doctype not in self.docs:
            fail("DoesNotExistError", f"DocType {doctype} not found")
        return self.docs[doctype]

    def _many(self, doctype: str) -> tuple[Response, int]:
        docs = self._known(doctype)
        with self.lock:
            if request.method == "POST":
                return jsonify(data=self.insert(doctype, self._body())), 200
            rows = [
                doc
                for doc in docs.values()
                if all(
                    self._fits(doctype, doc, term) for term in json.loads(request.args.get("filters", "[]"))
                )
            ]
            column, _, way = request.args.get("order_by", "modified desc").partition(" ")
            rows.sort(key=lambda doc: str(doc[column]), reverse=way == "desc")
            start, length = (
                int(request.args.get("limit_start", 0)),
                int(request.args.get("limit_page_length", 20)),
            )
            fields = json.loads(request.args.get("fields", '["name"]'))
            plain = [name for name, value in FIELDS[doctype].items() if not isinstance(value, list)]
            names = [*SYSTEM - {"doctype"}, *plain] if fields == ["*"] else fields
            for name in names:
                if name not in SYSTEM and name not in plain:
                    fail("DataError", f"Field not permitted in query: {name}")
            return jsonify(
                data=[{name: doc[name] for name in names} for doc in rows[start : start + length or None]]
            ), 200

    def _one(self, doctype: str, name: str) -> tuple[Response, int]:
        docs = self._known(doctype)
        with self.lock:
            if name not in docs:
                fail("DoesNotExistError", f"{doctype} {name} not found")
            doc = docs[name]
            if request.method == "PUT":
                values = self._body()
                if values.pop("modified", doc["modified"]) != doc["modified"]:
                    fail(
                        "TimestampMismatchError", "Error: Document has been modified after you have opened it"
                    )
                self.update(doctype, doc, values)
            elif request.method == "DELETE":
                self.delete(doctype, name)
                return jsonify(message="ok"), 202
            return jsonify(data=doc), 200

    def _body(self) -> Record:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            fail("ValidationError", "the body must be a JSON object")
        return body

    def _fits(self, doctype: str, doc: Record, term: list[Any]) -> bool:
        name, operator, value = term[-3:]
        if name not in SYSTEM and name not in FIELDS[doctype]:
            fail("DataError", f"Unknown column '{name}' in 'WHERE'")
        have = doc[name]
        if operator == "=":
            return bool(have == value)
        if operator == "in":
            return have in value
        return (
            have is not None
            and {">": have > value, ">=": have >= value, "<": have < value, "<=": have <= value}[operator]
        )

    def insert(self, doctype: str, values: Record) -> Record:
        self._next[doctype] += 1
        name = str(
            values.get(NAMED_BY.get(doctype, ""), "") or f"{SERIES.get(doctype, '')}{self._next[doctype]:05}"
        )
        if name in self.docs[doctype]:
            fail("DuplicateEntryError", f"{doctype} {name} already exists")
        doc = {"doctype": doctype, "name": name, "owner": "Administrator", "docstatus": 0}
        doc |= {
            key: list(value) if isinstance(value, list) else value for key, value in FIELDS[doctype].items()
        }
        doc["creation"] = self._now()
        if "transaction_date" in doc:
            doc["transaction_date"] = doc["creation"][:10]
        self.update(doctype, doc, values)
        self.docs[doctype][name] = doc
        return doc

    def update(self, doctype: str, doc: Record, values: Record) -> None:
        for name, value in values.items():
            if name in SYSTEM - {"docstatus"} or (
                name in COMPUTED and not (name == "status" and doctype == "Employee")
            ):
                continue  # As Frappe has it: what is computed or its own is left aside without a word.
            if name not in FIELDS[doctype] and name != "docstatus":
                continue
            if doc["docstatus"] == 1 and name not in ON_SUBMIT and value != doc.get(name):
                fail("UpdateAfterSubmitError", f"Not allowed to change {name} after submission")
            if doc["docstatus"] == 2:
                fail("ValidationError", "Cannot edit cancelled document")
            if isinstance(FIELDS[doctype].get(name), list):
                value = [self._child(name, row) for row in value or []]
            elif isinstance(value, dict | list):
                fail("ValidationError", f"{name} must be a value")
            doc[name] = value
        needed = NEEDED.get(doctype)
        if needed is not None and not doc[needed]:
            fail("MandatoryError", f"[{doctype}]: {needed}")
        self._links(doctype, doc)
        self._compute(doctype, doc)
        doc["modified"] = self._now()

    def _links(self, doctype: str, doc: Record) -> None:
        links = [
            ("Customer", doc.get("customer")),
            ("Contact", doc.get("contact_person")),
            ("Address", doc.get("address")),
            ("Country", doc.get("country")),
        ]
        links += [("Customer", doc.get("party_name"))] + [
            ("Item", row.get("item_code")) for row in doc.get("items", [])
        ]
        links += [(row.get("link_doctype"), row.get("link_name")) for row in doc.get("links", [])]
        for kind, name in links:
            if name and name not in self.docs.get(str(kind), {}):
                fail("ValidationError", f"Could not find {kind}: {name}")

    def _child(self, table: str, row: Record) -> Record:
        for name in row:
            if (
                name not in CHILDREN[table]
                and name not in SYSTEM
                and name not in ("idx", "parent", "parentfield")
            ):
                fail("ValidationError", f"{table} has no {name}")
        self._row += 1
        return {"name": f"row{self._row}", **row}

    def _compute(self, doctype: str, doc: Record) -> None:
        for at, row in enumerate(doc.get("items", []), 1):
            row["idx"] = at
            row["amount"] = round(float(row.get("qty") or 0) * float(row.get("rate") or 0), 2)
        if "grand_total" in doc:
            doc["net_total"] = doc["grand_total"] = sum(row["amount"] for row in doc["items"])
            words = {
                0: "Draft",
                1: "Open" if doctype == "Quotation" else "To Deliver and Bill",
                2: "Cancelled",
            }
            doc["status"] = "Ordered" if doc["status"] == "Ordered" else words[doc["docstatus"]]
        if doctype == "Contact":
            doc["email_id"] = next(
                (row["email_id"] for row in doc["email_ids"] if row.get("is_primary")), None
            )
            doc["phone"] = next(
                (row["phone"] for row in doc["phone_nos"] if row.get("is_primary_phone")), None
            )
        if doctype == "Employee":
            doc["employee_name"] = f"{doc['first_name']} {doc['last_name'] or ''}".strip()

    def delete(self, doctype: str, name: str) -> None:
        if self.docs[doctype][name]["docstatus"] == 1:
            fail("ValidationError", "Submitted Record cannot be deleted. You must Cancel it first.")
        for kind in ("Quotation", "Sales Order"):
            if any(
                name in (doc.get("customer"), doc.get("party_name"), doc.get("contact_person"))
                for doc in self.docs[kind].values()
            ):
                fail("LinkExistsError", f"Cannot delete: {name} is linked with a {kind}")
        del self.docs[doctype][name]
        self.insert("Deleted Document", {"deleted_doctype": doctype, "deleted_name": name})

    def _now(self) -> str:
        return self.clock.tick().astimezone(SITE).strftime("%Y-%m-%d %H:%M:%S.%f")

    def _new(self, doctype: str, **values: Any) -> str:
        with self.lock:
            return str(self.insert(doctype, values)["name"])

    def _change(self, doctype: str, name: str, **values: Any) -> None:
        with self.lock:
            self.update(doctype, self.docs[doctype][name], values)

    def company(self, name: str, email: str) -> str:
        return self._new("Customer", customer_name=name, tax_id="NO999999999MVA")

    def contact(self, first: str, last: str, email: str, phone: str, city: str, company: str) -> str:
        link = [{"link_doctype": "Customer", "link_name": company}]
        address = self._new(
            "Address",
            address_title=f"{first} {last}",
            address_line1="Storgata 1",
            city=city,
            country="Norway",
            links=link,
        )
        phones = [{"phone": phone, "is_primary_phone": 1}] if phone else []
        emails = [{"email_id": email, "is_primary": 1}]
        return self._new(
            "Contact",
            first_name=first,
            last_name=last,
            email_ids=emails,
            phone_nos=phones,
            links=link,
            address=address,
        )

    def employee(self, first: str, last: str, email: str) -> str:
        return self._new("Employee", first_name=first, last_name=last, company_email=email)

    def product(self, sku: str, name: str, price: str, description: str) -> str:
        return self._new(
            "Item",
            item_code=sku,
            item_name=name,
            standard_rate=float(price),
            description=f"<div><p>{description}</p></div>",
        )

    def sale(
        self, kind: str, company: str, contact: str, product: str, quantity: int, price: str, note: str
    ) -> str:
        row = {"item_code": product, "description": "Anchor chain", "qty": quantity, "rate": float(price)}
        party = {"party_name": company} if kind == "quote" else {"customer": company}
        key = self._new(
            "Quotation" if kind == "quote" else "Sales Order",
            **party,
            contact_person=contact,
            items=[row],
            custom_note=note,
        )
        self._change("Quotation" if kind == "quote" else "Sales Order", key, docstatus=1)
        return key

    def win(self, quote: str) -> None:
        with self.lock:
            offer = self.docs["Quotation"][quote]
            rows = [
                {name: row[name] for name in ("item_code", "description", "qty", "rate")}
                | {"prevdoc_docname": quote}
                for row in offer["items"]
            ]
            key = self._new(
                "Sales Order",
                customer=offer["party_name"],
                contact_person=offer["contact_person"],
                items=rows,
                custom_note=offer["custom_note"],
            )
            self._change("Sales Order", key, docstatus=1)
            offer["status"] = "Ordered"
            self.update("Quotation", offer, {})

    def edit_contact(self, key: str, **fields: str) -> None:
        doc = self.docs["Contact"][key]
        if "city" in fields:
            self._change("Address", doc["address"], city=fields.pop("city"))
        tables: Record = {}
        if "email" in fields:
            tables["email_ids"] = [{"email_id": fields.pop("email"), "is_primary": 1}]
        if "phone" in fields:
            tables["phone_nos"] = [{"phone": fields.pop("phone"), "is_primary_phone": 1}]
        self._change("Contact", key, **tables, **{f"{name}_name": value for name, value in fields.items()})

    def see_contact(self, key: str) -> Record | None:
        doc = self.docs["Contact"].get(key)
        if doc is None:
            return None
        city = self.docs["Address"][doc["address"]]["city"] if doc["address"] else None
        return {
            "first": doc["first_name"],
            "last": doc["last_name"],
            "email": doc["email_id"],
            "phone": doc["phone"],
            "city": city,
            "link": doc["custom_chargebee_id"],
        }

    def find_contact(self, email: str) -> str:
        (key,) = [key for key, doc in self.docs["Contact"].items() if doc["email_id"] == email]
        return key

    def products(self) -> list[str]:
        return list(self.docs["Item"])

    def edit_product(self, key: str, **fields: str) -> None:
        names = {"name": "item_name", "description": "description", "price": "standard_rate"}
        self._change(
            "Item",
            key,
            **{names[name]: float(value) if name == "price" else value for name, value in fields.items()},
        )

    def see_product(self, key: str) -> Record:
        doc = self.docs["Item"][key]
        text = (
            str(doc["description"])
            .replace("<div>", "")
            .replace("</div>", "")
            .removeprefix("<p>")
            .removesuffix("</p>")
        )
        return {
            "name": doc["item_name"],
            "description": text,
            "price": f"{doc['standard_rate']:.2f}",
            "link": doc["custom_chargebee_id"],
        }

    def edit_note(self, kind: str, key: str, note: str) -> None:
        self._change("Quotation" if kind == "quote" else "Sales Order", key, custom_note=note)

    def see_note(self, kind: str, key: str) -> str | None:
        return self.docs["Quotation" if kind == "quote" else "Sales Order"][key]["custom_note"] or None

    def remove_contact(self, key: str) -> None:
        with self.lock:
            self.delete("Contact", key)


def _told(error: FrappeError) -> tuple[Response, int]:
    body = {
        "exc_type": error.kind,
        "exception": f"frappe.exceptions.{error.kind}: {error}",
        "_server_messages": json.dumps([json.dumps({"message": str(error)})]),
    }
    return jsonify(body), STATUS[error.kind]
