"""The Flask app: authentication, request headers, dispatch and error envelopes."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import orjson
from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from core.jsonio import Json
from sandbox.chargebee import facts, idempotency, lists, parameters, scheduled
from sandbox.chargebee.collection import create_collection
from sandbox.chargebee.console import create_console, create_fact_switch
from sandbox.chargebee.console_pages import create_pages
from sandbox.chargebee.demo import load_demo
from sandbox.chargebee.errors import (
    ApiError,
    configuration_incompatible,
    invalid_request,
    no_such_path,
    not_found,
    unauthenticated,
    wrong_method,
)
from sandbox.chargebee.facts import checks, holds, imitates
from sandbox.chargebee.forms import FORM, Field, canonical, decode
from sandbox.chargebee.pages import page
from sandbox.chargebee.recording import record_requests
from sandbox.chargebee.records import KEYS, Write, in_context, public
from sandbox.chargebee.routes import LISTS, OPERATIONS, RETRIEVABLE, Operation, execute
from sandbox.chargebee.site import SITE_SETTING, SiteConfiguration
from sandbox.chargebee.webhooks import Events
from sandbox.common.app import create_sandbox_app
from sandbox.common.data import load
from sandbox.common.pages import create_styles
from sandbox.common.state import State

API_USER = "sandbox"
_CATALOGUE_2 = ("items", "item_prices", "item_families")
"""What Product Catalog 1.0 does not have."""
CONTEXT_HEADER = "chargebee-business-entity-id"
_CURRENCY_ID = "cur_"
SILENT_HEADERS = ("chargebee-event-webhook", "chargebee-event-actions")
JSON_TYPE = "application/json;charset=utf-8"
_INJECTED = {
    429: ("operation_failed", "api_request_limit_exceeded"),
    500: ("operation_failed", "internal_error"),
    503: ("operation_failed", "internal_temporary_error"),
}


def create_app(
    state_file: Path | str, data: str = "demo", seed: int = 1, requests_file: Path | None = None
) -> Flask:
    """Return the sandbox around one state file; `data` and `seed` count only for a new file.

    `requests_file`: where each request to the API is recorded, nowhere if None.
    """
    state = State(state_file, KEYS)
    if state.is_new:
        load(state, load_demo, data, seed)
    idempotency.forget_old(state)
    app = create_sandbox_app("chargebee", state, load_demo, _injected_error, lambda: _blocks_reads(state))
    app.url_map.merge_slashes = False  # an id may have two in a row
    site = Api(state)
    api = site.blueprint()
    if requests_file:
        record_requests(api, requests_file)
    app.before_request(lambda: facts.turn_round(state.setting(facts.SETTING) or ()))
    app.register_blueprint(api)
    app.register_blueprint(create_console(state, site.delivery))
    app.register_blueprint(create_collection(state))
    app.register_blueprint(create_fact_switch(state))
    app.register_blueprint(create_styles())
    app.register_blueprint(create_pages(state, site.delivery))
    app.register_error_handler(HTTPException, _http_error)
    return app


@imitates("answers-are-json")
def _answer(body: Json, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, content_type=JSON_TYPE)


@imitates("rate-limit-is-429", "retry-after-is-optional")
def _injected_error(status: int, sentence: str) -> Response:
    kind, code = _INJECTED[status]
    return _answer(ApiError(status, kind, code, sentence).body(), status)


@imitates("live-limits-block-reads")
def _blocks_reads(state: State) -> bool:
    facts.turn_round(state.setting(facts.SETTING) or ())
    site = SiteConfiguration.parse(state.setting(SITE_SETTING) or {})
    return site.is_live and holds("live-limits-block-reads")


@imitates("wrong-verb-is-405", "missing-record-is-404")
def _http_error(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        refused = wrong_method(request.method)
    elif isinstance(error, NotFound):
        refused = no_such_path(request.path)
    else:
        refused = ApiError(error.code or 500, "invalid_request", "invalid_request", str(error.description))
    return _answer(refused.body(), refused.status)


class Api:
    """The API of one site."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.delivery = Events(state)

    def blueprint(self) -> Blueprint:
        """Return all routes below `/api/v2`."""
        api = Blueprint("api", __name__, url_prefix="/api/v2")
        api.before_request(_authenticate)
        api.before_request(_check_id)
        api.before_request(self._check_catalogue)
        api.before_request(lambda: scheduled.do_due(self.state, self.delivery.send))
        api.register_error_handler(ApiError, lambda error: _answer(error.body(), error.status))
        for operation in OPERATIONS:
            self._add_operation(api, operation)
        for path, kind in LISTS.items():
            self._add_list(api, path, kind)
        for path, kind in RETRIEVABLE.items():
            self._add_retrieve(api, path, kind)
        api.add_url_rule("/customers/<path:record_id>/contacts", view_func=self._contacts)
        api.add_url_rule("/configurations", view_func=self._configurations)
        api.add_url_rule("/currencies/list", view_func=self._currencies)
        api.add_url_rule("/currencies/<path:record_id>", view_func=self._one_currency)
        api.add_url_rule(
            "/business_entities", "no entities", self._business_entities, methods=["GET", "POST"]
        )
        return api

    def _add_operation(self, api: Blueprint, operation: Operation) -> None:
        def view(record_id: str | None = None) -> Response:
            return self._write(operation, record_id)

        api.add_url_rule(operation.rule, operation.spec, view, methods=["POST"])

    def _add_list(self, api: Blueprint, path: str, kind: str) -> None:
        @imitates("filters-differ-per-list", "lists-lag", "events-are-kept")
        def view() -> Response:
            name = f"GET {path}"
            query = (
                lists.parse(name, decode(request.query_string))
                if kind != "webhook_endpoint"
                else lists.ListQuery()
            )
            return _answer(page(self.state, kind, query, self._context()))

        api.add_url_rule(path, f"list {kind}", view)

    @imitates("missing-record-is-404")
    def _add_retrieve(self, api: Blueprint, path: str, kind: str) -> None:
        def view(record_id: str) -> Response:
            record = self.state.get(kind, record_id)
            if record is None or record.get("deleted") or not in_context(record, self._context()):
                raise not_found(kind.replace("_", " ").capitalize(), record_id)
            return _answer({kind: public(record)})

        api.add_url_rule(f"{path}/<path:record_id>", f"retrieve {kind}", view)

    @imitates("contacts-belong-to-the-customer")
    def _contacts(self, record_id: str) -> Response:
        customer = self.state.get("customer", record_id)
        if customer is None or customer["deleted"] or not in_context(customer, self._context()):
            raise not_found("Customer", record_id)
        return _answer({"list": [{"contact": contact} for contact in customer.get("contacts", [])]})

    @imitates("business-entities-have-no-calls")
    def _business_entities(self) -> Response:
        if holds("business-entities-have-no-calls"):
            raise no_such_path(request.path)
        rows = self.state.scan("business_entity", "id")
        return _answer({"list": [{"business_entity": public(row.record)} for row in rows]})

    def _site(self) -> SiteConfiguration:
        return SiteConfiguration.parse(self.state.setting(SITE_SETTING) or {})

    @checks("catalogue-1-has-no-items")
    def _check_catalogue(self) -> None:
        """Refuse what Product Catalog 1.0 does not have."""
        rule = request.url_rule
        if rule and rule.rule.split("/")[3] in _CATALOGUE_2 and self._site().product_catalog == "v1":
            raise configuration_incompatible("This API operation is not enabled for this site")

    @imitates("configurations-tell-the-catalogue")
    def _configurations(self) -> Response:
        site = {
            "domain": self._site().domain,
            "product_catalog_version": self._site().product_catalog,
            "chargebee_response_schema_type": "items",
            "object": "configuration",
        }
        if not holds("configurations-tell-the-catalogue"):
            del site["product_catalog_version"]
        return _answer({"configurations": [site]})

    @imitates("currencies-are-listed")
    def _currencies(self) -> Response:
        site = self._site()
        if not holds("currencies-are-listed"):
            raise no_such_path(request.path)
        codes = dict.fromkeys((site.base_currency, *site.currencies))
        return _answer({"list": [{"currency": _currency(code, site.base_currency)} for code in codes]})

    @imitates("currencies-are-listed", "missing-record-is-404")
    def _one_currency(self, record_id: str) -> Response:
        site = self._site()
        code = record_id.removeprefix(_CURRENCY_ID)
        if not record_id.startswith(_CURRENCY_ID) or not site.takes_currency(code):
            raise not_found("Currency", record_id)
        return _answer({"currency": _currency(code, site.base_currency)})

    @imitates("header-limits-a-call")
    def _context(self) -> str | None:
        if not holds("header-limits-a-call"):
            return None
        entity_id = request.headers.get(CONTEXT_HEADER)
        if entity_id is not None:
            entity = self.state.get("business_entity", entity_id)
            if entity is None or entity["deleted"]:
                raise not_found("Business entity", entity_id)
        return entity_id

    @imitates("refusals-are-stored-too", "webhooks-can-be-kept-back")
    def _write(self, operation: Operation, record_id: str | None) -> Response:
        fields = _form()
        key = request.headers.get(idempotency.HEADER)
        remembered = idempotency.Remembered(key, request.path, canonical(fields)) if key else None
        try:
            with self.state.write() as tx:
                stored = remembered.stored(tx) if remembered else None
                if stored:
                    return _replayed(*stored)
                write = Write(tx)
                write.context = self._context()
                write.may_mail = not _is_disabled("chargebee-event-email", "chargebee-event-actions")
                values = parameters.check(operation.spec, fields)
                body = {
                    name: public(record)
                    for name, record in execute(operation, write, record_id, values).items()
                }
                if remembered:
                    remembered.store(tx, body, 200)
        except ApiError as error:
            if remembered and error.status not in (422, 429) and holds("refusals-are-stored-too"):
                with self.state.write() as tx:
                    remembered.store(tx, error.body(), error.status)
            raise
        if not _is_disabled(*SILENT_HEADERS) or not holds("webhooks-can-be-kept-back"):
            self.delivery.send(write.events)
        return _answer(body)


