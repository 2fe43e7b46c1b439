"""Call an upstream system: the only HTTP client for that.

Timeouts, retries, limits and error kinds in one place.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote, urlencode, urljoin, urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError
from werkzeug.http import parse_options_header

from connectors.common import call_counter
from connectors.common.errors import (
    Conflict,
    Expired,
    Indeterminate,
    InvalidResponse,
    Locked,
    NotFound,
    NotJson,
    Rejected,
    ServiceError,
    Unavailable,
    Unreadable,
    UpstreamRefused,
)
from connectors.common.exchange import CODING, BoundedAdapter, exchange
from connectors.common.limiter import Limiter
from connectors.common.logs import CALLS
from connectors.common.metrics import CallMetrics
from connectors.common.retrying import RetryBudget, seconds_until
from connectors.common.settings import CommonSettings
from core import jsonio

_LOG = logging.getLogger("connectors")
_READS = ("GET", "HEAD")
_REDIRECTS = range(300, 400)
_THROTTLED = (429, 503)
_WHOLE = ("http://", "https://")
_DOTS = frozenset((".", ".."))

MOST_VALUES = 500_000
"""Values of one answer: each takes 60 bytes or more, however few it takes as text."""

Params = Mapping[str, Any] | list[tuple[str, Any]] | None


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """How to reach one upstream system. Times in seconds, sizes in bytes.

    `address_setting` and `credentials_setting` are the settings to name when upstream cannot be reached or
    refuses. `call_seconds` bounds one attempt as a whole, `max_wait` the sleeping of one call over all its
    retries. `verify`: True, or the path of a CA bundle. `reset_headers`: those of a 429 or 503 that say when
    to go on, where `Retry-After` does not.
    """

    base_url: str
    address_setting: str
    credentials_setting: str
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    attempts: int = 5
    backoff: float = 0.5
    backoff_cap: float = 20.0
    max_wait: float = 60.0
    call_seconds: float = 120.0
    max_bytes: int = 8 * 1024 * 1024
    verify: bool | str = True
    pool_size: int = 16
    reset_headers: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        common: CommonSettings,
        base_url: str,
        address_setting: str,
        credentials_setting: str,
        **others: object,
    ) -> UpstreamOptions:
        """Return the options from the service's settings, except for `others`."""
        shared: dict[str, Any] = {
            "connect_timeout": common.connect_timeout,
            "read_timeout": common.read_timeout,
            "call_seconds": common.call_seconds,
            "attempts": common.attempts,
            "backoff": common.backoff,
            "max_wait": common.max_wait,
            "verify": common.ca_file or True,
        }
        return cls(base_url, address_setting, credentials_setting, **{**shared, **others})


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """One complete upstream answer.

    `body` is the decoded JSON, None when there was none or it was not JSON.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    is_json: bool = True
    method: str = "GET"


@runtime_checkable
class RenewableAuth(Protocol):
    """Credentials that can be fetched again once after a 401 (a session or an access token)."""

    def renew(self) -> None:
        """Drop the present token."""


ErrorOf = Callable[[UpstreamResponse], ServiceError | None]
"""Says whether an answer is an error and which; an `Unavailable` or `InvalidResponse` is retried where that
is safe.
"""


def error_of_status(answer: UpstreamResponse) -> ServiceError | None:
    """Return the default meaning of a status code, for systems without their own error codes."""
    status = answer.status
    if status < 300:
        return None
    said = f"upstream answered {status}"
    if status in (401, 403) or status < 400:
        return UpstreamRefused(said)
    if status in (404, 410):
        return NotFound("upstream has no such record")
    if status in (409, 412):
        return Conflict(said, rule=str(status))
    if status in (408, 425, 429) or status >= 500:
        return Unavailable(said)
    return Rejected(said, rule=str(status))


class UpstreamClient:
    """Calls to one host. Safe to use from several threads; keeps connections open between calls."""

    def __init__(
        self,
        options: UpstreamOptions,
        auth: AuthBase | None,
        limiter: Limiter,
        metrics: CallMetrics,
        error_of: ErrorOf = error_of_status,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` and `query` are sent with every call; `query` not with whole URLs from upstream."""
        self.options = options
        self._base = options.base_url.rstrip("/")
        self._auth = auth
        self._limiter = limiter
        self._metrics = metrics
        metrics.watch(limiter)
        self._error_of = error_of
        self._session = make_session(options, headers or {})
        self._query = dict(query or {})

    def call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        params: Params = None,
        json: object = None,
        data: object = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        attempts: int | None = None,
    ) -> UpstreamResponse:
        """Make one call and give its answer; raises what the last attempt came to.

        `path` is appended to the base URL, or is a whole URL on the same host. `operation` is its name in
        metrics. `repeatable`: whether doing it twice is as good as once (default: every method but POST).
        Calls that are not are retried only where upstream surely did nothing (no connection, 429); otherwise
        `Indeterminate`. `attempts` bounds the tries of this call, for a caller who must look again before
        each.
        """
        if self._query and not path.startswith(_WHOLE):
            params = [*self._query.items(), *_pairs(params)]
        # A space is sent as %20: not every system reads a plus as one.
        query = urlencode(_pairs(params), doseq=True, quote_via=quote)
        request = requests.Request(
            method, self.resolve(path), params=query, data=data, headers=dict(headers or {})
        )
        if json is not None:
            request.data = jsonio.dumps(json)
            request.headers["Content-Type"] = "application/json"
        again = method != "POST" if repeatable is None else repeatable
        return self._attempts(request, operation, again, attempts or self.options.attempts)

    def resolve(self, path: str) -> str:
        """Return the whole URL of `path`.

        A URL on another host is refused: it would be sent the credentials.
        """
        url = path if path.startswith(_WHOLE) else self._base + path
        wanted, given = urlsplit(self._base), urlsplit(url)
        if (wanted.scheme, wanted.netloc) != (given.scheme, given.netloc):
            raise InvalidResponse(
                f"upstream named an address on another host ({given.hostname}); it is not followed"
            )
        # An id may be "..", and what is below an address may not be reached by way of it.
        if not _DOTS.isdisjoint(given.path.split("/")):
            raise NotFound("an address with the segment . or .. names no record")
        return url

    def join(self, page: str, link: str) -> str:
        """Return the whole URL of a `link` (relative or absolute) found in the answer from `page`.

        It is checked as in `resolve`.
        """
        return self.resolve(urljoin(self.resolve(page), link))

    def _attempts(
        self, request: requests.Request, operation: str, repeatable: bool, attempts: int
    ) -> UpstreamResponse:
        options = self.options
        budget = RetryBudget(attempts, options.backoff, options.backoff_cap, options.max_wait)
        renewed = False
        while True:
            answer, error = self._attempt(request, operation, repeatable)
            if answer is not None and error is None:
                return answer
            # A token may have run out on the way; credentials that are refused twice are wrong.
            ended = answer is not None and (answer.status == 401 or isinstance(error, Expired))
            if ended and not renewed:
                renewed = True
                if isinstance(self._auth, RenewableAuth):
                    self._auth.renew()
                    continue
            if error is None or not _worth_repeating(error, answer, repeatable):
                raise error or InvalidResponse("upstream gave no answer")
            pause = budget.pause(None if answer is None else self._asked_pause(answer))
            error.retry_after = error.retry_after or pause
            # A 429 about one locked record says nothing about how many calls upstream bears.
            if answer is not None and answer.status == 429 and not isinstance(error, Locked):
                self._limiter.refused(pause)
                self._metrics.refusals.inc()
            if not budget.spend(pause):
                raise error
            self._metrics.retries.labels(error.kind).inc()
            time.sleep(pause)

    def _attempt(
        self, request: requests.Request, operation: str, repeatable: bool
    ) -> tuple[UpstreamResponse | None, ServiceError | None]:
        """Make one attempt: return the answer if it is complete, and the error if it is one."""
        method = request.method or "GET"
        status = "none"
        started = time.perf_counter()
        try:
            with self._limiter.slot(method not in _READS, self.options.max_wait) as waited:
                self._metrics.limiter_seconds.inc(waited)
                started = time.perf_counter()
                answer = self._exchange(request)
            status = str(answer.status)
            return answer, self._error_in(answer, repeatable)
        except (requests.RequestException, HTTPError, ServiceError) as failure:
            return None, self._error_without_answer(failure, repeatable)
        finally:
            seconds = time.perf_counter() - started
            _log(method, operation, status, seconds)
            call_counter.count(method not in _READS)
            self._metrics.calls.labels(method, operation, status).inc()
            self._metrics.call_seconds.labels(operation).observe(seconds)

    def _asked_pause(self, answer: UpstreamResponse) -> str | None:
        """Return the pause that upstream asks for in `Retry-After`; None if it asks for none."""
        asked = answer.headers.get("Retry-After")
        if asked or answer.status not in _THROTTLED:
            return asked
        for name in self.options.reset_headers:
            seconds = seconds_until(answer.headers.get(name), time.time())
            if seconds is not None:
                return str(math.ceil(seconds))
        return None

    def _error_in(self, answer: UpstreamResponse, repeatable: bool) -> ServiceError | None:
        """Return the error that an answer is, if any.

        A create whose answer cannot be read may have been done.
        """
        error = self._error_of(answer)
        if isinstance(error, UpstreamRefused):
            return self._refused(answer, error)
        if not repeatable and answer.status >= 500:
            return Indeterminate(f"upstream answered {answer.status} to a create" + _kind_of_text(answer))
        if error is None and not answer.is_json:
            if not repeatable:
                return Unreadable("the upstream answer to a create is not JSON" + _kind_of_text(answer))
            return NotJson("the upstream answer is not JSON" + _kind_of_text(answer))
        return error

    def _exchange(self, request: requests.Request) -> UpstreamResponse:
        request.auth = self._auth
        options = self.options
        response, text = exchange(
            self._session,
            self._session.prepare_request(request),
            timeout=(options.connect_timeout, options.read_timeout),
            seconds=options.call_seconds,
            max_bytes=options.max_bytes,
            verify=options.verify,
            max_wait=options.max_wait,
        )
        status, said, method = response.status_code, response.headers, request.method or "GET"
        try:
            return UpstreamResponse(status, said, _decoded(text, said), True, method)
        except ValueError:
            return UpstreamResponse(status, said, None, False, method)

    def _refused(self, answer: UpstreamResponse, error: UpstreamRefused) -> UpstreamRefused:
        """Return the refusal with the setting to look at, and what upstream says of it."""
        options = self.options
        if "setting" in error.extra:
            return error
        if answer.status in _REDIRECTS:
            detail = f"upstream redirects elsewhere ({answer.status}); check {options.address_setting}"
            return UpstreamRefused(detail, setting=options.address_setting)
        detail = f"{error.detail}; check {options.credentials_setting}"
        return type(error)(detail, rule=error.rule, setting=options.credentials_setting)

    def _error_without_answer(self, failure: Exception, repeatable: bool) -> ServiceError:
        """Return what it means that no whole answer came.

        The exception's own text may hold the URL, so it is left out.
        """
        if isinstance(failure, InvalidResponse) and not repeatable:
            return Indeterminate(f"the answer to a create cannot be read: {failure.detail}")
        if isinstance(failure, ServiceError):
            return failure
        what = type(failure).__name__
        if isinstance(failure, requests.exceptions.SSLError):
            setting = self.options.address_setting
            return UpstreamRefused(
                f"TLS to upstream failed ({what}); check {setting} and the CA file", setting=setting
            )
        if isinstance(failure, requests.exceptions.ConnectTimeout) or _never_sent(failure):
            return Unavailable(
                f"upstream cannot be reached ({what}); is {self.options.address_setting} right?"
            )
        if not repeatable:
            return Indeterminate(f"upstream did not answer a create ({what})")
        if isinstance(failure, HTTPError):
            return InvalidResponse(f"the upstream answer broke off ({what})")
        return Unavailable(f"upstream did not answer ({what})")


