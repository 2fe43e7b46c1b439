"""Microsoft Dynamics 365 Business Central, API v2.0, as its documentation has it.

https://learn.microsoft.com/en-us/dynamics365/business-central/dev-itpro/api-reference/v2.0/

* Tokens: client credentials of Microsoft Entra, with the scope `https://api.businesscentral.dynamics.com/.default`
  (…/dev-itpro/administration/automation-apis-using-s2s-authentication).
* OData V4: `$filter`, `$expand`, `Prefer: odata.maxpagesize` with `@odata.nextLink`; keys are GUIDs in parentheses; every record
  has an `@odata.etag`, and PATCH and DELETE want it in `If-Match` (…/v2.0/api/dynamics_customer_update).
* What is none is "" for texts, `0001-01-01` for days and a GUID of zeros for keys (the examples of …/v2.0/api/dynamics_salesorder_get).
* Lines are written by calls of their own below their document (…/v2.0/api/dynamics_salesorderline_create).
* A quote becomes an order by the bound action `Microsoft.NAV.makeOrder` (…/v2.0/resources/dynamics_salesquote).

`chargebeeId` and `businessEntityId` are fields that the company added to the tables and API pages, for the standard has none that is free.
"""

from __future__ import annotations

import re
import secrets
import threading
import uuid
from pathlib import Path
from typing import Any, NoReturn

from flask import Response, jsonify, request

from tests.erp_presets.fakes.serving import Clock, FakeErp, Has, Record

CLIENT, SECRET = "bc-client", "bc-secret"
SCOPE = "https://api.businesscentral.dynamics.com/.default"
COMPANY = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
NO_KEY, NO_DAY, NO_MOMENT = str(uuid.UUID(int=0)), "0001-01-01", "0001-01-01T00:00:00Z"
MOST = 20_000

FIELDS: dict[str, dict[str, Any]] = {
    "customers": {"number": "", "displayName": "", "type": "Company", "addressLine1": "", "addressLine2": "", "city": "", "state": "", "country": "", "postalCode": "",
                  "phoneNumber": "", "email": "", "website": "", "taxRegistrationNumber": "", "currencyCode": "NOK", "blocked": "_x0020_", "creditLimit": 0,
                  "chargebeeId": "", "businessEntityId": ""},
    "contacts": {"number": "", "type": "Person", "displayName": "", "companyNumber": "", "companyName": "", "addressLine1": "", "addressLine2": "", "city": "", "state": "",
                 "country": "", "postalCode": "", "phoneNumber": "", "mobilePhoneNumber": "", "email": "", "jobTitle": "", "chargebeeId": ""},
    "employees": {"number": "", "displayName": "", "givenName": "", "surname": "", "jobTitle": "", "email": "", "phoneNumber": "", "mobilePhone": "", "addressLine1": "",
                  "city": "", "country": "", "postalCode": "", "status": "Active", "employmentDate": NO_DAY, "chargebeeId": ""},
    "items": {"number": "", "displayName": "", "displayName2": "", "type": "Inventory", "blocked": False, "gtin": "", "unitPrice": 0, "unitCost": 0,
              "baseUnitOfMeasureCode": "", "itemCategoryCode": "", "chargebeeId": ""},
    "salesOrders": {"number": "", "externalDocumentNumber": "", "orderDate": NO_DAY, "customerId": NO_KEY, "customerName": "", "requestedDeliveryDate": NO_DAY,
                    "currencyCode": "NOK", "status": "Draft", "fullyShipped": False, "totalAmountExcludingTax": 0, "totalTaxAmount": 0, "totalAmountIncludingTax": 0,
                    "note": "", "chargebeeId": ""},
    "salesQuotes": {"number": "", "externalDocumentNumber": "", "documentDate": NO_DAY, "customerId": NO_KEY, "customerName": "", "validUntilDate": NO_DAY, "currencyCode": "NOK",
                    "status": "Draft", "sentDate": NO_MOMENT, "acceptedDate": NO_DAY, "totalAmountExcludingTax": 0, "totalTaxAmount": 0, "totalAmountIncludingTax": 0,
                    "note": "", "chargebeeId": ""},
}  # fmt: skip
LINE = {
    "sequence": 0,
    "itemId": NO_KEY,
    "lineType": "Item",
    "lineObjectNumber": "",
    "description": "",
    "unitOfMeasureCode": "",
    "quantity": 0,
    "unitPrice": 0,
    "netAmount": 0,
}
LINES = {"salesOrders": "salesOrderLines", "salesQuotes": "salesQuoteLines"}
READ_ONLY = {"id", "customerName", "status", "fullyShipped", "totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax", "sentDate", "acceptedDate",
             "lastModifiedDateTime", "netAmount", "sequence", "companyNumber"}  # fmt: skip
