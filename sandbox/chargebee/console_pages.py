"""The console at `/`: people look at records there, make, edit and delete them.

What is typed goes through the same checks as the API's calls, and raises the same events, told as of the
console.
"""

from __future__ import annotations

import orjson
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from sandbox.chargebee.business_entities import ConsoleError
from sandbox.chargebee.console_forms import BY_PATH, KINDS, Form, Kind, controls, read, shown
from sandbox.chargebee.errors import ApiError
from sandbox.chargebee.records import Write, public
from sandbox.chargebee.webhooks import Events
from sandbox.common.pages import page_blueprint
from sandbox.common.state import Range, Record, State

PAGE = 50
ONE_OF = f"<any({', '.join(BY_PATH)}):path>"
REFERENCES = {
    "business_entity_id": "business_entities",
    "customer_id": "customers",
    "item_id": "items",
    "active_id": "customers",
}
PARTS = {"customers": [("orders", "customer_id")], "items": [("item_prices", "item_id")]}
"""Of a record's page: what belongs to it, by path, and the key that says so."""
Answer = Response | str | tuple[str, int]


def create_pages(state: State, events: Events) -> Blueprint:
    """Return the blueprint; a write must come from a form of these pages."""
    pages = page_blueprint("console_pages", __name__)

    @pages.context_processor
    def frame() -> dict[str, object]:
        sections = [(kind.title, url_for("console_pages.show_list", path=kind.path)) for kind in KINDS]
        home = url_for("console_pages.index")
        return {"system": "Sandbox Chargebee", "home": home, "sections": sections}

    @pages.get("/")
    def index() -> str:
        counts = [(kind, len(_living(state, kind))) for kind in KINDS]
        return render_template("console/index.html", counts=counts)

    @pages.get(f"/{ONE_OF}")
    def show_list(path: str) -> str:
        return _list_page(state, BY_PATH[path])

    @pages.get(f"/{ONE_OF}/new")
    def show_new(path: str) -> str:
        kind = BY_PATH[path]
        given = {name: text for name, text in request.args.items() if name in kind.create.fields}
        return _record_page(state, kind, {}, kind.create, given)

    @pages.get(f"/{ONE_OF}/<record_id>")
    def show(path: str, record_id: str) -> str:
        kind = BY_PATH[path]
        return _record_page(state, kind, _existing(state, kind, record_id))

    @pages.post(f"/{ONE_OF}")
    def create(path: str) -> Answer:
        return carry_out(BY_PATH[path], BY_PATH[path].create, {})

    @pages.post(f"/{ONE_OF}/<record_id>/<name>")
    def change(path: str, record_id: str, name: str) -> Answer:
        kind = BY_PATH[path]
        form = next((each for each in kind.forms if each.name == name), None)
        if form is None:
            raise NotFound(f"{kind.title} have no {name}")
        return carry_out(kind, form, _existing(state, kind, record_id))

    def carry_out(kind: Kind, form: Form, record: Record) -> Answer:
        typed = request.form.to_dict()
        try:
            values = read(form, record, typed)
            with state.write() as tx:
                write = Write(tx, source="admin_console", user="console@sandbox.example")
                done = form.act(write, str(record.get("id", "")), values)
        except (ApiError, ConsoleError) as error:
            return _record_page(state, kind, record, form, typed, _told(error)), 400
        events.send(write.events)
        if done.get("deleted"):
            return redirect(url_for("console_pages.show_list", path=kind.path), 303)
        return redirect(url_for("console_pages.show", path=kind.path, record_id=done["id"], saved=1), 303)

    @pages.errorhandler(NotFound)
    def missing(error: NotFound) -> tuple[str, int]:
        return render_template("console/missing.html", problem=error.description), 404

    return pages


def _told(error: ApiError | ConsoleError) -> str:
    if isinstance(error, ConsoleError):
        return str(error)
    return str(error.body()["message"])


def _existing(state: State, kind: Kind, record_id: str) -> Record:
    record = state.get(kind.kind, record_id)
    if record is None:
        raise NotFound(f"There is no {kind.kind.replace('_', ' ')} {record_id}.")
    return record


def _living(state: State, kind: Kind) -> list[Record]:
    rows = (row.record for row in state.scan(kind.kind, "id", fresh=True))
    return [record for record in rows if not record.get("deleted")]


def _list_page(state: State, kind: Kind) -> str:
    """Return a page of a list, by id; `q` is looked for everywhere, `after` is where the last page ended."""
    words = request.args.get("q", "").casefold().split()
    after, deleted = request.args.get("after"), bool(request.args.get("deleted"))

    def matches(record: Record) -> bool:
        if record.get("deleted") and not deleted:
            return False
        text = orjson.dumps(public(record)).decode().casefold()
        return all(word in text for word in words)

    part = Range(after=(after, after)) if after else None
    rows = [row.record for row in state.page(kind.kind, "id", PAGE + 1, part, matches)]
    return render_template(
        "console/list.html",
        kind=kind,
        rows=[(record, [_cell(record, name) for name in kind.columns]) for record in rows[:PAGE]],
        following=rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
        url=url_for("console_pages.show_list", path=kind.path),
    )


def _cell(record: Record, name: str) -> str:
    kind = "timestamp" if name.endswith(("_at", "_date")) else ""
    return shown(record, name.replace(".", "["), kind)


def _record_page(
    state: State,
    kind: Kind,
    record: Record,
    refused: Form | None = None,
    typed: dict[str, str] | None = None,
    problem: str = "",
) -> str:
    """Return the page of a record with its forms, or of one to be made; `refused` shows what was typed."""
    forms = kind.forms if record else (kind.create,)
    filled = [(form, list(controls(form, record, typed or {} if form is refused else {}))) for form in forms]
    parts = [
        (BY_PATH[path], state.find(BY_PATH[path].kind, key, record["id"]))
        for path, key in PARTS.get(kind.path, [])
        if record
    ]
    return render_template(
        "console/record.html",
        kind=kind,
        record=public(record),
        forms=filled,
        facts=_facts(kind, record),
        parts=parts,
        problem=problem,
        saved="saved" in request.args,
    )


def _facts(kind: Kind, record: Record) -> list[tuple[str, str, str | None]]:
    """(name, value, address of what it names) of the attributes that no form has."""
    edited = {name.partition("[")[0] for form in kind.forms for name in form.fields}
    found = []
    for name, value in public(record).items():
        path = REFERENCES.get(name)
        link = url_for("console_pages.show", path=path, record_id=value) if path and value else None
        if name not in edited or link:
            found.append((name, _fact(name, value), link))
    return found


def _fact(name: str, value: object) -> str:
    if name.endswith(("_at", "_date", "_on")) and isinstance(value, int):
        return f"{shown({name: value}, name, 'timestamp').replace('T', ' ')} UTC"
    return shown({name: value}, name, "json" if isinstance(value, dict | list) else "")
