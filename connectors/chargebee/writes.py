"""What Chargebee is told: POST as forms with idempotency keys."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.chargebee import forms
from connectors.chargebee.responses import StoredRefusal, is_replay, object_of, record_of
from connectors.common.datatype import Record
from connectors.common.upstream import UpstreamClient, UpstreamResponse
from connectors.common.write_port import WritePort

IDEMPOTENCY_KEY = "chargebee-idempotency-key"
EVENT_EMAIL = "chargebee-event-email"
"""Header that keeps Chargebee from mailing the customer about a call (spec of every POST)."""

Params = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Write:
    """One call that writes a record of `kind`.

    `present`: the record as it was read before an update.
    `foreseen`: what the call does to the record besides, where its parameters are not attributes.
    `fresh`: the same create was refused a moment ago, for a reason that has been removed.
    `is_new`: the record was made a moment ago, so nobody else can have changed it since.
    """

    path: str
    kind: str
    payload: Mapping[str, object] = field(default_factory=dict)
    present: Record = field(default_factory=dict)
    foreseen: Mapping[str, object] = field(default_factory=dict)
    fresh: bool = False
    is_new: bool = False


class ApiWrites(WritePort[Write]):
    """The port of a real run: the site's API."""

    is_dry_run = False

    def __init__(self, http: UpstreamClient, emails: bool) -> None:
        self._http = http
        self._no_emails = {} if emails else {EVENT_EMAIL: "all-disabled"}

    def create(self, write: Write) -> Record:
        """POST a create with an id of our choice. `AlreadyExists` if that is taken, also by an earlier call.

        A stored answer to such a call says what was, not what is: the call is made again to learn that.
        """
        fields = forms.fields(write.payload)
        key = _key(write.path, fields, "")
        key = _fresh(key) if write.fresh else key
        operation = f"create {write.kind}"
        answer = self._post(write.path, fields, key, operation)
        if is_replay(answer):
            answer = self._send(write.path, fields, _fresh(key), operation)
        return record_of(object_of(answer), write.kind)

    def update(self, write: Write) -> Record:
        """POST a change of the present record; the same change of a later version is a new one.

        Chargebee does not compare versions. So nothing is repeated here: after a pause the record may be
        another one, and the caller must read and compare it again; unless it `is_new`.
        """
        fields = forms.fields(write.payload)
        key = _key(write.path, fields, str(write.present.get("resource_version", "")))
        attempts = None if write.is_new else 1
        answer = self._post(write.path, fields, key, f"update {write.kind}", attempts)
        return record_of(object_of(answer), write.kind)

    def delete(self, write: Write) -> Record:
        """POST a delete; doing it twice is as good as once, so it carries no idempotency key."""
        operation = f"delete {write.kind}"
        answer = self._http.call(
            "POST", write.path, operation=operation, headers=self._no_emails, repeatable=True
        )
        return record_of(object_of(answer), write.kind)

    def _post(
        self, path: str, fields: Params, key: str, operation: str, attempts: int | None = None
    ) -> UpstreamResponse:
        """One POST that may be repeated. A stored refusal is old news: the call is made again, once."""
        try:
            return self._send(path, fields, key, operation, attempts)
        except StoredRefusal:
            return self._send(path, fields, _fresh(key), operation, attempts)

    def _send(
        self, path: str, fields: Params, key: str, operation: str, attempts: int | None = None
    ) -> UpstreamResponse:
        headers = {IDEMPOTENCY_KEY: key, **self._no_emails}
        return self._http.call(
            "POST",
            path,
            operation=operation,
            data=fields,
            headers=headers,
            repeatable=True,
            attempts=attempts,
        )


def _key(path: str, fields: Params, version: str) -> str:
    """Return the idempotency key of one call: the same for a repeated call, another for every other one.

    The order of the fields counts too: Chargebee refuses a key that comes with another text than before.
    """
    text = "\n".join([path, version, *(f"{name}={value}" for name, value in fields)])
    return hashlib.sha256(text.encode()).hexdigest()


def _fresh(key: str) -> str:
    """Return a key never used before, still recognisable as the same call."""
    return f"{key[:48]}-{uuid.uuid4().hex}"