_TERM = re.compile(r"(\w+) (eq|ge|gt|le|lt) ('(?:[^']|'')*'|[^' ]+)(?: and |$)")


class BcError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def fail(status: int, code: str, message: str) -> NoReturn:
    raise BcError(status, code, message)


class BusinessCentral(FakeErp):
    """One company in one environment."""

    preset = "business-central"
    has = Has(sales_name_people=False, wins=False)

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, dict[str, Record]] = {name: {} for name in FIELDS}
        self.lines: dict[str, list[Record]] = {}
        self.log: list[tuple[str, str]] = []
        self._numbers = 1000
        self.clock = Clock()
        self.lock = threading.RLock()
        root = f"/v2.0/acme/production/api/v2.0/companies({COMPANY})"
        rule = self.app.add_url_rule
        rule("/acme/oauth2/v2.0/token", "token", self._token, methods=["POST"])
        rule(f"{root}/<kind>(<key>)/<lines>(<line>)", "line", self._line, methods=["PATCH", "DELETE"])
        rule(f"{root}/<kind>(<key>)/Microsoft.NAV.<action>", "act", self._act, methods=["POST"])
        rule(f"{root}/<kind>(<key>)/<lines>", "lines", self._add_line, methods=["POST"])
        rule(f"{root}/<kind>(<key>)", "one", self._one, methods=["GET", "PATCH", "DELETE"])
        rule(f"{root}/<kind>", "many", self._many, methods=["GET", "POST"])
        self.app.register_error_handler(BcError, _told)

    def environment(self, url: str, folder: Path) -> dict[str, str]:
        return {
            "ERP_BASE_URL": f"{url}/v2.0/acme/production/api/v2.0/companies({COMPANY})",
            "ERP_TOKEN_URL": f"{url}/acme/oauth2/v2.0/token",
            "ERP_CLIENT_ID": CLIENT,
            "ERP_TOKEN": SECRET,
        }

    def changes(self) -> int:
        return self.clock.ticks

    def _token(self) -> tuple[Response, int]:
        """The grant of client credentials; tokens live for about an hour: …/dev-itpro/administration/automation-apis-using-s2s-authentication"""
        wanted = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": SCOPE,
        }
        for name, value in wanted.items():
            if request.form.get(name) != value:
                return jsonify(
                    error="invalid_client", error_description=f"AADSTS7000215: {name} is not what it must be"
                ), 401
        token = secrets.token_hex(20)
        self.sessions.add(token)
        return jsonify(token_type="Bearer", expires_in=3599, access_token=token), 200

    def _known(self, kind: str) -> dict[str, Record]:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.sessions:
            fail(401, "Authentication_InvalidCredentials", "The server has rejected the client credentials.")
        if kind not in self.rows:
            fail(404, "BadRequest_NotFound", f"Resource not found for the segment '{kind}'.")
        return self.rows[kind]

    def _row(self, kind: str, key: str) -> Record:
        """Keys are GUIDs in parentheses; errors are `{"error": {"code", "message"}}`:
        …/v2.0/endpoints-apis-for-dynamics
        and
        …/v2.0/dynamics-error-codes
        """
        rows = self._known(kind)
        try:
            uuid.UUID(key)
        except ValueError:
            fail(400, "BadRequest", f"Invalid key value '{key}' for type 'Edm.Guid'.")
        if key not in rows:
            fail(404, "BadRequest_ResourceNotFound", "The resource was not found.")
        return rows[key]

    def _many(self, kind: str) -> tuple[Response, int]:
        """`$filter` and pages of at most 20,000, by Prefer and next links:
        …/dev-itpro/webservices/use-filter-expressions-in-odata-uris
        …/dev-itpro/administration/operational-limits-online#ODataServices
        """
        rows = self._known(kind)
        with self.lock:
            if request.method == "POST":
                return jsonify(self._shown(kind, self.make(kind, self._body()))), 201
            wishes = [one.strip() for one in request.headers.get("Prefer", "").split(",")]
            if "$deltatoken" in request.args:
                return self._changed_since(kind, request.args["$deltatoken"])
            found = [row for row in rows.values() if self._fits(kind, row, request.args.get("$filter", ""))]
            found.sort(key=lambda row: row["id"])
            after = request.args.get("$skiptoken", "")
            found = [row for row in found if row["id"] > after]
            sizes = [one for one in wishes if one.startswith("odata.maxpagesize=")]
            size = int((sizes or [f"={MOST}"])[0].rpartition("=")[2])
            body: Record = {
                "@odata.context": f"{request.url_root}$metadata#{kind}",
                "value": [self._shown(kind, row) for row in found[:size]],
            }
            if len(found) > size:
                query = {name: value for name, value in request.args.items() if name != "$skiptoken"}
                more = "&".join(
                    f"{name}={value}"
                    for name, value in [*query.items(), ("$skiptoken", found[size - 1]["id"])]
                )
                body["@odata.nextLink"] = f"{request.base_url}?{more.replace(' ', '%20').replace('+', '%2B')}"
            elif "odata.track-changes" in wishes:
                body["@odata.deltaLink"] = f"{request.base_url}?$deltatoken={len(self.log)}"
            return jsonify(body), 200

    def _changed_since(self, kind: str, token: str) -> tuple[Response, int]:
        """Changes with all their properties, deletions with their id alone, and the next link; a link that is no
        longer valid is 410: …/dev-itpro/developer/devenv-connect-apps-delta
        """
        if not token.isdigit() or int(token) > len(self.log):
            fail(410, "BadRequest_DeltaTokenExpired", "The delta link is no longer valid.")
        rows, context = self.rows[kind], f"{request.url_root}$metadata#{kind}"
        keys = dict.fromkeys(key for name, key in self.log[int(token) :] if name == kind)
        value = [
            self._shown(kind, rows[key])
            if key in rows
            else {"@odata.context": f"{context}/$deletedEntity", "id": key}
            for key in keys
        ]
        link = f"{request.base_url}?$deltatoken={len(self.log)}"
        return jsonify({"@odata.context": f"{context}/$delta", "value": value, "@odata.deltaLink": link}), 200

    def _one(self, kind: str, key: str) -> tuple[Response, int]:
        """GET, PATCH and DELETE of one, the record again after PATCH, nothing after DELETE:
        …/v2.0/api/dynamics_customer_update
        …/v2.0/api/dynamics_customer_delete
        """
        row = self._row(kind, key)
        with self.lock:
            if request.method == "GET":
                return jsonify(self._shown(kind, row)), 200
            self._locked(row)
            if request.method == "DELETE":
                del self.rows[kind][key]
                self.log.append((kind, key))
                return Response(status=204), 204  # type: ignore[return-value]
            self.put(kind, row, self._body())
            return jsonify(self._shown(kind, row)), 200

    def _locked(self, row: Record) -> None:
        """PATCH and DELETE want If-Match, which is compared:
        …/v2.0/api/dynamics_customer_update
        An old one is a 409 with Request_EntityChanged
        (…/v2.0/dynamics-error-codes).
        """
        match = request.headers.get("If-Match")
        if match is None:
            fail(
                400,
                "BadRequest_InvalidToken",
                "Could not validate the client concurrency token required by the service.",
            )
        if match not in ("*", row["@odata.etag"]):
            fail(409, "Request_EntityChanged", "Another user has already changed the record.")

    def _add_line(self, kind: str, key: str, lines: str) -> tuple[Response, int]:
        """As …/v2.0/api/dynamics_salesorderline_create has it."""
        document = self._row(kind, key)
        if LINES.get(kind) != lines:
            fail(404, "BadRequest_NotFound", f"Resource not found for the segment '{lines}'.")
        with self.lock:
            line = {
                **LINE,
                "id": str(uuid.uuid4()),
                "documentId": key,
                "sequence": 10_000 * (1 + len(self.lines[key])),
            }
            self._put_line(line, self._body())
            self.lines[key].append(line)
            self._sum(kind, document)
            return jsonify(line), 201

    def _line(self, kind: str, key: str, lines: str, line: str) -> tuple[Response, int]:
        """As …/v2.0/api/dynamics_salesorderline_update has it."""
        document = self._row(kind, key)
        found = next((one for one in self.lines[key] if one["id"] == line), None)
        if LINES.get(kind) != lines or found is None:
            fail(404, "BadRequest_ResourceNotFound", "The resource was not found.")
        with self.lock:
            self._locked(found)
            if request.method == "DELETE":
                self.lines[key].remove(found)
            else:
                self._put_line(found, self._body())
            self._sum(kind, document)
            return jsonify(found), 200

    def _act(self, kind: str, key: str, action: str) -> tuple[Response, int]:
        """Bound actions answer 204 without a body: …/v2.0/resources/dynamics_salesquote"""
        row = self._row(kind, key)
        if kind != "salesQuotes" or action not in ("makeOrder", "send"):
            fail(404, "BadRequest_NotFound", f"no action {action}")
        with self.lock:
            if action == "send":
                row["status"] = "Sent"
                self._touch(row)
            else:
                self.win(key)
        return Response(status=204), 204  # type: ignore[return-value]

    def _body(self) -> Record:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            fail(400, "BadRequest", "The request body must be a JSON object.")
        return body

    def make(self, kind: str, values: Record) -> Record:
        key = str(uuid.uuid4())
        self._numbers += 1
        row = {"id": key, **FIELDS[kind], "number": str(self._numbers)}
        today = self.clock.tick().date().isoformat()
        for name in ("orderDate", "documentDate"):
            row |= {name: today} if name in row else {}
        self.put(kind, row, values)
        if "customerId" in row and row["customerId"] not in self.rows["customers"]:
            fail(400, "Application_DialogException", "You must choose a customer.")
        self.rows[kind][key] = row
        self.lines[key] = []
        return row

    def put(self, kind: str, row: Record, values: Record) -> None:
        """Codes of refusals: …/v2.0/dynamics-error-codes"""
        self._checked(FIELDS[kind], values)
        if values.get("customerId", NO_KEY) != NO_KEY and values["customerId"] not in self.rows["customers"]:
            fail(400, "Application_DialogException", "The customer does not exist.")
        numbers = [one["number"] for one in self.rows[kind].values() if one is not row]
        if values.get("number") in numbers:
            fail(400, "Internal_EntityWithSameKeyExists", "The record already exists.")
        row |= values
        self.log.append((kind, row["id"]))
        if kind == "employees":
            row["displayName"] = f"{row['givenName']} {row['surname']}".strip()
        self._touch(row)

    def _put_line(self, line: Record, values: Record) -> None:
        self._checked(LINE, values)
        item = values.get("itemId", NO_KEY)
        if item != NO_KEY and item not in self.rows["items"]:
            fail(400, "Application_DialogException", "The item does not exist.")
        if item != NO_KEY:
            line["lineObjectNumber"] = self.rows["items"][item]["number"]
        line |= values
        line["netAmount"] = round(line["quantity"] * line["unitPrice"], 2)
        self._touch(line)

    def _checked(self, known: Record, values: Record) -> None:
        """Which properties there are, and which are read-only, stands with each resource, such as
        …/v2.0/resources/dynamics_customer
        """
        for name, value in values.items():
            if name not in known:
                fail(400, "BadRequest", f"The property '{name}' does not exist on this type.")
            if name in READ_ONLY:
                fail(400, "Application_DialogException", f"The property '{name}' is read-only.")
            if isinstance(known[name], str) and not isinstance(value, str):
                fail(400, "BadRequest", f"Cannot convert {value!r} to the type of '{name}'.")
            if isinstance(known[name], int) and not isinstance(value, int | float):
                fail(400, "BadRequest", f"Cannot convert {value!r} to the type of '{name}'.")

    def _sum(self, kind: str, document: Record) -> None:
        total = sum(line["netAmount"] for line in self.lines[document["id"]])
        document |= {"totalAmountExcludingTax": total, "totalTaxAmount": 0, "totalAmountIncludingTax": total}
        self._touch(document)

    def _touch(self, row: Record) -> None:
        """`lastModifiedDateTime` and `@odata.etag` move with each change: …/v2.0/resources/dynamics_customer"""
        moment = self.clock.tick()
        row["lastModifiedDateTime"] = (
            moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
        )
        row["@odata.etag"] = f'W/"{secrets.token_hex(8)}"'

    def _shown(self, kind: str, row: Record) -> Record:
        shown = dict(row)
        if "customerName" in shown:
            shown["customerName"] = self.rows["customers"][row["customerId"]]["displayName"]
        expand = request.args.get("$expand") if request else None
        if expand is not None:
            if LINES.get(kind) != expand:
                fail(400, "BadRequest", f"Could not find a property named '{expand}'.")
            shown[expand] = [dict(line) for line in self.lines[row["id"]]]
        return shown

    def _fits(self, kind: str, row: Record, asked: str) -> bool:
        at = 0
        while at < len(asked):
            term = _TERM.match(asked, at)
            if term is None:
                fail(400, "BadRequest", f"Syntax error at position {at} in '{asked}'.")
            name, operator, value = term.groups()
            if name not in row:
                fail(400, "BadRequest", f"Could not find a property named '{name}'.")
            wanted = value[1:-1].replace("''", "'") if value.startswith("'") else value
            have = str(row[name])
            good = {
                "eq": have == wanted,
                "ge": have >= wanted,
                "gt": have > wanted,
                "le": have <= wanted,
                "lt": have < wanted,
            }
            if not good[operator]:
                return False
            at = term.end()
        return True

    def _new(self, kind: str, **values: Any) -> str:
        with self.lock:
            return str(self.make(kind, values)["id"])

    def _change(self, kind: str, key: str, **values: Any) -> None:
        with self.lock:
            self.put(kind, self.rows[kind][key], values)

    def company(self, name: str, email: str) -> str:
        return self._new(
            "customers", displayName=name, email=email, country="NO", taxRegistrationNumber="NO999999999MVA"
        )

    def contact(self, first: str, last: str, email: str, phone: str, city: str, company: str) -> str:
        person = {
            "displayName": f"{first} {last}",
            "email": email,
            "phoneNumber": phone,
            "city": city,
            "country": "NO",
        }
        return self._new("contacts", **person, companyName=self.rows["customers"][company]["displayName"])

    def employee(self, first: str, last: str, email: str) -> str:
        return self._new("employees", givenName=first, surname=last, email=email)

    def product(self, sku: str, name: str, price: str, description: str) -> str:
        return self._new(
            "items", number=sku, displayName=name, displayName2=description, unitPrice=float(price)
        )

    def sale(
        self, kind: str, company: str, contact: str, product: str, quantity: int, price: str, note: str
    ) -> str:
        many = "salesQuotes" if kind == "quote" else "salesOrders"
        key = self._new(many, customerId=company, note=note)
        line = {**LINE, "id": str(uuid.uuid4()), "documentId": key, "sequence": 10_000}
        with self.lock:
            self._put_line(
                line,
                {
                    "itemId": product,
                    "description": "Anchor chain",
                    "quantity": quantity,
                    "unitPrice": float(price),
                },
            )
            self.lines[key].append(line)
            self._sum(many, self.rows[many][key])
            if kind == "quote":
                self.rows[many][key]["status"] = "Sent"
        return key

    def win(self, quote: str) -> None:
        """The quote is gone, and an order of another key is there."""
        offer = self.rows["salesQuotes"].pop(quote)
        order = self._new("salesOrders", customerId=offer["customerId"], note=offer["note"])
        self.lines[order] = [{**line, "documentId": order} for line in self.lines.pop(quote)]
        self._sum("salesOrders", self.rows["salesOrders"][order])

    def edit_contact(self, key: str, **fields: str) -> None:
        first, _, last = str(self.rows["contacts"][key]["displayName"]).rpartition(" ")
        names = {"email": "email", "phone": "phoneNumber", "city": "city"}
        name = f"{fields.pop('first', first)} {fields.pop('last', last)}"
        self._change(
            "contacts", key, displayName=name, **{names[name]: value for name, value in fields.items()}
        )

    def see_contact(self, key: str) -> Record | None:
        row = self.rows["contacts"].get(key)
        if row is None:
            return None
        first, _, last = str(row["displayName"]).rpartition(" ")
        return {
            "first": first,
            "last": last,
            "email": row["email"],
            "phone": row["phoneNumber"],
            "city": row["city"],
            "link": row["chargebeeId"],
        }

    def find_contact(self, email: str) -> str:
        (key,) = [key for key, row in self.rows["contacts"].items() if row["email"] == email]
        return key

    def products(self) -> list[str]:
        return list(self.rows["items"])

    def edit_product(self, key: str, **fields: str) -> None:
        names = {"name": "displayName", "description": "displayName2", "price": "unitPrice"}
        self._change(
            "items",
            key,
            **{names[name]: float(value) if name == "price" else value for name, value in fields.items()},
        )

    def see_product(self, key: str) -> Record:
        row = self.rows["items"][key]
        return {
            "name": row["displayName"],
            "description": row["displayName2"],
            "price": f"{row['unitPrice']:.2f}",
            "link": row["chargebeeId"],
        }

    def edit_note(self, kind: str, key: str, note: str) -> None:
        self._change("salesQuotes" if kind == "quote" else "salesOrders", key, note=note)

    def see_note(self, kind: str, key: str) -> str | None:
        return str(self.rows["salesQuotes" if kind == "quote" else "salesOrders"][key]["note"]) or None

    def remove_contact(self, key: str) -> None:
        del self.rows["contacts"][key]
        self.log.append(("contacts", key))


def _told(error: BcError) -> tuple[Response, int]:
    """As …/v2.0/dynamics-error-codes has it."""
    return jsonify(error={"code": error.code, "message": str(error)}), error.status