def _decoded(text: bytes | bytearray, headers: Mapping[str, str]) -> object:
    """Return the JSON in an answer, None for an empty one; ValueError if it is invalid.

    A byte order mark is ignored (RFC 8259, 8.1). Old systems use other charsets than UTF-8. An invalid value
    only affects its own record, see `core.jsonio.salvage`.
    """
    if not text:
        return None
    if jsonio.values_in(text) > MOST_VALUES:
        raise InvalidResponse(f"the upstream answer has more than {MOST_VALUES} values")
    charset = parse_options_header(headers.get("Content-Type"))[1].get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        try:
            text = text.decode(charset).encode()
        except LookupError:
            raise ValueError("unknown charset") from None
    try:
        value = jsonio.loads(jsonio.without_bom(text))
        if jsonio.is_shallow(value):
            return value
    except ValueError:
        pass
    value = jsonio.salvage(text)
    _LOG.warning("an answer has invalid JSON values; the rest of it is read")
    return value


def make_session(options: UpstreamOptions, headers: Mapping[str, str]) -> requests.Session:
    """Return a session without netrc and cookies; proxies of the environment are used."""
    session = requests.Session()
    session.trust_env = False
    session.proxies = dict(get_environ_proxies(options.base_url))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    own = {
        "Accept": "application/json",
        "Accept-Encoding": CODING,
        "User-Agent": "sesam-erp-chargebee/0.1",
    }
    session.headers.update({**own, **headers})
    adapter = BoundedAdapter(pool_connections=2, pool_maxsize=options.pool_size, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _pairs(params: Params) -> list[tuple[str, object]]:
    pairs = params.items() if isinstance(params, Mapping) else params or ()
    return [(name, value) for name, value in pairs if value is not None]


def _worth_repeating(error: ServiceError, answer: UpstreamResponse | None, repeatable: bool) -> bool:
    if not isinstance(error, Unavailable | InvalidResponse):
        return False
    return repeatable or answer is None or answer.status == 429


def _never_sent(failure: Exception) -> bool:
    """Return whether the connection was never made, so that upstream cannot have done anything."""
    reason = getattr(failure.args[0], "reason", None) if failure.args else None
    return "NewConnectionError" in type(reason).__name__ or "NameResolutionError" in type(reason).__name__


def _kind_of_text(answer: UpstreamResponse) -> str:
    kind = answer.headers.get("Content-Type", "")
    return f" ({kind.partition(';')[0]})" if kind and "json" not in kind else ""


def _log(method: str, operation: str, status: str, seconds: float) -> None:
    level = logging.DEBUG if method in _READS else logging.INFO
    members = {"operation": operation, "method": method, "status": status, "ms": round(seconds * 1000, 1)}
    CALLS.log(level, "call", extra={"members": members})
