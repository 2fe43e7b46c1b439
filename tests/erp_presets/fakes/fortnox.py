"""Fortnox, API version 3, as its documentation has it.

* Tokens: https://www.fortnox.se/developer/authorization/get-refresh-token: basic auth with client id and secret, a form with
  grant_type and refresh_token; each answer has a new refresh token, and one that was used is refused
  (https://www.fortnox.se/developer/faq, "Invalid refresh token").
* Lists: https://www.fortnox.se/developer/guides-and-good-to-know/parameters: `page` and `limit` (500 at most), `lastmodified`
  (`2019-03-10 12:30`), parameters in lower case; a search is `ILIKE '%…%'`. Lists show a summary and count all in
  `MetaInformation` (`@TotalResources`, `@TotalPages`, `@CurrentPage`).
* Records and their fields: https://apps.fortnox.se/apidocs. One is wrapped in its name (`{"Customer": …}`), changed by PUT; no
  record shows when it was changed. Persons are customers of the type PRIVATE; prices belong to price lists.
* Errors: https://www.fortnox.se/developer/guides-and-good-to-know/errors: `{"ErrorInformation": {"error", "message", "code"}}`.
"""

from __future__ import annotations

import base64
import secrets
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from flask import Response, jsonify, request

from tests.erp_presets.fakes.serving import Clock, FakeErp, Has, Record

CLIENT, SECRET, FIRST = "fortnox-client", "fortnox-secret", "fortnox-first-refresh-token"
STOCKHOLM = ZoneInfo("Europe/Stockholm")
MOST = 500


class FortnoxError(Exception):
    def __init__(self, status: int, message: str, code: int) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def fail(status: int, message: str, code: int = 2000310) -> NoReturn:
    raise FortnoxError(status, message, code)


class Kind:
    """One kind of record: the word around one and around a list, its key, what a list shows, what may be written and searched."""

    def __init__(
        self, one: str, many: str, key: str, shown: str, written: str, read_only: str = "", searched: str = ""
    ) -> None:
        self.one, self.many, self.key = one, many, key
        self.shown = [key, *shown.split()]
        self.written = {key, *written.split()}
        self.all = [key, *written.split(), *read_only.split()]
        self.searched = {name.lower(): name for name in searched.split()}


KINDS = {
    "customers": Kind(
        "Customer", "Customers", "CustomerNumber", "Name Email Phone OrganisationNumber Address1 Address2 ZipCode City",
        "Name Type Email Phone1 OrganisationNumber VATNumber Address1 Address2 ZipCode City CountryCode Currency WWW Comments Active ExternalReference",
        "Country", "CustomerNumber Name Email City ZipCode Phone OrganisationNumber",
    ),
    "articles": Kind(
        "Article", "Articles", "ArticleNumber", "Description Unit QuantityInStock",
        "Description Unit Note Type Active EAN ManufacturerArticleNumber", "SalesPrice QuantityInStock", "ArticleNumber Description EAN ManufacturerArticleNumber",
    ),
    "orders": Kind(
        "Order", "Orders", "DocumentNumber", "CustomerNumber CustomerName OrderDate Currency Cancelled Sent Total ExternalInvoiceReference1",
        "CustomerNumber OrderDate DeliveryDate Currency Comments Remarks YourOrderNumber ExternalInvoiceReference1 OrderRows",
        "CustomerName Cancelled Sent Net Total TotalVAT OfferReference", "DocumentNumber CustomerNumber CustomerName ExternalInvoiceReference1",
    ),
    "offers": Kind(
        "Offer", "Offers", "DocumentNumber", "CustomerNumber CustomerName OfferDate Currency Cancelled Sent Total",
        "CustomerNumber OfferDate ExpireDate Currency Comments Remarks YourReferenceNumber OfferRows",
        "CustomerName Cancelled Sent Net Total TotalVAT OrderReference", "DocumentNumber CustomerNumber CustomerName",
    ),
}  # fmt: skip
ROWS = {"orders": ("OrderRows", "OrderedQuantity"), "offers": ("OfferRows", "Quantity")}
ROW_FIELDS = {
    "RowId",
    "ArticleNumber",
    "Description",
    "Price",
    "Unit",
    "VAT",
    "Discount",
    "DeliveredQuantity",
    "OrderedQuantity",
    "Quantity",
}
FLAGS = {"Active": True, "Cancelled": False, "Sent": False}


