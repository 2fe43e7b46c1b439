"""The admin page at `/`: look at the records, search, edit, delete; plain HTML that works without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.common.pages import page_blueprint
from sandbox.common.state import Record, State
from sandbox.erp import records
from sandbox.erp.fields import TYPES, RecordType
from sandbox.erp.forms import groups, read_form
from sandbox.erp.lists import cursor_of, place_of
from sandbox.erp.problems import ProblemResponse

PAGE = 50
COLUMNS = (
    "id",
    "customer_number",
    "employee_number",
    "sku",
    "quote_number",
    "order_number",
    "name",
    "first_name",
    "last_name",
    "email",
    "type",
    "status",
    "total",
    "currency",
    "modified_at",
)
BY_PATH = {record_type.path: record_type for record_type in TYPES.values()}


def create_admin(state: State) -> Blueprint:
    """Return the blueprint; a write must come from a form of this page."""
    admin = page_blueprint("admin", __name__)

    @admin.context_processor
    def frame() -> dict[str, object]:
        sections = [(path, url_for("admin.show_list", path=path)) for path in BY_PATH]
        return {"system": "Sandbox ERP", "home": url_for("admin.index"), "sections": sections}

    @admin.get("/")
    def index() -> str:
        counts = {kind.path: state.count(kind.name, "live") for kind in TYPES.values()}
        return render_template("admin/index.html", counts=counts)

    @admin.get("/<path>")
    def show_list(path: str) -> str:
        return _list_page(state, _type(path))

    @admin.get("/<path>/new")
    def show_new(path: str) -> str:
        return _form_page(_type(path), {})

    @admin.post("/<path>")
    def create(path: str) -> AnyResponse | str | tuple[str, int]:
        record_type = _type(path)
        body = read_form(record_type.fields, request.form)
        body = {name: value for name, value in body.items() if value is not None}
        try:
            with state.write() as tx:
                record = records.create(tx, record_type.name, body)
        except ProblemResponse as problem:
            return _form_page(record_type, body, problem), problem.status
        return _shown(record_type, record["id"])

    @admin.get("/<path>/<record_id>")
    def show(path: str, record_id: str) -> str:
        record_type = _type(path)
        return _form_page(record_type, records.existing(state, record_type.name, record_id, True))

    @admin.post("/<path>/<record_id>")
    def update(path: str, record_id: str) -> AnyResponse | tuple[str, int]:
        record_type = _type(path)
        body = read_form(record_type.fields, request.form)
        try:
            with state.write() as tx:
                records.update(tx, record_type.name, record_id, body, request.form.get("version"))
        except ProblemResponse as problem:
            present = state.get(record_type.name, record_id) or {}
            return _form_page(record_type, present | body, problem), problem.status
        return _shown(record_type, record_id)

    @admin.post("/<path>/<record_id>/delete")
    def delete(path: str, record_id: str) -> AnyResponse:
        record_type = _type(path)
        with state.write() as tx:
            records.delete(tx, record_type.name, record_id, request.form.get("version"))
        return redirect(url_for("admin.show_list", path=path), 303)

    @admin.post("/quotes/<record_id>/convert")
    def convert(record_id: str) -> AnyResponse:
        today = datetime.now(UTC).date().isoformat()
        with state.write() as tx:
            order = records.convert(tx, record_id, today, request.form.get("version"))
        return _shown(TYPES["order"], order["id"])

    @admin.errorhandler(ProblemResponse)
    def refuse(problem: ProblemResponse) -> tuple[str, int]:
        return render_template("admin/problem.html", problem=problem), problem.status

    return admin


def _type(path: str) -> RecordType:
    if path not in BY_PATH:
        raise ProblemResponse(404, "Not found", f"there are no {path}")
    return BY_PATH[path]


def _shown(record_type: RecordType, record_id: str) -> AnyResponse:
    return redirect(url_for("admin.show", path=record_type.path, record_id=record_id), 303)


def _list_page(state: State, record_type: RecordType) -> str:
    """Return the youngest records first.

    `q` is looked for in every field, `after` is where the last page ended.
    """
    words = request.args.get("q", "").casefold().split()
    part = place_of(request.args.get("after"), descending=True)

    def matches(record: Record) -> bool:
        text = orjson.dumps(record).decode().casefold()
        return all(word in text for word in words)

    key = "modified_at" if request.args.get("deleted") else "live"
    rows = state.page(record_type.name, key, PAGE + 1, part, matches if words else None)
    following = cursor_of(rows[PAGE - 1]) if len(rows) > PAGE else None
    return render_template(
        "admin/list.html",
        type=record_type,
        columns=[name for name in COLUMNS if name in record_type.fields],
        rows=[row.record for row in rows[:PAGE]],
        following=following,
    )


def _form_page(
    record_type: RecordType, record: Mapping[str, object], problem: ProblemResponse | None = None
) -> str:
    computed = [name for name, spec in record_type.fields.items() if spec.computed]
    references = {
        name: TYPES[spec.reference].path for name, spec in record_type.fields.items() if spec.reference
    }
    return render_template(
        "admin/form.html",
        type=record_type,
        record=record,
        groups=list(groups(record_type.fields, dict(record))),
        computed=computed,
        references=references,
        problem=problem,
    )
