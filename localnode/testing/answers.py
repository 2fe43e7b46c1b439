"""What pipes give, asked of the node as the vendor's client asks it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient

from localnode.testing.specs import Spec


class NoAnswer(Exception):
    """The node refuses to say what a pipe gives; the message says why."""


def entities_of(spec: Spec, client: FlaskClient) -> list[dict[str, object]]:
    """Return what the pipe of a test holds at its stage. NoAnswer says why the node does not say."""
    query = {"stage": spec.stage} if spec.stage else {}
    answer = client.get(f"/api/pipes/{quote(spec.pipe, safe='')}/entities", query_string=query)
    if answer.status_code != 200:
        raise NoAnswer(why(answer))
    return list(json.loads(answer.data))


def published(spec: Spec, client: FlaskClient) -> bytes:
    """Return what the publisher of a test answers. NoAnswer says why the node does not."""
    path = f"/api/publishers/{quote(spec.pipe, safe='')}/{quote(spec.endpoint)}"
    answer = client.get(path, query_string=spec.parameters)
    if answer.status_code != 200:
        raise NoAnswer(why(answer))
    return bytes(answer.data)


def why(answer: Any) -> str:
    """Return what an answer that is none says."""
    detail = (answer.get_json(silent=True) or {}).get("detail", answer.status)
    return f"{answer.request.path} answers {answer.status_code}: {detail}"
