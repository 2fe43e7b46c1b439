"""SAP Business One, Service Layer, OData V4 (`/b1s/v2`), as its documentation has it.

MANUAL is "Working with SAP Business One Service Layer":
https://help.sap.com/doc/fc2f5477516c404c8bf9ad1315a17238/10.0/en-US/Working_with_SAP_Business_One_Service_Layer.pdf
FIELDS is the list of entities and properties that a connector generated from the Service Layer's metadata:
https://github.com/ballerina-platform/module-ballerinax-sap.businessone

`U_ChargebeeId`, `U_BusinessEntityId` and `U_CompanyCode` are user-defined fields that the company added; theirs begin with `U_` (MANUAL 3.16).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote
from zoneinfo import ZoneInfo

from flask import Response, jsonify, request

from tests.erp_presets.fakes.serving import Clock, FakeErp, Has, Record

COMPANY, USER, PASSWORD = "SBODEMONO", "manager", "b1-password"
OSLO = ZoneInfo("Europe/Oslo")
PAGE = 20
"""Records of a page that asks for no number (MANUAL 3.6.6)."""

SHOWN: dict[str, Record] = {
    # FIELDS, ballerina/businesspartners: BusinessPartner
    "BusinessPartners": {"CardCode": "", "CardName": None, "CardType": "cCustomer", "CompanyPrivate": "cCompany", "EmailAddress": None, "Phone1": None, "Cellular": None,
                         "Website": None, "FederalTaxID": None, "CompanyRegistrationNumber": None, "Currency": "NOK", "Valid": "tYES", "Frozen": "tNO", "Notes": None,
                         "FreeText": None, "BPAddresses": [], "U_ChargebeeId": None, "U_BusinessEntityId": None, "U_CompanyCode": None},
    # FIELDS, ballerina/humanresources: EmployeeInfo; that it says when it was changed stands nowhere
    "EmployeesInfo": {"EmployeeID": 0, "FirstName": None, "LastName": None, "JobTitle": None, "eMail": None, "OfficePhone": None, "MobilePhone": None, "Active": "tYES",
                      "WorkStreet": None, "WorkZipCode": None, "WorkCity": None, "WorkCountryCode": None, "StartDate": None, "U_ChargebeeId": None},
    # FIELDS, ballerina/inventory: Item
    "Items": {"ItemCode": "", "ItemName": None, "ForeignName": None, "BarCode": None, "User_Text": None, "SalesItem": "tYES", "InventoryItem": "tYES", "SalesUnit": None,
              "Valid": "tYES", "Frozen": "tNO", "ItemPrices": [], "U_ChargebeeId": None},
    # FIELDS, ballerina/sales: Document
    "Orders": {"DocEntry": 0, "DocNum": 0, "DocDate": None, "DocDueDate": None, "RequriedDate": None, "CardCode": None, "NumAtCard": None, "Comments": None,
               "DocCurrency": "NOK", "DocTotal": 0, "VatSum": 0, "DocumentStatus": "bost_Open", "Cancelled": "tNO", "DocumentLines": [], "U_ChargebeeId": None},
}  # fmt: skip
SHOWN["Quotations"] = SHOWN["Orders"]
KEYS = {
    "BusinessPartners": "CardCode",
    "EmployeesInfo": "EmployeeID",
    "Items": "ItemCode",
    "Orders": "DocEntry",
    "Quotations": "DocEntry",
}
ROWS = {
    "BPAddresses": ("RowNum", {"AddressName": None, "AddressType": "bo_ShipTo", "Street": None, "Block": None, "ZipCode": None, "City": None, "State": None, "Country": None}),
    "ItemPrices": ("PriceList", {"PriceList": 1, "Price": 0, "Currency": None}),
    "DocumentLines": ("LineNum", {"ItemCode": None, "ItemDescription": None, "Quantity": 1, "UnitPrice": 0, "DiscountPercent": 0, "TaxPercentagePerRow": 0, "LineTotal": 0,
                                  "MeasureUnit": None, "BaseType": -1, "BaseEntry": None, "BaseLine": None}),
}  # fmt: skip
"""FIELDS: BPAddress, ItemPrice and DocumentLine, with what tells one from another in its collection."""
READ_ONLY = {"DocEntry", "DocNum", "DocumentStatus", "Cancelled", "EmployeeID", "UpdateDate", "UpdateTime"}
QUOTATION = 23
"""The object type of quotations, by which a line names what it was copied from (the enumeration BoObjectTypes
of the SDK, https://help.sap.com/doc/089315d8d0f8475a9fc84fb919b501a3/10.0/en-US/SDKHelp/, oQuotations).
"""
_TERM = re.compile(r"(\w+) (eq|ge) '((?:[^']|'')*)'(?: and |$)")


class B1Error(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def fail(status: int, code: int, message: str) -> NoReturn:
    raise B1Error(status, code, message)


class SapBusinessOne(FakeErp):
    """A company database of one Service Layer."""

    preset = "sap-business-one"
    has = Has(deletions=False)

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, dict[str, Record]] = {name: {} for name in SHOWN}
        self.versions: dict[int, int] = {}
        self._next = 0
        self.clock = Clock()
        self.lock = threading.RLock()
        rule = self.app.add_url_rule
        rule("/b1s/v2/Login", "login", self._login, methods=["POST"])
        rule("/b1s/v2/<kind>(<key>)/<any(Cancel, Close):action>", "act", self._act, methods=["POST"])
        rule("/b1s/v2/<kind>(<key>)", "one", self._one, methods=["GET", "PATCH", "DELETE"])
        rule("/b1s/v2/<kind>", "many", self._many, methods=["GET", "POST"])
        self.app.register_error_handler(B1Error, _told)

    def environment(self, url: str, folder: Path) -> dict[str, str]:
        return {
            "ERP_BASE_URL": f"{url}/b1s/v2",
            "ERP_COMPANY": COMPANY,
            "ERP_USERNAME": USER,
            "ERP_TOKEN": PASSWORD,
        }

    def changes(self) -> int:
        return self.clock.ticks

    def _login(self) -> Response:
        """MANUAL 3.1: name, password and company; two cookies, B1SESSION without a path and ROUTEID, which
        the load balancer reads, and both are wanted from then on.
        """
        body = request.get_json(silent=True) or {}
        if body != {"CompanyDB": COMPANY, "UserName": USER, "Password": PASSWORD}:
            fail(401, -304, "Fail to get DB Credentials from SLD")
        session = secrets.token_hex(16)
        self.sessions.add(session)
        answer = jsonify(SessionId=session, Version="1000290", SessionTimeout=30)
        answer.headers.add("Set-Cookie", f"B1SESSION={session};HttpOnly;")
        answer.headers.add("Set-Cookie", "ROUTEID=.node1; path=/b1s")
        return answer

    def _known(self, kind: str) -> dict[str, Record]:
        # A session ends after 30 minutes without a call: 401 with the code 301 (MANUAL 3.1).
        if request.cookies.get("B1SESSION") not in self.sessions or "ROUTEID" not in request.cookies:
            fail(401, 301, "Invalid session or session already timeout.")
        if kind not in self.rows:
            fail(400, -1000, f"Unrecognized resource path '{kind}'.")
        return self.rows[kind]

    def _row(self, kind: str, key: str) -> Record:
        """MANUAL 3.4.2: keys that are text stand in quotes, numbers do not."""
        rows, text = self._known(kind), isinstance(SHOWN[kind][KEYS[kind]], str)
        quoted = len(key) > 1 and key[0] == key[-1] == "'"
        if text != quoted or (not text and not key.isdigit()):
            fail(400, -1000, f"Invalid key value {key}")
        key = key[1:-1].replace("''", "'") if quoted else key
        if key not in rows:
            fail(404, -2028, "No matching records found (ODBC -2028)")
        return rows[key]

    def _many(self, kind: str) -> tuple[Response, int]:
        rows = self._known(kind)
        with self.lock:
            if request.method == "POST":  # 201 with the record that was made (MANUAL 3.4.1)
                return jsonify(self._shown(kind, self._make(kind, self._body()))), 201
            for name in request.args:
                if name not in ("$filter", "$orderby", "$skip", "$count"):
                    fail(400, -1000, f"Query option '{name}' is not supported here.")
            found = [row for row in rows.values() if self._fits(kind, row, request.args.get("$filter", ""))]
            if (by := request.args.get("$orderby")) is not None:  # MANUAL 3.6.2
                found.sort(key=lambda row: row[by])
            # MANUAL 3.6.6: the size of a page is asked for by Prefer, the next link is relative and carries a position.
            size = int(request.headers.get("Prefer", f"odata.maxpagesize={PAGE}").rpartition("=")[2])
            skip = int(request.args.get("$skip", 0))
            body: Record = {"@odata.context": f"{request.url_root}b1s/v2/$metadata#{kind}"}
            if request.args.get("$count") == "true":  # MANUAL 3.6.8
                body["@odata.count"] = len(found)
            body["value"] = [self._shown(kind, row) for row in found[skip : skip + size]]
            if len(found) > skip + size:
                rest = {name: value for name, value in request.args.items() if name != "$skip"}
                query = "&".join(
                    f"{name}={quote(value)}" for name, value in [*rest.items(), ("$skip", str(skip + size))]
                )
                body["@odata.nextLink"] = f"{kind}?{query}"
            return jsonify(body), 200

    def _fits(self, kind: str, row: Record, text: str) -> bool:
        """MANUAL 3.6.3: `$filter`. Values stand in quotes, days too; a day is compared as a day."""
        at = 0
        while at < len(text):
            term = _TERM.match(text, at)
            if term is None:
                fail(400, -1000, f"The filter is not understood at: {text[at:]}")
            at, (name, how, value) = term.end(), term.groups()
            if name not in row:
                fail(400, -1000, f"Property '{name}' of '{kind}' is invalid")
            mine, value = str(row[name] or ""), value.replace("''", "'")
            if mine != value if how == "eq" else mine < value:
                return False
        return True

    def _one(self, kind: str, key: str) -> Response:
        row = self._row(kind, key)
        with self.lock:
            if request.method != "GET":
                # MANUAL 5: If-Match may be left out; one that is old is answered 412 with the code -2039.
                match = request.headers.get("If-Match")
                if match not in (None, "*", self._etag(row)):
                    fail(412, -2039, "Another user or another operation modified data; to continue, open the window again (ODBC -2039)")  # fmt: skip
            if request.method == "DELETE":
                if kind in ("Orders", "Quotations"):  # they are cancelled instead (MANUAL 3.4.5)
                    fail(400, -5006, "The requested action is not supported for this object.")
                del self.rows[kind][str(row[KEYS[kind]])]
                return Response(status=204)
            if request.method == "PATCH":  # 204 without a body (MANUAL 3.4.3)
                self._put(kind, row, self._body())
                return Response(status=204)
            answer = jsonify(self._shown(kind, row))
            answer.headers["ETag"] = self._etag(row)
            return answer

    def _act(self, kind: str, key: str, action: str) -> Response:
        """MANUAL 3.4.6: actions are POST below the record, and answer 204."""
        row = self._row(kind, key)
        with self.lock:
            if kind not in ("Orders", "Quotations") or row["DocumentStatus"] != "bost_Open":
                fail(400, -5002, "Document is already closed")
            row["DocumentStatus"] = "bost_Close"
            row["Cancelled"] = "tYES" if action == "Cancel" else "tNO"
            self._touch(row)
        return Response(status=204)

    def _body(self) -> Record:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            fail(400, -1000, "The request body is no JSON object.")
        return body

    def _make(self, kind: str, values: Record) -> Record:
        self._next += 1
        own, key = KEYS[kind], str(values.get(KEYS[kind]) or "")
        row: Record = {name: [] if isinstance(value, list) else value for name, value in SHOWN[kind].items()}
        if isinstance(row[own], str):
            # The default numbering series gives a partner its code; an item's is written (MANUAL 3.4.1, the examples).
            row[own] = key or (
                f"C{self._next:05}"
                if kind == "BusinessPartners"
                else fail(400, -5002, "Item code is missing")
            )
        else:
            row[own] = self._next
        if str(row[own]) in self.rows[kind]:
            fail(400, -2035, "This entry already exists in the following tables (ODBC -2035)")
        if kind in ("Orders", "Quotations"):
            today = self.clock.tick().astimezone(OSLO).date().isoformat()
            row |= {"DocNum": 1000 + self._next, "DocDate": today, "DocDueDate": today}
        if kind == "Items":
            row["ItemPrices"] = [{"PriceList": number, "Price": 0, "Currency": "NOK"} for number in (1, 2)]
        self._put(kind, row, {name: value for name, value in values.items() if name != own})
        if "CardCode" in row and kind != "BusinessPartners" and row["CardCode"] is None:
            fail(400, -5002, "Enter a business partner.")
        self.rows[kind][str(row[own])] = row
        return row

    def _put(self, kind: str, row: Record, values: Record) -> None:
        for name, value in values.items():
            if name not in SHOWN[kind] or name in READ_ONLY or name == KEYS[kind]:
                fail(400, -1000, f"Property '{name}' of '{kind}' is invalid")
            if name in ROWS and not isinstance(value, list):
                fail(400, -1000, f"'{name}' is a collection")
            if isinstance(SHOWN[kind][name], str) and str(value)[:1] == "t" and value not in ("tYES", "tNO"):
                fail(400, -1000, f"'{value}' is no BoYesNoEnum")
        if kind != "BusinessPartners" and values.get("CardCode", row.get("CardCode")) not in (
            None,
            *self.rows["BusinessPartners"],
        ):
            fail(400, -2028, "No matching records found (ODBC -2028)")
        collections = {name: self._merged(name, row, value) for name, value in values.items() if name in ROWS}
        row |= {name: None if value == "" else value for name, value in values.items()} | collections
        if "DocumentLines" in row:
            for line in row["DocumentLines"]:
                line["LineTotal"] = round(line["Quantity"] * line["UnitPrice"], 2)
            row["DocTotal"] = sum(line["LineTotal"] for line in row["DocumentLines"])
        self._touch(row)

    def _merged(self, name: str, row: Record, given: list[Record]) -> list[Record]:
        """MANUAL 3.4.3: a line that names one that is there changes it, another is new, and the others stay,
        unless the header B1S-ReplaceCollectionsOnPatch is sent.
        """
        own, fields = ROWS[name]
        rows = [dict(one) for one in row[name]]
        for one in given:
            for field in one:
                if field not in fields and field not in (own, "BPCode", "RowNum"):
                    fail(400, -1000, f"Property '{field}' of '{name}' is invalid")
            there = next((old for old in rows if old[own] == one.get(own)), None)
            if there is None:
                there = {**fields, own: one.get(own, len(rows))}
                rows.append(there)
            there |= one
            if name == "BPAddresses" and not there["AddressName"]:
                fail(400, -5002, "Enter an address ID.")
            if name == "DocumentLines" and there["ItemCode"] not in self.rows["Items"]:
                fail(400, -2028, "Item number is missing")
        return rows

    def _touch(self, row: Record) -> None:
        """A change has a day and a time of day, in the server's own time (FIELDS: UpdateDate, UpdateTime)."""
        self.versions[id(row)] = self.versions.get(id(row), 0) + 1
        moment: datetime = self.clock.tick().astimezone(OSLO)
        row |= {"UpdateDate": moment.date().isoformat(), "UpdateTime": moment.strftime("%H:%M:%S")}

    def _etag(self, row: Record) -> str:
        """MANUAL 5.1: a weak tag, made from the record's version."""
        digest = hashlib.sha1(str(self.versions[id(row)]).encode(), usedforsecurity=False).hexdigest()
        return f'W/"{digest.upper()}"'

    def _shown(self, kind: str, row: Record) -> Record:
        """A record, with its tag in it (MANUAL 5.2).

        Days are Edm.DateTimeOffset in the metadata, and their examples come with and without a time: here
        documents show one and all others none.
        """
        shown = {"@odata.etag": self._etag(row), **row}
        if kind == "EmployeesInfo":
            del shown["UpdateDate"], shown["UpdateTime"]
        if kind in ("Orders", "Quotations"):
            shown |= {
                name: f"{value}T00:00:00Z"
                for name, value in row.items()
                if name.endswith("Date") and value is not None
            }
        return shown

    def _new(self, kind: str, **values: Any) -> str:
        with self.lock:
            return str(self._make(kind, values)[KEYS[kind]])

    def _change(self, kind: str, key: str, **values: Any) -> None:
        with self.lock:
            self._put(kind, self.rows[kind][key], values)

    def company(self, name: str, email: str) -> str:
        address = {"AddressName": "Office", "AddressType": "bo_BillTo", "Street": "Kaia 1", "City": "Bergen", "Country": "NO"}  # fmt: skip
        return self._new("BusinessPartners", CardName=name, EmailAddress=email, BPAddresses=[address])

    def contact(self, first: str, last: str, email: str, phone: str, city: str, company: str) -> str:
        return self._new(
            "BusinessPartners",
            CardName=f"{first} {last}",
            CompanyPrivate="cPrivate",
            EmailAddress=email,
            Phone1=phone,
            U_CompanyCode=company,
            BPAddresses=[
                {"AddressName": "Home", "AddressType": "bo_BillTo", "City": city, "Country": "NO"},
                {"AddressName": "Cabin", "City": "Geilo", "Country": "NO"},
            ],
        )

    def employee(self, first: str, last: str, email: str) -> str:
        return self._new("EmployeesInfo", FirstName=first, LastName=last, eMail=email)

    def product(self, sku: str, name: str, price: str, description: str) -> str:
        prices = [{"PriceList": 1, "Price": float(price), "Currency": "NOK"}]
        return self._new("Items", ItemCode=sku, ItemName=name, User_Text=description, ItemPrices=prices)

    def sale(
        self, kind: str, company: str, contact: str, product: str, quantity: int, price: str, note: str
    ) -> str:
        line = {"ItemCode": product, "ItemDescription": "Anchor chain", "Quantity": quantity, "UnitPrice": float(price)}  # fmt: skip
        many = "Quotations" if kind == "quote" else "Orders"
        return self._new(many, CardCode=contact, Comments=note, DocumentLines=[line])

    def win(self, quote: str) -> None:
        """Copied to an order, a quotation is closed, and the order's lines name it."""
        offer = self.rows["Quotations"][quote]
        lines = [
            {**line, "BaseType": QUOTATION, "BaseEntry": int(quote), "BaseLine": line["LineNum"]}
            for line in offer["DocumentLines"]
        ]
        self._new("Orders", CardCode=offer["CardCode"], Comments=offer["Comments"], DocumentLines=lines)
        offer["DocumentStatus"] = "bost_Close"
        self._touch(offer)

    def edit_contact(self, key: str, **fields: str) -> None:
        row = self.rows["BusinessPartners"][key]
        first, _, last = str(row["CardName"]).rpartition(" ")
        values: Record = {"CardName": f"{fields.pop('first', first)} {fields.pop('last', last)}"}
        if "city" in fields:
            values["BPAddresses"] = [{"RowNum": 0, "City": fields.pop("city")}]
        names = {"email": "EmailAddress", "phone": "Phone1"}
        self._change(
            "BusinessPartners", key, **values, **{names[name]: value for name, value in fields.items()}
        )

    def see_contact(self, key: str) -> Record | None:
        row = self.rows["BusinessPartners"].get(key)
        if row is None:
            return None
        first, _, last = str(row["CardName"]).rpartition(" ")
        city = next((one["City"] for one in row["BPAddresses"] if one["AddressType"] == "bo_BillTo"), None)
        return {
            "first": first,
            "last": last,
            "email": row["EmailAddress"],
            "phone": row["Phone1"],
            "city": city,
            "link": row["U_ChargebeeId"],
        }

    def find_contact(self, email: str) -> str:
        (key,) = [key for key, row in self.rows["BusinessPartners"].items() if row["EmailAddress"] == email]
        return key

    def products(self) -> list[str]:
        return list(self.rows["Items"])

    def edit_product(self, key: str, **fields: str) -> None:
        names = {"name": "ItemName", "description": "User_Text"}
        values: Record = {names[name]: value for name, value in fields.items() if name in names}
        if "price" in fields:
            values["ItemPrices"] = [{"PriceList": 1, "Price": float(fields["price"])}]
        self._change("Items", key, **values)

    def see_product(self, key: str) -> Record:
        row = self.rows["Items"][key]
        (price,) = [one["Price"] for one in row["ItemPrices"] if one["PriceList"] == 1]
        return {
            "name": row["ItemName"],
            "description": row["User_Text"],
            "price": f"{price:.2f}",
            "link": row["U_ChargebeeId"],
        }

    def edit_note(self, kind: str, key: str, note: str) -> None:
        self._change("Quotations" if kind == "quote" else "Orders", key, Comments=note)

    def see_note(self, kind: str, key: str) -> str | None:
        return self.rows["Quotations" if kind == "quote" else "Orders"][key]["Comments"]

    def remove_contact(self, key: str) -> None:
        del self.rows["BusinessPartners"][key]


def _told(error: B1Error) -> tuple[Response, int]:
    """MANUAL 3.5: the code and what it means; in OData V4 both are text."""
    said = {"code": str(error.code), "details": [{"code": "", "message": ""}], "message": str(error)}
    return jsonify(error=said), error.status
