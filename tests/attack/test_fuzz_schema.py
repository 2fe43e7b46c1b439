"""No request that schemathesis makes of an OpenAPI document is answered with a 500, right ones and wrong ones.

What is no JSON, odd headers and content types are in test_fuzz.py: a document says nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from tests.attack.test_fuzz import TARGETS

EXAMPLES = 10
"""Requests to each operation that are as the document says, and as many that are not."""
LIMITS = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


def failures(app: Flask, description: str, examples: int) -> Iterator[str]:
    """Yield what requests to each operation are answered with a 500, or with an exception."""
    document = schemathesis.openapi.from_wsgi(description, _at_loopback(app))
    for found in document.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            failed: list[str] = []
            ask = given(case=operation.as_strategy(generation_mode=mode))(_asking(failed))
            with suppress(Unsatisfiable):  # of what takes nothing there are no wrong requests
                seed(1)(settings(LIMITS, max_examples=examples)(ask))()
            yield from failed


def _asking(failed: list[str]) -> Callable[[schemathesis.Case], None]:
    def ask(case: schemathesis.Case) -> None:
        try:
            status = case.call().status_code
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a hole
            failed.append(f"{type(error).__name__} {error}: {case.as_curl_command()}")
            return
        if status == 500:
            failed.append(f"500: {case.as_curl_command()}")

    return ask


def _at_loopback(app: Flask) -> Callable[..., Any]:
    """Return an application whose callers are on the same machine, as those of Flask's own client are."""
    return lambda environ, start: app({**environ, "REMOTE_ADDR": "127.0.0.1"}, start)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.slow
def test_no_request_of_the_document_makes_a_500(tmp_path: Path, target: str) -> None:
    start, description, _ = TARGETS[target]
    with start(tmp_path) as client:
        found = list(failures(client.application, description, EXAMPLES))
    assert not found, f"{len(found)}: " + "\n".join(found[:5])


def test_a_hole_is_found() -> None:
    app = Flask("holed")

    @app.get("/openapi.json")
    def document() -> dict[str, object]:
        answers = {"responses": {"200": {"description": "ok"}}}
        info = {"title": "holed", "version": "1"}
        return {"openapi": "3.1.0", "info": info, "paths": {"/holed": {"get": answers}}}

    @app.get("/holed")
    def holed() -> str:
        raise KeyError("name")

    assert list(failures(app, "/openapi.json", 2))
