"""The client of a REST system: its operations, its requests, and pauses for one that throttles."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from jinja2 import Undefined

from localnode.extras.jinja import TemplateFailed, template
from localnode.extras.rest.operation import Operation, Request, Variables
from localnode.extras.rest.response import JSON, Answer, read
from localnode.extras.rest.schema import effective
from localnode.extras.rest.trace import Trace
from localnode.pipes.base import BuildContext, Config
from localnode.pipes.errors import ConfigProblem, EntityUnfit, RemoteFailed


class RestClient:
    """Built once per source, transform or sink. ConfigProblem names an operation that is wrong, or missing.

    Not `needed`: a missing one only fails the entity that asks for it. The vendor's share template names all
    operations, and systems that are only read have none of those that write.
    """

    def __init__(self, config: Config, build_context: BuildContext, needed: bool = True) -> None:
        self.config = config
        self.build_context = build_context
        self._systems = build_context.engine.systems
        self._system_id = str(config["system"])
        self._system: Mapping[str, Any] = self._systems.config(self._system_id)
        self._json_types = frozenset(
            {JSON, *(str(each).lower() for each in self._system.get("json_content_types") or ())}
        )
        own, shared = config.get("operations") or {}, self._system.get("operations") or {}
        self._operations = {name: self._compile(name, {**shared, **own}[name]) for name in {**shared, **own}}
        self.trace = Trace(config.get("trace", False), self._systems.secrets(self._system_id).values())
        if needed and "operation" in config and config["operation"] not in self._operations:
            raise ConfigProblem(("operation",), self._unknown(str(config["operation"])))

    def _compile(self, name: str, config: dict[str, object]) -> Operation:
        return Operation(name, effective(config, self.config, self._system), ("operations", name))

    def _unknown(self, name: str) -> str:
        known = ", ".join(sorted(self._operations)) or "none"
        return f'there is no operation "{name}" of system "{self._system_id}"; known: {known}'

    def operation(self, name: object) -> Operation:
        """Return an operation by name. EntityUnfit when there is none of that name."""
        found = self._operations.get(name) if isinstance(name, str) else None
        if found is None:
            raise EntityUnfit(self._unknown(str(name)))
        return found

    def variables(self, operation: Operation, properties: object = None) -> Variables:
        """Return what templates of an operation always see.

        `properties` of an entity come before the configured.
        """
        systems, system_id = self._systems, self._system_id
        tokens = systems.tokens(system_id)
        found: Variables = {
            "properties": properties if isinstance(properties, dict) else operation.properties,
            "since": Undefined(name="since"),
            "secret": lambda name: systems.secrets(system_id)[name],
        }
        if "page_size" in operation.config:
            found["page_size"] = operation.config["page_size"]
        return found | (tokens.variables(self._fetch_token) if tokens else {})

    def _fetch_token(self, name: str, token: dict[str, object]) -> object:
        shared = self._system.get("operations") or {}
        if name not in shared:
            raise RemoteFailed(f'custom_auth: there is no operation "{name}" of system "{self._system_id}"')
        operation = Operation(name, effective(shared[name], {}, self._system), ("operations", name))
        variables = {
            "properties": operation.properties,
            "token": token,
            "secret": lambda word: self._systems.secrets(self._system_id)[word],
        }
        answer = self.send(operation, operation.request(variables), variables, without_token=True)
        if answer.status not in operation.allowed:
            raise RemoteFailed(f"custom_auth: {name} answered {answer.status}", answer.status)
        return answer.part(operation.config.get("payload_property"))

    def send(
        self, operation: Operation, request: Request, variables: Variables, without_token: bool = False
    ) -> Answer:
        """One request; 429 is waited out as `rate_limiting_…` say. RemoteFailed when nothing is answered.

        `without_token`: headers of the system that ask for a token which is not there yet are left out.
        """
        headers = {**self._default_headers(variables, without_token), **request.headers}
        retries = int(operation.config.get("rate_limiting_retries", 0))
        delay = float(operation.config.get("rate_limiting_delay", 1))
        while True:
            answer = self._send_once(request, headers)
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS or retries <= 0:
                return answer
            retries -= 1
            if self._systems.closing.wait(delay):
                raise RemoteFailed("the node is closing")

    def _send_once(self, request: Request, given: Mapping[str, str | None]) -> Answer:
        headers = dict(given)
        if request.body.content_type and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = request.body.content_type
        call = self._systems.raw(
            self._system_id,
            request.method,
            request.url,
            headers=headers,
            params=request.params,
            data=request.body.data or None,
        )
        with call as response:
            content = response.content
            answer = read(response.url, response.status_code, response.headers, content, self._json_types)
        self.trace.note(request, answer, content)
        return answer

    def _default_headers(self, variables: Variables, without_token: bool) -> dict[str, str | None]:
        """Return the system's headers, rendered; None for one that is left out."""
        found: dict[str, str | None] = {}
        for name, value in (self._system.get("headers") or {}).items():
            try:
                found[name] = template(str(value)).text(variables)
            except TemplateFailed as error:
                if not (without_token and error.undefined):
                    raise
                found[name] = None
        return found
