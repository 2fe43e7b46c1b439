"""Requests to systems: where they are, who asks, how long to wait, when to try again.

Nothing but the declared system's own address is ever reached: no proxies from the environment, no redirect to
another host, no full URL of somebody else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth
from requests.structures import CaseInsensitiveDict
from urllib3.util.retry import Retry

from localnode.pipes.base import Config
from localnode.pipes.errors import RemoteFailed
from localnode.pipes.policy import statuses

if TYPE_CHECKING:
    from localnode.extras.oauth2 import Send
    from localnode.extras.rest.tokens import Tokens

CONNECT_TIMEOUT, READ_TIMEOUT = 60.0, 1800.0
MAX_REDIRECTS = 5
MAX_WAIT = 60
CHUNK = 1 << 16
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
MOVED = "moved"
"""Property of a system that is elsewhere for this node: where its config says it is, and where it is."""


class Systems:
    """All systems of a node.

    `configs` are effective configs by id (secrets filled in), `base_urls` the addresses of microservices by
    id. Safe to share between threads.
    """

    def __init__(
        self,
        configs: Mapping[str, Config],
        base_urls: Mapping[str, str] | None = None,
        secrets: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`secrets` are the values that each system's templates may ask for, by system and name."""
        self._configs = dict(configs)
        self._base_urls = dict(base_urls or {})
        self._secrets = dict(secrets or {})
        self._sessions: dict[str, requests.Session] = {}
        self._tokens: dict[str, Tokens] = {}
        self.closing = threading.Event()

    def close(self) -> None:
        """Close all connections; whoever waits for a system stops waiting."""
        self.closing.set()
        for session in self._sessions.values():
            session.close()

    def config(self, system_id: str) -> Config:
        """Return a system's config with its secrets in place, {} when there is no such system."""
        return self._configs.get(system_id, {})

    def secrets(self, system_id: str) -> Mapping[str, str]:
        """Return values that templates of a system may ask for, by name."""
        return self._secrets.get(system_id, {})

    def tokens(self, system_id: str) -> Tokens | None:
        """Return what `custom_auth` of a system keeps, None without it.

        Made when it is first asked for: a system that no pipe may use, because it is of another kind or not
        valid, may say anything there.
        """
        setting = self.config(system_id).get("custom_auth")
        if setting is None:
            return None
        from localnode.extras.rest.tokens import Tokens

        return self._tokens.get(system_id) or self._tokens.setdefault(system_id, Tokens(setting))

    def url(self, system_id: str, path: str = "") -> str:
        """Return the URL of `path` at a system. RemoteFailed when the node does not know where that is."""
        config = self._config(system_id)
        if config.get("type") == "system:microservice":
            base = self._base_urls.get(system_id)
            if base is None:
                raise RemoteFailed(f"system {system_id!r}: this node has no address for the microservice")
            address = base.rstrip("/") + "/" + path.lstrip("/")
        elif "url_pattern" in config:
            address = _fill(str(config["url_pattern"]), path)
        elif "base_url" in config:
            address = urljoin(str(config["base_url"]), path)
        else:
            raise RemoteFailed(f"system {system_id!r} has no url_pattern")
        return address

    def request(self, system_id: str, method: str, path: str, **options: object) -> requests.Response:
        """One call; the body is read. `options` as in requests (params, headers, data).

        RemoteFailed on any status but 2xx, on no answer, and on a redirect to another host.
        """
        with self._call(system_id, method, path, stream=False, **options) as response:
            return response

    @contextmanager
    def stream(
        self, system_id: str, method: str, path: str, **options: object
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """Provide headers and body chunks of one call.

        Errors as in `request`, also while the body is read.
        """
        with self._call(system_id, method, path, stream=True, **options) as response:
            yield response.headers, _chunks(response, system_id)

    @contextmanager
    def raw(self, system_id: str, method: str, path: str, **options: Any) -> Iterator[requests.Response]:
        """One call whose status is passed on as it is, for proxying.

        RemoteFailed only when there is no answer.
        """
        response = self._send(system_id, method, path, stream=True, **options)
        try:
            yield response
        finally:
            response.close()

    @contextmanager
    def _call(self, system_id: str, method: str, path: str, **options: Any) -> Iterator[requests.Response]:
        response = self._send(system_id, method, path, **options)
        try:
            if not 200 <= response.status_code < 300:
                detail = response.content[:500].decode("utf-8", "replace")
                raise RemoteFailed(
                    f"{method} {_shown(response.url)} answered {response.status_code}: {detail}",
                    response.status_code,
                )
            yield response
        finally:
            response.close()

    def _send(self, system_id: str, method: str, path: str, **options: Any) -> requests.Response:
        config, session = self._config(system_id), self._session(system_id)
        given = {**(config.get("headers") or {}), **(options.pop("headers", None) or {})}
        stream = bool(options.pop("stream", False))
        headers = CaseInsensitiveDict(session.headers)
        headers.update({name: str(value) for name, value in given.items() if value is not None})
        address = self.url(system_id, path)
        home = _origin(self.url(system_id))
        try:
            for _ in range(MAX_REDIRECTS + 1):
                address = _moved(config, address)
                if _origin(address) != home:
                    raise RemoteFailed(f"{_shown(address)} is not at system {system_id!r}; refused")
                prepared = requests.PreparedRequest()
                # What `Session.request` would merge in is known; asking it takes four times as long.
                prepared.prepare(
                    method, address, headers, auth=session.auth, cookies=session.cookies, **options
                )
                response = session.send(
                    prepared,
                    stream=stream,
                    timeout=_timeouts(config),
                    allow_redirects=False,
                    verify=session.verify,
                    proxies={},
                )
                target = session.get_redirect_target(response)
                if target is None or method not in _READS:
                    return response
                response.close()
                address = urljoin(address, target)
                options.pop("params", None)
        except requests.RequestException as error:
            raise RemoteFailed(
                f"{method} {_shown(address)}: {type(error).__name__}: {_reason(error)}"
            ) from error
        raise RemoteFailed(f"{method} {_shown(address)}: more than {MAX_REDIRECTS} redirects")

    def _config(self, system_id: str) -> Config:
        config = self._configs.get(system_id)
        if config is None:
            raise RemoteFailed(f"system {system_id!r} is not configured")
        return config

    def _session(self, system_id: str) -> requests.Session:
        session = self._sessions.get(system_id)
        if session is None:
            config = self._config(system_id)
            session = requests.Session()
            session.trust_env = False
            session.auth = _auth(config, self._token_session(config))
            session.verify = bool(config.get("verify_ssl", False))
            adapter = HTTPAdapter(
                pool_maxsize=int(config.get("worker_threads", 10)), max_retries=_retry(config)
            )
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            session = self._sessions.setdefault(system_id, session)
        return session

    def _token_session(self, config: Config) -> Send:
        """Return requests for access tokens: at `token_url`, with the system's timeouts and TLS settings."""
        session = requests.Session()
        session.trust_env = False
        session.verify = bool(config.get("verify_ssl", False))
        return partial(session.request, timeout=_timeouts(config))


class _Bearer(AuthBase):
    """`Authorization: Bearer <token>`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _auth(config: Config, send: Send) -> AuthBase | None:
    if "oauth2" in config:
        from localnode.extras.oauth2 import OAuth2

        return OAuth2(config["oauth2"], send)
    docker = config.get("docker") or {}
    kind = config.get("authentication", "basic" if "username" in config or "username" in docker else None)
    name, word = (str(config.get(key, docker.get(key, ""))) for key in ("username", "password"))
    if kind is None:
        return None
    if kind == "basic":
        return HTTPBasicAuth(name.encode(), word.encode())
    if kind == "digest":
        return HTTPDigestAuth(name, word)
    if kind == "jwt":
        return _Bearer(str(config.get("jwt_token", "")))
    if kind == "tripletex":
        from localnode.extras.oauth2 import Tripletex

        return Tripletex(config.get("tripletex") or {}, send)
    raise RemoteFailed(f"authentication {kind!r} is not available on this node")


def _retry(config: Config) -> Retry:
    """Return what is repeated: connection attempts twice (nothing was sent yet).

    Reads as `retry_strategy` says, writes never: the pump repeats those with what it knows about idempotency.
    """
    reads = {
        spec: rule
        for spec, rule in (config.get("retry_strategy") or {}).items()
        if rule.get("max_read_retries")
    }
    times = max((int(rule["max_read_retries"]) for rule in reads.values()), default=0)
    delay = max((float(rule.get("read_retry_delay", 0)) for rule in reads.values()), default=0.0)
    return Retry(
        total=max(times, 2),
        connect=2,
        read=times,
        status=times,
        other=0,
        redirect=0,
        allowed_methods=_READS,
        status_forcelist=sorted({status for spec in reads for status in _statuses(spec)}),
        backoff_factor=delay or 0.2,
        backoff_max=max(delay, 2),
        respect_retry_after_header=bool(times),
        retry_after_max=MAX_WAIT,
        raise_on_status=False,
    )


def _statuses(spec: str) -> list[int]:
    """Return the codes a key of `retry_strategy` stands for; "default" are the passing server errors."""
    return [429, 500, 502, 503, 504] if spec == "default" else statuses(spec)


def _timeouts(config: Config) -> tuple[float, float]:
    return float(config.get("connect_timeout", CONNECT_TIMEOUT)), float(
        config.get("read_timeout", READ_TIMEOUT)
    )


def _fill(pattern: str, path: str) -> str:
    if urlsplit(path).scheme:
        return path
    return pattern.replace("%s", path) if "%s" in pattern else pattern + path


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _moved(config: Config, address: str) -> str:
    """Return where an address is that a config or an answer writes out, for a system that was moved."""
    named, given = config.get(MOVED) or ("", "")
    if _origin(address) != _origin(named) or _origin(address) == _origin(given):
        return address
    parts, target = urlsplit(address), urlsplit(given)
    return urlunsplit((target.scheme, target.netloc, target.path.rstrip("/") + parts.path, parts.query, ""))


def _shown(address: str) -> str:
    """Return an address without credentials and query, fit for messages."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _reason(error: requests.RequestException) -> str:
    cause: BaseException | None = (
        error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
    )
    return str(getattr(cause, "reason", cause or error))


def _chunks(response: requests.Response, system_id: str) -> Iterator[bytes]:
    try:
        yield from response.iter_content(CHUNK)
    except requests.RequestException as error:
        raise RemoteFailed(f"system {system_id!r}: the answer broke off: {type(error).__name__}") from error
