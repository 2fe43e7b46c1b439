"""One named operation: its templates compiled, and the requests made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from jinja2 import Undefined

from core import jsonio
from localnode.extras.jinja import AS_JSON, Template, TemplateFailed, template
from localnode.extras.rest import payload
from localnode.extras.rest.schema import HEADER, MANUAL, QUERY, status_codes
from localnode.pipes.base import Config
from localnode.pipes.errors import ConfigProblem

SKIP = "sesam:markskip"
DEFAULT_STRATEGIES = ("next-page-link-empty", "same-next-page-request", "same-response")
Variables = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A request, equal to another one when everything about it is the same."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    body: payload.Body = payload.NOTHING


class Operation:
    """`config` is the effective operation (`schema.effective`). ConfigProblem names a wrong template."""

    def __init__(self, name: str, config: Config, path: tuple[str | int, ...]) -> None:
        self.name = name
        self.config = config
        self.allowed = status_codes(config.get("allowed_status_codes", "200-299"))
        self.ignored = (
            status_codes(config["ignored_status_codes"]) if "ignored_status_codes" in config else set()
        )
        if self.allowed & self.ignored:
            raise ConfigProblem(
                (*path, "ignored_status_codes"), "overlaps with allowed_status_codes, which it must not"
            )
        self._url = template(str(config["url"]), (*path, "url"))
        self._headers = _compiled(config.get("headers") or {}, (*path, "headers"))
        self._params = _compiled(config.get("params") or {}, (*path, "params"))
        self._payload = _compiled(config.get("payload"), (*path, "payload"))
        self._expressions = {
            key: template(config[key], (*path, key))
            for key in ("id_expression", "updated_expression", "error_expression", "next_page_link")
            if key in config
        }
        given = config.get("next_page_termination_strategy", DEFAULT_STRATEGIES)
        self.strategies = frozenset([given] if isinstance(given, str) else given)
        if "not-full-page" in self.strategies and "page_size" not in config:
            raise ConfigProblem((*path, "page_size"), "is needed by the strategy not-full-page")
        self.paged = "next_page_link" in config or "next_page_termination_strategy" in config

    @property
    def properties(self) -> Mapping[str, Any]:
        """`properties` of the operation, or of the component over it."""
        found: Mapping[str, Any] = self.config.get("properties") or {}
        return found

    def request(self, variables: Variables, address: str | None = None, own: object = None) -> Request:
        """Return the request; `address` stands for the rendered `url`, `own` is the entity's own payload."""
        url = address or self._url.text(variables)
        named = {**variables, "url": url}
        headers = {name: _text(value) for name, value in dict(_rendered(self._headers, named)).items()}
        named |= {"headers": headers, "request_headers": headers}
        params = {
            name: value for name, value in dict(_rendered(self._params, named)).items() if value is not None
        }
        since = variables.get("since")
        if since is not None and not isinstance(since, Undefined):
            self._place_since(headers, params, since)
        named |= {"params": params, "request_params": params}
        given = own if own is not None else _rendered(self._payload, named)
        body = payload.encode(given, str(self.config.get("payload-type", "json")))
        present = parse_qs(urlsplit(url).query, keep_blank_values=True)
        params = {name: value for name, value in params.items() if name not in present}
        return Request(str(self.config["method"]), url, headers, params, body)

    def _place_since(self, headers: dict[str, str], params: dict[str, object], since: object) -> None:
        """Put the token where the operation wants it, unless the URL's template has it already."""
        name = str(self.config.get("since_property_name", "since"))
        location = self.config.get("since_property_location", QUERY)
        if location == MANUAL or self._url.names & {"since", name}:
            return
        if location == HEADER:
            headers[name] = _text(since)
        else:
            params[name] = since

    def expression(self, name: str, variables: Variables) -> object:
        """Return the value of `id_expression`, `error_expression` (text) or `updated_expression`.

        None without.
        """
        found = self._expressions.get(name)
        if found is None:
            return None
        return found.value(variables) if name == "updated_expression" else found.text(variables).strip()

    def next_page(self, variables: Variables, current: str) -> str:
        """Return the address of the next page, "" when there is none.

        `current` is the address of this one.
        """
        found = self._expressions.get("next_page_link")
        if found is None:
            return ""
        try:
            link = found.text(variables).strip()
        except TemplateFailed as error:
            if error.undefined:
                return ""
            raise
        return urljoin(current, link) if link[:1] in ("?", "/") else link

    @property
    def links_pages(self) -> bool:
        """Whether the next page's address comes out of the answer."""
        return "next_page_link" in self._expressions


def _compiled(value: object, path: tuple[str | int, ...]) -> object:
    """Return a config value with its texts, keys too, replaced by templates."""
    if isinstance(value, str):
        return template(value, path)
    if isinstance(value, dict):
        return {
            template(name, (*path, name)): _compiled(inner, (*path, name)) for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_compiled(item, (*path, at)) for at, item in enumerate(value)]
    return value


def _rendered(value: object, variables: Variables) -> Any:
    if isinstance(value, Template):
        text = value.text(variables)
        return _parsed(text.replace(AS_JSON, "")) if AS_JSON in text else text
    if isinstance(value, dict):
        pairs = [(name.text(variables), _rendered(inner, variables)) for name, inner in value.items()]
        return {name: inner for name, inner in pairs if SKIP not in name and not _skipped(inner)}
    if isinstance(value, list):
        return [item for each in value if not _skipped(item := _rendered(each, variables))]
    return value


def _skipped(value: object) -> bool:
    return isinstance(value, str) and SKIP in value


def _parsed(text: str) -> object:
    try:
        return jsonio.read(text)
    except ValueError as error:
        raise TemplateFailed(f"what {AS_JSON} marks is not JSON: {text[:80]!r}") from error


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
