"""How a call to `POST /webhooks` shows that it comes from the ERP, as the profile says."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from flask import request

from connectors.common import auth
from connectors.common.errors import Unauthenticated
from connectors.erp.profile.model.connection import BasicAuth
from connectors.erp.profile.model.webhooks import BodySecret, CallerAuth, HeaderSecret, QuerySecret, Signature
from core.dotted import get_path


def require(spec: CallerAuth, body: bytes, events: Sequence[object]) -> None:
    """`Unauthenticated` unless the present request carries what the profile says; in constant time."""
    match spec:
        case BasicAuth(username=username, password=password):
            auth.require(username, password)
        case HeaderSecret(name=name, secret=secret, prefix=prefix):
            _same(request.headers.get(name), prefix + secret)
        case QuerySecret(name=name, secret=secret):
            _same(request.args.get(name), secret)
        case BodySecret(path=path, secret=secret):
            for event in events or [None]:
                _same(get_path(event, path), secret)
        case Signature():
            _same(request.headers.get(spec.header), spec.prefix + _signature(spec, body))


def _signature(spec: Signature, body: bytes) -> str:
    digest = hmac.new(spec.key.encode(), body, getattr(hashlib, spec.algorithm)).digest()
    return digest.hex() if spec.encoding == "hex" else base64.b64encode(digest).decode()


def _same(given: object, wanted: str) -> None:
    text = given if isinstance(given, str) else ""
    if not hmac.compare_digest(text.encode(), wanted.encode()):
        raise Unauthenticated("this call does not show that it is the ERP's")
