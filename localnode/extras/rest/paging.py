"""Answers page by page, until one of an operation's termination strategies says that it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localnode.extras.jinja import Absent
from localnode.extras.rest.client import RestClient
from localnode.extras.rest.operation import Operation, Request, Variables
from localnode.extras.rest.response import Answer
from localnode.pipes.errors import RemoteFailed

MAX_PAGES = 100_000
PREVIOUS = ("previous_body", "previous_headers", "previous_request_headers", "previous_params")


@dataclass(frozen=True)
class Page:
    """An answer, the part of it that `payload_property` names, and what templates may say about it."""

    answer: Answer
    value: Any
    variables: Variables

    @property
    def size(self) -> int:
        """How many entities it holds."""
        return len(self.value) if isinstance(self.value, list) else int(bool(self.value))


def pages(client: RestClient, operation: Operation, variables: Variables, own: Any = None) -> Iterator[Page]:
    """Yield all pages of one call; just one where the operation does not page.

    `own` is an entity's own payload.

    An answer whose status is not allowed ends it: it is for the caller to judge.
    """
    address: str | None = None
    before: tuple[Request, Page] | None = None
    first: Request | None = None
    for number in range(MAX_PAGES):
        seen = {**variables, "page": number, "is_first_page": number == 0, **_previous(before)}
        request = operation.request(seen, address, own)
        if before and _repeats(operation, request, before[0]):
            return
        if address is None and request == first:
            return  # no link led on, so it would be the first page again, and again
        first = first or request
        page = _page(client, operation, request, seen)
        if before and _is_over(operation, page, before[1]):
            return
        yield page
        if not operation.paged or page.answer.status not in operation.allowed:
            return
        link = operation.next_page(page.variables, page.answer.url)
        if _was_last(operation, page, link, address):
            return
        address, before = link or None, (request, page)
    raise RemoteFailed(f"operation {operation.name}: more than {MAX_PAGES} pages")


def _page(client: RestClient, operation: Operation, request: Request, variables: Variables) -> Page:
    answer = client.send(operation, request, variables)
    value = answer.part(operation.config.get("payload_property"))
    headers = answer.template_headers()
    seen = {
        **variables,
        "body": answer.body,
        "url": answer.url,
        "request_params": request.params,
        "request_headers": request.headers,
        "headers": headers,
        "response_headers": headers,
    }
    return Page(answer, value, seen)


def _previous(before: tuple[Request, Page] | None) -> Variables:
    """Return what the page before was.

    Templates of the first page ask of parts of it whether they are defined, with and without asking first
    whether it is (sesam-io/tidsbanken-connector, templates/system.json).
    """
    if before is None:
        return {name: Absent(name=name) for name in PREVIOUS}
    request, page = before
    return {
        "previous_body": page.answer.body,
        "previous_headers": page.answer.template_headers(),
        "previous_request_headers": request.headers,
        "previous_params": request.params,
    }


def _repeats(operation: Operation, request: Request, before: Request) -> bool:
    """Return the same request again: a sign of the end.

    Without links between pages it can be nothing else.
    """
    return request == before and (
        "same-next-page-request" in operation.strategies or not operation.links_pages
    )


def _is_over(operation: Operation, page: Page, before: Page) -> bool:
    if "empty-result" in operation.strategies and not page.value:
        return True
    return "same-response" in operation.strategies and page.answer.body == before.answer.body


def _was_last(operation: Operation, page: Page, link: str, before: str | None) -> bool:
    strategies = operation.strategies
    if "empty-result" in strategies and not page.value:
        return True
    if "not-full-page" in strategies and page.size < int(operation.config["page_size"]):
        return True
    if operation.links_pages and not link and "next-page-link-empty" in strategies:
        return True
    return bool(link) and link == before and "same-next-page-link" in strategies