@imitates("bodies-are-forms")
def _form() -> list[Field]:
    """Return the fields of the body; one that is no form is not read."""
    body = request.get_data()
    if not body or request.mimetype == FORM:
        return decode(body)
    if not holds("bodies-are-forms"):
        raise invalid_request(f"The body should be {FORM}")
    return []


def _is_disabled(*headers: str) -> bool:
    return any(request.headers.get(name) == "all-disabled" for name in headers)


def _replayed(body: dict[str, object], status: int) -> Response:
    response = _answer(body, status)
    response.headers[idempotency.REPLAYED] = "true"
    return response


def _currency(code: str, base: str) -> Json:
    """Return a currency as the site shows it (https://apidocs.chargebee.com/docs/api/currencies)."""
    return {
        "id": f"{_CURRENCY_ID}{code}",
        "enabled": True,
        "forex_type": "auto",
        "currency_code": code,
        "is_base_currency": code == base,
        "manual_exchange_rate": "1.0",
        "object": "currency",
    }


@imitates("slashes-in-ids-stay-in-paths")
def _check_id() -> None:
    """Take an id with slashes, as official clients send it."""
    if "/" in (request.view_args or {}).get("record_id", "") and not holds("slashes-in-ids-stay-in-paths"):
        raise no_such_path(request.path)


@imitates("key-is-the-user")
def _authenticate() -> None:
    """HTTP basic with the API key as the user and an empty password."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthenticated() from None
    if scheme.lower() != "basic" or user != API_USER or password:
        raise unauthenticated()
    g.api_user = user
