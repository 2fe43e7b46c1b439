"""Webhooks: after each committed write, a signed POST that names the record, without its contents."""

from __future__ import annotations

import hashlib
import hmac

import orjson
import requests
from flask import Blueprint, Response, abort, jsonify, request

from core.origin import is_foreign
from sandbox.common.delivery import Delivery
from sandbox.common.state import Record, State

SETTING = "_webhook"
SIGNATURE = "X-Sandbox-Signature"
"""`sha256=` and the HMAC of the body by the key that the endpoint was registered with."""

_TIMEOUT_S = 10


class Webhooks:
    """Tells the registered endpoint, if there is one, of what was written."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._delivery = Delivery(state, lambda: [SETTING] if state.setting(SETTING) else [], self._post)
        state.listener = self._written

    def blueprint(self) -> Blueprint:
        """Return `GET` and `PUT /_sandbox/webhooks` `{"url": …, "key": …}`; a null url ends it."""
        bp = Blueprint("webhooks", __name__, url_prefix="/_sandbox")

        @bp.before_request
        def keep_out() -> None:
            if is_foreign(request):
                abort(403)

        @bp.get("/webhooks")
        def show() -> Response:
            return jsonify(url=(self._state.setting(SETTING) or {}).get("url"))

        @bp.put("/webhooks")
        def register() -> Response:
            body = request.get_json()
            url, key = body.get("url"), body.get("key")
            is_there = isinstance(url, str) and url.startswith("http") and isinstance(key, str) and key != ""
            if url is not None and not is_there:
                abort(400, "send url and key, both texts, or url null")
            with self._state.write() as tx:
                tx.set_setting(SETTING, None if url is None else {"url": url, "key": key})
            return jsonify(url=url)

        return bp

    def _written(self, changed: list[tuple[str, str, Record]]) -> None:
        self._delivery.send(
            [
                {"type": kind, "id": key, "event": _what(record), "at": record["modified_at"]}
                for kind, key, record in changed
            ]
        )

    def _post(self, endpoint_id: str, event: Record) -> bool:
        """Return whether the endpoint took the event, or is there no more."""
        endpoint = self._state.setting(endpoint_id)
        if endpoint is None:
            return True
        body = orjson.dumps(event)
        digest = hmac.new(endpoint["key"].encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", SIGNATURE: f"sha256={digest}"}
        try:
            answer = requests.post(
                endpoint["url"], data=body, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException:
            return False
        return answer.ok


def _what(record: Record) -> str:
    if record["deleted_at"]:
        return "deleted"
    return "created" if record["version"] == 1 else "updated"
