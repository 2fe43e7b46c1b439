"""Every error a service can raise, sorted by what the caller must do about it.

::

    ServiceError                     title, detail, status; where known: entity, field, rule, type
     ├─ FixData        fix-data      the request or the entity is wrong; repeating it changes nothing
     │   ├─ BadRequest       400     since, limit, body or header not understood
     │   ├─ Unauthenticated  401     the caller did not present this service's user and password
     │   ├─ ForeignPage      403     a page of another site calls, in a browser
     │   ├─ NotFound         404     no such datatype, no such record
     │   ├─ TooSlow          408     the caller stopped in the middle of its request
     │   ├─ TooLarge         413     body larger than MAX_REQUEST_BYTES
     │   ├─ WrongMediaType   415     body not sent as application/json
     │   └─ Rejected         422     a value breaks a rule of the schema or of the upstream system
     ├─ LookUpFirst    look-up-first the caller's picture of the record is old: read it again, then decide
     │   ├─ Conflict         409     record or push sequence are not in the state the caller assumed
     │   ├─ AlreadyExists    409     a create met a record with the same id or unique value
     │   └─ Indeterminate    503     a create was sent and no answer came: it may have been done or not
     │       └─ Unreadable   503     a create was answered, but not with the record that was made
     ├─ FixSettings    fix-settings  somebody must change a setting; named in the detail
     │   ├─ SettingsError    –       a setting is missing or bad at start; the service does not start
     │   └─ UpstreamRefused  502     upstream answers 401 or 403, or redirects elsewhere
 │       └─ Expired      502     the session or token has ended, and another one is refused as well
     ├─ Wait           wait          nothing is wrong with the request; again after `retry_after` seconds
     │   ├─ Unavailable      503     upstream is down, slow or throttling, also after retries
     │   │   └─ Locked       503     the record, or a system behind upstream, is; other calls may go on
     │   └─ Pending          –       share only: something must happen elsewhere first; the detail says what
     └─ Retry          retry         try again at once or at the next run
         └─ InvalidResponse     502     the upstream answer is truncated, no JSON, too large or misshapen
             └─ NotJson     502     the upstream answer is no JSON at all
"""

from __future__ import annotations

from typing import ClassVar

from core.jsonio import Json


class ServiceError(Exception):
    """Base of all.

    `detail` is one sentence for a person, `extra` holds further members of the problem document.

    `entity` is the `_id` concerned, `field` a JSON Pointer into it, `rule` the rule that was broken (a JSON
    Schema keyword or an upstream error code), `retry_after` seconds to wait.
    """

    kind: ClassVar[str] = "retry"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        entity: str | None = None,
        field: str | None = None,
        rule: str | None = None,
        retry_after: float | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.entity = entity
        self.field = field
        self.rule = rule
        self.retry_after = retry_after
        self.extra = extra

    def as_dict(self) -> Json:
        """Return the error as the members of `$error` and of a problem document.

        `kind`, `title`, `detail`, …; no nulls.
        """
        members = {
            "kind": self.kind,
            "title": self.title,
            "detail": self.detail,
            "entity": self.entity,
            "field": self.field,
            "rule": self.rule,
            **self.extra,
        }
        return {name: value for name, value in members.items() if value is not None}


class FixData(ServiceError):
    """The request or the entity is wrong."""

    kind = "fix-data"
    status = 400
    title = "Bad request"


class BadRequest(FixData):
    """A query parameter, a header or the body is not understood."""


class Unauthenticated(FixData):
    """The caller's user and password are missing or wrong."""

    status = 401
    title = "Authentication required"


class NotFound(FixData):
    """No such datatype or record."""

    status = 404
    title = "Not found"


class ForeignPage(FixData):
    """A page of another site makes the request, in a browser that can reach the service."""

    status = 403
    title = "Forbidden"


class TooSlow(FixData):
    """The rest of the request did not come."""

    status = 408
    title = "Request timeout"


class TooLarge(FixData):
    """The request body is larger than the service accepts."""

    status = 413
    title = "Request too large"


class WrongMediaType(FixData):
    """The request body is not declared as JSON."""

    status = 415
    title = "Unsupported media type"


class Rejected(FixData):
    """A value breaks a rule of the schema or of the upstream system."""

    status = 422
    title = "Entity rejected"


class LookUpFirst(ServiceError):
    """The caller's picture of the record is old or unknown."""

    kind = "look-up-first"
    status = 409
    title = "State differs"


class Conflict(LookUpFirst):
    """The record or the push sequence is not in the state that the caller assumed."""

    title = "Conflict"


class AlreadyExists(LookUpFirst):
    """A create met a record that has the same id or unique value."""

    title = "Already exists"


class Indeterminate(LookUpFirst):
    """A create was sent and its answer never came.

    Whoever sent it must look the record up before sending it again.
    """

    status = 503
    title = "Write unanswered"


class Unreadable(Indeterminate):
    """A create was answered, and not refused, but the answer holds no record and no key."""


class FixSettings(ServiceError):
    """Somebody must change a setting."""

    kind = "fix-settings"
    status = 502
    title = "Wrong settings"


class SettingsError(FixSettings):
    """A setting is missing or bad; `name` is the environment variable or the place in the profile."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}", setting=name)
        self.name = name


class UpstreamRefused(FixSettings):
    """The upstream system does not accept this service's credentials or address."""

    title = "Upstream refused"


class Expired(UpstreamRefused):
    """The session or token has ended: the call may be made once more with another."""


class Wait(ServiceError):
    """Nothing is wrong with the request."""

    kind = "wait"
    status = 503
    title = "Not now"


class Unavailable(Wait):
    """The upstream system is down, too slow or throttling, even after retries."""

    title = "Upstream unavailable"


class Locked(Unavailable):
    """Another write of the same record is under way, or a system behind upstream throttles.

    429, but not for the number of our calls.
    """


class Pending(Wait):
    """A shared entity waits for something outside; the detail says for what and who can do it."""

    title = "Pending"


class Retry(ServiceError):
    """Try again; nothing is known to be wrong on the caller's side."""

    kind = "retry"
    status = 502
    title = "Try again"


class InvalidResponse(Retry):
    """The upstream answer is truncated, not JSON, too large or of another shape than promised."""

    title = "Broken upstream answer"


class NotJson(InvalidResponse):
    """The upstream answer is no JSON, such as a page for people."""
