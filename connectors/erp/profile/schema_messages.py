"""Say what is wrong with a profile by its schema, and where exactly.

A value is never repeated: it might be a secret that stands in the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterable

from jsonschema.exceptions import ValidationError

from core.jsonio import pointer
from core.schema_messages import explain

_SECRETS = "/connection/rest/auth/"
_ADVICE = "secrets are never written into a profile; put it in the environment and write ${NAME} here"


def schema_message(errors: Iterable[ValidationError]) -> tuple[str, str] | None:
    """Return JSON Pointer and text of the error that is deepest in the document; None if there is none."""
    found = sorted(errors, key=lambda error: len(error.absolute_path), reverse=True)
    if not found:
        return None
    finding = next(explain(found[0]))
    where = pointer(finding.path) or "/"
    if where.startswith(_SECRETS) and finding.rule in ("pattern", "type") and "url" not in where:
        return where, _ADVICE
    return where, finding.text
