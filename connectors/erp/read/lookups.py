"""Keys that the ERP wants where this project has codes: a currency's key for NOK, a product's for its SKU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.common.errors import Rejected
from connectors.erp.http.client import ErpClient
from connectors.erp.profile.model.mapping import LookupSpec
from connectors.erp.profile.model.reading import ListCall, SinglePage
from connectors.erp.read.lists import Lists, Source
from core.dotted import get_path

_MOST = 1000
"""Keys remembered per look-up. Codes keep their keys, and a wrong one is refused by the ERP."""


class Lookups:
    """The profile's look-ups, by name, for all datatypes; safe to use from several threads."""

    def __init__(self, client: ErpClient, specs: Mapping[str, LookupSpec]) -> None:
        self._specs = specs
        self._lists = {
            name: Lists(
                client,
                f"lookup.{name}",
                Source(
                    ListCall(query=spec.query, records=spec.records), SinglePage(), spec.path, [spec.value]
                ),
                2,
            )
            for name, spec in specs.items()
        }
        self._known: dict[tuple[str, Any], Any] = {}

    def __call__(self, name: str, value: Any) -> Any:
        """Return the ERP's key for a value of ours.

        `Rejected` if it has no such thing, None if that is allowed.
        """
        spec = self._specs[name]
        if (name, value) in self._known:
            return self._known[name, value]
        page = next(self._lists[name].pages({}, values={"value": _number(value, spec)}), [])
        if not page:
            if spec.optional:
                return None
            raise Rejected(f"the ERP has no {name} {value}", rule="lookup")
        found = get_path(page[0], spec.value)
        if spec.remember:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[name, value] = found
        return found

    def filled(self, template: Any) -> Any:
        """Return a body template with every `{"$lookup": name, "value": …}` in it replaced by the key."""
        if isinstance(template, list):
            return [self.filled(item) for item in template]
        if isinstance(template, dict):
            if "$lookup" in template:
                return self(template["$lookup"], template["value"])
            return {name: self.filled(item) for name, item in template.items()}
        return template


def _number(value: Any, spec: LookupSpec) -> Any:
    return int(value) if spec.sent_as == "integer" and str(value).isdigit() else value
