"""What no API call can do.

Business entities and the site's settings, as people see to them in Chargebee's console; and turning facts
about Chargebee round.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from core.jsonio import Json
from sandbox.chargebee import business_entities, facts
from sandbox.chargebee.business_entities import ConsoleError
from sandbox.chargebee.records import Write, public
from sandbox.chargebee.site import SITE_SETTING, SiteConfiguration, SiteError
from sandbox.chargebee.webhooks import Events
from sandbox.common.state import Record, State


def create_console(state: State, delivery: Events) -> Blueprint:
    """Return the blueprint for `/_sandbox/business_entities` and `/_sandbox/site`."""
    console = Blueprint("console", __name__, url_prefix="/_sandbox")

    def done(act: Callable[[Write], Record], status: int = 200) -> tuple[Response, int]:
        with state.write() as tx:
            write = Write(tx, source="admin_console", user="console@sandbox.example")
            record = public(act(write))
        delivery.send(write.events)
        return jsonify(record), status

    @console.get("/business_entities")
    def show() -> Response:
        return jsonify([public(entity) for entity in business_entities.list_all(state)])

    @console.post("/business_entities")
    def create() -> tuple[Response, int]:
        values = _body()
        return done(lambda write: business_entities.create(write, values), 201)

    @console.patch("/business_entities/<entity_id>")
    def update(entity_id: str) -> tuple[Response, int]:
        values = _body()
        return done(lambda write: business_entities.update(write, entity_id, values))

    @console.delete("/business_entities/<entity_id>")
    def delete(entity_id: str) -> tuple[Response, int]:
        return done(lambda write: business_entities.delete(write, entity_id))

    @console.get("/site")
    def show_site() -> Response:
        return jsonify(SiteConfiguration.parse(state.setting(SITE_SETTING) or {}).as_json())

    @console.put("/site")
    def set_site() -> Response:
        site = SiteConfiguration.parse(_body())
        with state.write() as tx:
            tx.set_setting(SITE_SETTING, site.as_json())
        return jsonify(site.as_json())

    @console.errorhandler(ConsoleError)
    @console.errorhandler(SiteError)
    def refused(error: ValueError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    @console.errorhandler(LookupError)
    def missing(error: LookupError) -> tuple[Response, int]:
        return jsonify(error=f"no business entity {error.args[0]!r}"), 404

    return console


def create_fact_switch(state: State) -> Blueprint:
    """Return the blueprint for `/_sandbox/facts`: `{id: false}` for every fact that is turned round."""
    switch = Blueprint("facts", __name__, url_prefix="/_sandbox/facts")

    @switch.get("")
    def show() -> Response:
        return jsonify(dict.fromkeys(state.setting(facts.SETTING) or (), False))

    @switch.put("")
    def turn() -> Response:
        wanted = _body()
        for fact_id, value in wanted.items():
            if fact_id not in facts.all_facts():
                raise ConsoleError(f"there is no fact {fact_id!r}")
            if not isinstance(value, bool):
                raise ConsoleError(f"{fact_id} must be true or false")
        turned = sorted(fact_id for fact_id, value in wanted.items() if not value)
        with state.write() as tx:
            tx.set_setting(facts.SETTING, turned)
        return show()

    @switch.errorhandler(ConsoleError)
    def refused(error: ConsoleError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    return switch


def _body() -> Json:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise ConsoleError("the body must be a JSON object")
    return body
