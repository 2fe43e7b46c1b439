"""Put one id into all log lines of an edit, from the edit of a person to the call that writes it.

The id is `<record>@<time of the edit>`, such as `customerp-contact:CT-12@2026-03-01T12:00:00.000000Z`: the
newest of the edits in a share entity's `$claims` (value, time `t`, record `of`). Without claims it is the
caller's own `X-Correlation-Id`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from connectors.common.logs import correlation_id


@contextmanager
def correlated(entity: Mapping[str, object]) -> Iterator[None]:
    """Mark the log lines of this block with the edit behind the share entity."""
    edit = edit_behind(entity)
    token = correlation_id.set(edit) if edit else None
    try:
        yield
    finally:
        if token is not None:
            correlation_id.reset(token)


def edit_behind(entity: Mapping[str, object]) -> str | None:
    """Return the newest edit among the properties to be written; None if the entity has none."""
    claims = entity.get("$claims")
    if not isinstance(claims, dict):
        return None
    named = [each for each in claims.values() if isinstance(each, dict) and _is_edit(each)]
    newest = max(named, key=lambda claim: str(claim["t"]), default=None)
    return f"{newest['of'].removeprefix('~:')}@{newest['t']}" if newest else None


def _is_edit(claim: Mapping[str, object]) -> bool:
    return bool(claim.get("t")) and isinstance(claim.get("of"), str)
