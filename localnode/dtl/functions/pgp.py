"""OpenPGP, by the optional package pysequoia (requirements-pgp.lock)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from localnode.dtl.api import Refusal
from localnode.dtl.kinds import INVALID

try:
    import pysequoia  # type: ignore[import-not-found]
except ImportError:
    pysequoia = None

AVAILABLE = pysequoia is not None

_FAILURES = (RuntimeError, ValueError)
"""What the library raises for data that it cannot use; the messages may hold parts of it."""


@lru_cache(maxsize=32)
def _public(armour: str) -> object:
    try:
        return pysequoia.Cert.from_bytes(armour.encode())
    except _FAILURES as error:
        raise Refusal("encrypt-pgp: PUBLIC_KEY is not an OpenPGP key in ASCII armour") from error


@lru_cache(maxsize=32)
def _private(armour: str) -> Any:
    try:
        return pysequoia.Tsk.from_bytes(armour.encode())
    except _FAILURES as error:
        raise Refusal("decrypt-pgp: PRIVATE_KEY is not an OpenPGP key in ASCII armour") from error


def encryptor(public_key: str) -> Callable[[str], object]:
    """Return a function that encrypts strings for a public key. Refusal if that is no key to encrypt with."""
    key = _public(public_key)

    def sealed(value: str) -> object:
        try:
            return bytes(pysequoia.encrypt(recipients=[key], bytes=value.encode())).decode("ascii")
        except _FAILURES as error:
            raise Refusal("encrypt-pgp: PUBLIC_KEY cannot be used to encrypt") from error

    return sealed


def decryptor(private_key: str, passphrase: str) -> Callable[[str], object]:
    """Return a function that decrypts messages with a private key.

    INVALID for what is no message for this key.

    Refusal if it is no key, or if the passphrase does not open it. A key without passphrase takes any.
    """
    opened = _opened(private_key, passphrase)

    def decrypted(value: str) -> object:
        try:
            found = pysequoia.decrypt(decryptor=opened, bytes=value.encode())
            return bytes(found.bytes).decode()
        except _FAILURES:
            return INVALID

    return decrypted


@lru_cache(maxsize=32)
def _opened(private_key: str, passphrase: str) -> object:
    key = _private(private_key)
    for words in ((passphrase,), ()):
        try:
            return key.decryptor(*words)
        except _FAILURES:
            continue
    raise Refusal("decrypt-pgp: PASSPHRASE does not open PRIVATE_KEY")