class Fortnox(FakeErp):
    """A company in Stockholm."""

    preset = "fortnox"
    has = Has(employees=False, deletions=False, people_at_companies=False, wins=True)

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, dict[str, Record]] = {name: {} for name in KINDS}
        self.refresh = FIRST
        self._changed: dict[tuple[str, str], datetime] = {}
        self._next = dict.fromkeys(KINDS, 0)
        self.clock = Clock()
        self.lock = threading.RLock()
        self.app.add_url_rule("/oauth-v1/token", view_func=self._token, methods=["POST"])
        self.app.add_url_rule(
            "/3/prices/<price_list>/<path:article>/<quantity>", view_func=self._price, methods=["PUT"]
        )
        for rule, methods in (("/3/<kind>", ["GET", "POST"]), ("/3/<kind>/", ["GET", "POST"])):
            self.app.add_url_rule(rule, f"many{rule}", self._many, methods=methods)
        self.app.add_url_rule(
            "/3/<kind>/<path:key>/<any(cancel, createorder):action>", "act", self._act, methods=["PUT"]
        )
        self.app.add_url_rule("/3/<kind>/<path:key>", "one", self._one, methods=["GET", "PUT", "DELETE"])
        self.app.register_error_handler(FortnoxError, _told)

    def environment(self, url: str, folder: Path) -> dict[str, str]:
        return {
            "ERP_BASE_URL": f"{url}/3",
            "ERP_TOKEN_URL": f"{url}/oauth-v1/token",
            "ERP_CLIENT_ID": CLIENT,
            "ERP_CLIENT_SECRET": SECRET,
            "ERP_TOKEN": FIRST,
            "ERP_TOKEN_FILE": str(folder / "refresh-token"),
        }  # fmt: skip

    def changes(self) -> int:
        return self.clock.ticks

    def _token(self) -> tuple[Response, int]:
        """Basic auth, a form, a new refresh token each time, and the old one is refused:
        https://www.fortnox.se/developer/authorization/get-refresh-token and
        https://www.fortnox.se/developer/faq
        """
        wanted = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {wanted}":
            return jsonify(error="invalid_client", error_description="Client authentication failed"), 401
        if (
            request.form.get("grant_type") != "refresh_token"
            or request.form.get("refresh_token") != self.refresh
        ):
            return jsonify(error="invalid_grant", error_description="Invalid refresh token"), 400
        with self.lock:
            self.refresh, token = secrets.token_hex(20), secrets.token_hex(20)
            self.sessions.add(token)
        return jsonify(
            access_token=token,
            refresh_token=self.refresh,
            scope="customer",
            expires_in=3600,
            token_type="bearer",
        ), 200

    def _kind(self, name: str) -> Kind:
        """A token that is not valid, and an address that is none:
        https://www.fortnox.se/developer/guides-and-good-to-know/errors
        """
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.sessions:
            fail(401, "Invalid or expired token", 2000311)
        if name not in KINDS:
            fail(404, "Invalid url", 1000003)
        return KINDS[name]

    def _many(self, kind: str) -> tuple[Response, int]:
        """Pages, `lastmodified`, searches and `MetaInformation`:
        https://www.fortnox.se/developer/guides-and-good-to-know/parameters; a list shows a
        summary: https://apps.fortnox.se/apidocs#tag/fortnox_Customers
        """
        about = self._kind(kind)
        with self.lock:
            if request.method == "POST":
                return jsonify({about.one: self._shown(kind, self._make(kind, self._given(about)))}), 201
            page, limit = int(request.args.get("page", 1)), int(request.args.get("limit", 100))
            if not 1 <= limit <= MOST:
                fail(400, "Ogiltig limit", 2000588)
            rows = list(self.rows[kind].values())
            for name, value in request.args.items():
                if name in ("page", "limit"):
                    continue
                if name == "lastmodified":
                    since = datetime.strptime(value, "%Y-%m-%d %H:%M").replace(tzinfo=STOCKHOLM)
                    rows = [row for row in rows if self._changed[kind, row[about.key]] >= since]
                elif name in about.searched:
                    field = about.searched[name]
                    rows = [row for row in rows if value.lower() in str(row.get(field) or "").lower()]
                else:
                    fail(400, f"Ogiltig parameter i anropet: {name}", 2000588)
            some = rows[(page - 1) * limit : page * limit]
            meta = {"@TotalResources": len(rows), "@TotalPages": -(-len(rows) // limit), "@CurrentPage": page}
            shown = [{name: self._shown(kind, row).get(name) for name in about.shown} for row in some]
            return jsonify({"MetaInformation": meta, about.many: shown}), 200

    def _one(self, kind: str, key: str) -> tuple[Response, int]:
        """One is wrapped in its name, changed by PUT; documents are not deleted:
        https://apps.fortnox.se/apidocs#tag/fortnox_Customers and
        https://apps.fortnox.se/apidocs#tag/fortnox_Orders
        """
        about = self._kind(kind)
        with self.lock:
            row = self.rows[kind].get(key)
            if row is None:
                fail(404, f"Kan inte hitta {about.one} {key}", 2000204)
            if request.method == "DELETE":
                if kind in ROWS:
                    fail(405, "Method not allowed", 1000003)
                del self.rows[kind][key]
                return Response(status=204), 204  # type: ignore[return-value]
            if request.method == "PUT":
                self._put(kind, row, self._given(about))
            return jsonify({about.one: self._shown(kind, row)}), 200

    def _act(self, kind: str, key: str, action: str) -> tuple[Response, int]:
        """Cancelling, and an order of an offer: https://apps.fortnox.se/apidocs#tag/fortnox_Offers"""
        about = self._kind(kind)
        with self.lock:
            row = self.rows[kind].get(key)
            if row is None or (action == "createorder" and kind != "offers"):
                fail(404, f"Kan inte hitta {about.one} {key}", 2000204)
            if action == "createorder":
                order = self.win(key)
                return jsonify({"Order": self._shown("orders", self.rows["orders"][order])}), 200
            row["Cancelled"] = True
            self._touch(kind, row)
            return jsonify({about.one: self._shown(kind, row)}), 200

    def _price(self, price_list: str, article: str, quantity: str) -> tuple[Response, int]:
        """Prices are of a price list, an article and a quantity:
        https://apps.fortnox.se/apidocs#tag/fortnox_Prices
        """
        self._kind("articles")
        body = (request.get_json() or {}).get("Price")
        row = self.rows["articles"].get(article)
        if row is None or price_list != "A" or quantity != "0" or not isinstance(body, dict):
            fail(404, "Kan inte hitta priset", 2000204)
        with self.lock:
            row["SalesPrice"] = float(body["Price"])
            self._touch("articles", row)
        return jsonify(
            {
                "Price": {
                    "ArticleNumber": article,
                    "PriceList": "A",
                    "FromQuantity": 0,
                    "Price": row["SalesPrice"],
                }
            }
        ), 200

    def _given(self, about: Kind) -> Record:
        """The wrapped body; a property that is read-only or unknown is refused:
        https://www.fortnox.se/developer/guides-and-good-to-know/errors
        """
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or list(body) != [about.one] or not isinstance(body[about.one], dict):
            fail(400, f"the body must be {{{about.one}: …}}", 2000106)
        for name in body[about.one]:
            if name not in about.written:
                fail(400, f"{name} kan inte ändras ({about.one})", 2001103)
        return dict(body[about.one])

    def _make(self, kind: str, values: Record) -> Record:
        """Numbers are given where none is chosen; what each needs:
        https://apps.fortnox.se/apidocs#tag/fortnox_Customers
        """
        about = KINDS[kind]
        self._next[kind] += 1
        key = str(values.pop(about.key, self._next[kind]))
        if key in self.rows[kind]:
            fail(400, f"{about.key} {key} används redan", 2000013)
        row = {
            **dict.fromkeys(about.all),
            about.key: key,
            **{name: flag for name, flag in FLAGS.items() if name in about.all},
        }
        if kind == "customers":
            row |= {"Type": "COMPANY", "Currency": "SEK"}
        if kind == "articles":
            row |= {"Type": "STOCK", "SalesPrice": 0.0}
        if kind in ROWS:
            row |= {"Currency": "SEK", ROWS[kind][0]: [], "OfferReference": "0", "OrderReference": "0"}
            row["OrderDate" if kind == "orders" else "OfferDate"] = self.clock.tick().date().isoformat()
        self.rows[kind][key] = row
        try:
            self._put(kind, row, values)
            needed = {
                "customers": "Name",
                "articles": "Description",
                "orders": "CustomerNumber",
                "offers": "CustomerNumber",
            }.get(kind)
            if needed is not None and not row[needed]:
                fail(400, f"{needed} måste anges", 2000586)
        except FortnoxError:
            del self.rows[kind][key]
            raise
        return row

    def _put(self, kind: str, row: Record, values: Record) -> None:
        for name, value in values.items():
            if value is not None and name in FLAGS and not isinstance(value, bool):
                fail(400, f"{name} must be true or false")
            if isinstance(value, dict) or (
                isinstance(value, list) and (kind not in ROWS or name != ROWS[kind][0])
            ):
                fail(400, f"{name} is no value")
        if (
            kind in ROWS
            and "CustomerNumber" in values
            and str(values["CustomerNumber"]) not in self.rows["customers"]
        ):
            fail(400, "Kunde inte hitta kund", 2000433)
        if kind in ROWS and ROWS[kind][0] in values:
            values = {**values, ROWS[kind][0]: [self._row(kind, line) for line in values[ROWS[kind][0]]]}
        row |= {name: None if value == "" else value for name, value in values.items()}
        if kind in ROWS:
            for line in row[ROWS[kind][0]]:
                line["Total"] = float(line[ROWS[kind][1]]) * float(line["Price"])
            row["Net"] = row["Total"] = sum(line["Total"] for line in row[ROWS[kind][0]])
            row["TotalVAT"] = 0
        self._touch(kind, row)

    def _row(self, kind: str, line: Record) -> Record:
        """OrderRows and OfferRows: https://apps.fortnox.se/apidocs#tag/fortnox_Orders"""
        for name in line:
            if name not in ROW_FIELDS and name != "Total":
                fail(400, f"{name} is no field of a row")
        article = line.get("ArticleNumber")
        if article and str(article) not in self.rows["articles"]:
            fail(400, "Kunde inte hitta artikel", 2000428)
        if article is None and line.get("Description") is None:
            fail(400, "a row needs an article or a description")
        self._next["rows"] = self._next.get("rows", 0) + 1
        return {
            "RowId": self._next["rows"],
            "Price": 0,
            ROWS[kind][1]: "1",
            **{name: value for name, value in line.items() if value is not None},
        }

    def _touch(self, kind: str, row: Record) -> None:
        self._changed[kind, row[KINDS[kind].key]] = self.clock.tick()

    def _shown(self, kind: str, row: Record) -> Record:
        shown = {**row, "@url": f"{request.url_root}3/{kind}/{row[KINDS[kind].key]}"}
        if kind == "customers":
            shown |= {
                "Phone": row["Phone1"],
                "Country": {"NO": "Norge", "SE": "Sverige"}.get(row["CountryCode"]),
            }
        if kind in ROWS:
            shown["CustomerName"] = self.rows["customers"][str(row["CustomerNumber"])]["Name"]
        return shown

    def _new(self, kind: str, **values: Any) -> str:
        with self.lock:
            return str(self._make(kind, values)[KINDS[kind].key])

    def _change(self, kind: str, key: str, **values: Any) -> None:
        with self.lock:
            self._put(kind, self.rows[kind][key], values)

    def company(self, name: str, email: str) -> str:
        return self._new(
            "customers", Name=name, Email=email, Type="COMPANY", CountryCode="SE", VATNumber="SE999999999901"
        )

    def contact(self, first: str, last: str, email: str, phone: str, city: str, company: str) -> str:
        person = {
            "Name": f"{first} {last}",
            "Email": email,
            "Phone1": phone or None,
            "City": city,
            "CountryCode": "NO",
        }
        return self._new("customers", **person, Type="PRIVATE")

    def product(self, sku: str, name: str, price: str, description: str) -> str:
        key = self._new("articles", ArticleNumber=sku, Description=name, Note=description)
        self.rows["articles"][key]["SalesPrice"] = float(price)
        return key

    def sale(
        self, kind: str, company: str, contact: str, product: str, quantity: int, price: str, note: str
    ) -> str:
        many = f"{kind}s".replace("quotes", "offers")
        rows, count = ROWS[many]
        line = {
            "ArticleNumber": product,
            "Description": "Anchor chain",
            count: str(quantity),
            "Price": float(price),
        }
        key = self._new(many, CustomerNumber=contact, Comments=note, **{rows: [line]})
        if kind == "quote":
            self.rows[many][key]["Sent"] = True
        return key

    def win(self, quote: str) -> str:
        with self.lock:
            offer = self.rows["offers"][quote]
            line = [{**row, "OrderedQuantity": row["Quantity"]} for row in offer["OfferRows"]]
            rows = [
                {name: value for name, value in row.items() if name not in ("Quantity", "RowId")}
                for row in line
            ]
            order = self._new(
                "orders", CustomerNumber=offer["CustomerNumber"], Comments=offer["Comments"], OrderRows=rows
            )
            self.rows["orders"][order]["OfferReference"] = quote
            offer["OrderReference"] = order
            self._touch("offers", offer)
        return order

    def edit_contact(self, key: str, **fields: str) -> None:
        first, _, last = str(self.rows["customers"][key]["Name"]).rpartition(" ")
        values = {"Name": f"{fields.pop('first', first)} {fields.pop('last', last)}"}
        names = {"email": "Email", "phone": "Phone1", "city": "City"}
        self._change("customers", key, **values, **{names[name]: value for name, value in fields.items()})

    def see_contact(self, key: str) -> Record | None:
        row = self.rows["customers"].get(key)
        if row is None:
            return None
        first, _, last = str(row["Name"]).rpartition(" ")
        return {
            "first": first,
            "last": last,
            "email": row["Email"],
            "phone": row["Phone1"],
            "city": row["City"],
            "link": row["ExternalReference"],
        }

    def find_contact(self, email: str) -> str:
        (key,) = [key for key, row in self.rows["customers"].items() if row["Email"] == email]
        return key

    def products(self) -> list[str]:
        return list(self.rows["articles"])

    def edit_product(self, key: str, **fields: str) -> None:
        row = self.rows["articles"][key]
        row |= {"SalesPrice": float(fields.pop("price"))} if "price" in fields else {}
        names = {"name": "Description", "description": "Note"}
        self._change("articles", key, **{names[name]: value for name, value in fields.items()})

    def see_product(self, key: str) -> Record:
        row = self.rows["articles"][key]
        link = str(row["ManufacturerArticleNumber"] or "").removeprefix("chargebee:")
        return {
            "name": row["Description"],
            "description": row["Note"],
            "price": f"{row['SalesPrice']:.2f}",
            "link": link,
        }

    def edit_note(self, kind: str, key: str, note: str) -> None:
        self._change("offers" if kind == "quote" else "orders", key, Comments=note)

    def see_note(self, kind: str, key: str) -> str | None:
        return self.rows["offers" if kind == "quote" else "orders"][key]["Comments"]

    def remove_contact(self, key: str) -> None:
        del self.rows["customers"][key]


def _told(error: FortnoxError) -> tuple[Response, int]:
    """As https://www.fortnox.se/developer/guides-and-good-to-know/errors has it."""
    return jsonify(ErrorInformation={"error": 1, "message": str(error), "code": error.code}), error.status
