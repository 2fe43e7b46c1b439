"""Reading what a service shows of its system, to count it, and telling the sandbox where the service is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from core.jsonio import Json
from stack.process_manager import StackError

TIMEOUT = (5, 300)


class Service:
    """A service at `url`; `credentials` are its SERVICE_USERNAME and SERVICE_PASSWORD when it wants them."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        if environment.get("SERVICE_USERNAME"):
            self._session.auth = (environment["SERVICE_USERNAME"], environment.get("SERVICE_PASSWORD", ""))

    def disabled(self) -> set[str]:
        """Datatypes that the system behind the service does not have. Raises StackError."""
        return set(self._get("/")["disabled"])

    def records(self, datatype: str) -> list[Json]:
        """Return all records of a datatype that are not deleted. Raises StackError."""
        entities = self._get(f"/{datatype}/entities")
        return [entity for entity in entities if not entity.get("_deleted")]

    def ids(self, datatype: str) -> set[str]:
        """Return the ids of those records."""
        return {str(record["_id"]) for record in self.records(datatype)}

    def _get(self, path: str) -> Any:
        url = self._url + path
        try:
            answer = self._session.get(url, timeout=TIMEOUT)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise StackError(f"{url} cannot be read: {error}") from error


def hook_up_erp(erp: str, url: str, key: str) -> None:
    """Register `url` for the signed events of the sandbox ERP. Raises StackError."""
    address = f"{erp}/_sandbox/webhooks"
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.put(address, json={"url": url, "key": key}, timeout=TIMEOUT).raise_for_status()
    except requests.RequestException as error:
        raise StackError(f"{address} did not accept the webhook: {error}") from error


def hook_up(chargebee: str, url: str, auth: tuple[str, str]) -> None:
    """Register `url` for the events of the sandbox Chargebee, unless it is registered. Raises StackError."""
    endpoints = f"{chargebee}/api/v2/webhook_endpoints"
    fields = {"name": "sesam", "url": url, "basic_auth_username": auth[0], "basic_auth_password": auth[1]}
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.auth = ("sandbox", "")
            known = session.get(endpoints, timeout=TIMEOUT)
            known.raise_for_status()
            for row in known.json()["list"]:
                if row["webhook_endpoint"]["name"] == fields["name"]:
                    endpoints += f"/{row['webhook_endpoint']['id']}"
            session.post(endpoints, data=fields, timeout=TIMEOUT).raise_for_status()
    except (requests.RequestException, ValueError, KeyError) as error:
        raise StackError(f"{endpoints} did not accept the webhook: {error}") from error
