"""Encryption.

Keys and passphrases may be written `$SECRET(name)`; the secret is looked up when the rule runs.

`encrypt` only obfuscates: its key is derived from a password. What is not a string has to be made one first,
with `json` or `json-transit`, if nobody is to read it.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from localnode.dtl.api import Refusal
from localnode.dtl.decorators import broadcast, special, string_scalar
from localnode.dtl.functions import pgp
from localnode.dtl.functions.bytes import bytes_of, bytes_value
from localnode.dtl.kinds import INVALID
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import first, is_string, text

_SECRET = re.compile(r"\$SECRET\(([^()]+)\)")


def _keyed(call: Call, make: Callable[..., Callable[[object], object]]) -> Expr:
    """Return a map-style function whose arguments before VALUES are keys."""
    keys, values = [arg.run for arg in call.args[:-1]], call.args[-1].run

    def run(f: Frame, v: object) -> object:
        given = [_revealed(f, first(key(f, v))) for key in keys]
        return None if None in given else broadcast(make(*given), values(f, v))

    return Expr(run)


def _revealed(f: Frame, key: Any) -> str | None:
    """Return a key with `$SECRET(name)` replaced by the secret; None if it is not a string."""
    if not is_string(key):
        return None
    match = _SECRET.fullmatch(key)
    if match is None:
        return str(key)
    try:
        return f.run.context.secret(match[1])
    except KeyError as error:
        raise Refusal(
            f"there is no secret {match[1]!r}; add it to the pipe, its system or the node"
        ) from error


@lru_cache(maxsize=32)
def _fernet(password: str) -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(password.encode()).digest()))


@special("encrypt", signature="KEY VALUES", pure=False)
def encrypt(call: Call) -> Expr:
    """Map-style: strings encrypted with KEY as password (Fernet), as bytes; other values stay unchanged.

    For obfuscation only.
    """

    def encryptor(key: str) -> Callable[[Any], Any]:
        box = _fernet(key)
        return lambda value: bytes_value(box.encrypt(value.encode())) if is_string(value) else value

    return _keyed(call, encryptor)


@special("decrypt", signature="KEY VALUES", pure=False)
def decrypt(call: Call) -> Expr:
    """Map-style over bytes that `encrypt` gave with the same KEY: the strings again; all else is dropped."""

    def decryptor(key: str) -> Callable[[object], object]:
        box = _fernet(key)

        def opened(value: object) -> object:
            content = bytes_of(value)
            try:
                return INVALID if content is None else text(box.decrypt(content).decode())
            except (InvalidToken, UnicodeDecodeError):
                return INVALID

        return opened

    return _keyed(call, decryptor)


_PADDING = padding.OAEP(mgf=padding.MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 - the format


@lru_cache(maxsize=32)
def _public_key(pem: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refusal("encrypt-pki: PUBLIC_KEY is not in PEM format (BEGIN PUBLIC KEY)") from error
    if not isinstance(key, RSAPublicKey):
        raise Refusal("encrypt-pki: PUBLIC_KEY is not an RSA key")
    return key


@lru_cache(maxsize=32)
def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refusal("decrypt-pki: PRIVATE_KEY is not in PEM format (BEGIN RSA PRIVATE KEY)") from error
    if not isinstance(key, RSAPrivateKey):
        raise Refusal("decrypt-pki: PRIVATE_KEY is not an RSA key")
    return key


@special("encrypt-pki", signature="PUBLIC_KEY VALUES", pure=False)
def encrypt_pki(call: Call) -> Expr:
    """Map-style over short strings (with a 2048 bit key up to 214 bytes).

    Encrypted for PUBLIC_KEY, an RSA key in PEM format, as bytes (OAEP with MGF1 and SHA-1).
    """

    def encryptor(pem: str) -> Callable[[object], object]:
        key = _public_key(pem)

        def sealed(value: Any) -> object:
            if not is_string(value):
                return INVALID
            try:
                return bytes_value(key.encrypt(value.encode(), _PADDING))
            except ValueError as error:
                raise Refusal("encrypt-pki: a string is too long for the key") from error

        return sealed

    return _keyed(call, encryptor)


@special("decrypt-pki", signature="PRIVATE_KEY VALUES", pure=False)
def decrypt_pki(call: Call) -> Expr:
    """Map-style over bytes that `encrypt-pki` gave.

    The strings again, by PRIVATE_KEY, an RSA key in PEM format; what cannot be decrypted is dropped.
    """

    def decryptor(pem: str) -> Callable[[object], object]:
        key = _private_key(pem)

        def opened(value: object) -> object:
            content = bytes_of(value)
            try:
                return INVALID if content is None else text(key.decrypt(content, _PADDING).decode())
            except ValueError:
                return INVALID

        return opened

    return _keyed(call, decryptor)


def _with_pgp(call: Call, make: Callable[..., Callable[[str], object]]) -> Expr:
    if not pgp.AVAILABLE:
        call.scope.error(
            call.path,
            f"{call.name} needs the optional package pysequoia: pip install -r requirements-pgp.lock",
        )
        return Expr.of(None)
    return _keyed(call, lambda *keys: string_scalar(make(*keys)))


@special("encrypt-pgp", signature="PUBLIC_KEY VALUES", pure=False)
def encrypt_pgp(call: Call) -> Expr:
    """Map-style over strings: OpenPGP messages in ASCII armour for PUBLIC_KEY.

    Needs the optional package pysequoia (`requirements-pgp.lock`).
    """
    return _with_pgp(call, pgp.encryptor)


@special("decrypt-pgp", signature="PRIVATE_KEY PASSPHRASE VALUES", pure=False)
def decrypt_pgp(call: Call) -> Expr:
    """Map-style over OpenPGP messages: their text, by PRIVATE_KEY and its PASSPHRASE.

    What cannot be decrypted is dropped. Needs the optional package pysequoia (`requirements-pgp.lock`).
    """
    return _with_pgp(call, pgp.decryptor)
