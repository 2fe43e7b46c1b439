"""OpenPGP, by the optional package PGPy13."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache
from threading import Lock
from typing import Any

from localnode.dtl.frames import Refusal
from localnode.dtl.kinds import INVALID

try:
    import pgpy  # type: ignore[import-not-found]
except ImportError:
    pgpy = None

AVAILABLE = pgpy is not None


_UNLOCKED = Lock()
"""A key is unlocked in place; one thread at a time."""


def _errors() -> tuple[type[Exception], ...]:
    return (ValueError, NotImplementedError, pgpy.errors.PGPError, pgpy.errors.PGPDecryptionError)


@lru_cache(maxsize=32)
def _key(armour: str) -> Any:
    try:
        key, _others = pgpy.PGPKey.from_blob(armour)
    except _errors() as error:
        raise Refusal("the key is no OpenPGP key in ASCII armour") from error
    return key


def encryptor(public_key: str) -> Callable[[str], Any]:
    """A function that encrypts strings for a public key. Refusal if that is no key."""
    key = _key(public_key)
    return lambda value: str(key.encrypt(pgpy.PGPMessage.new(value, compression=_uncompressed())))


def _uncompressed() -> Any:
    return pgpy.constants.CompressionAlgorithm.Uncompressed


def decryptor(private_key: str, passphrase: str) -> Callable[[str], Any]:
    """A function that decrypts messages with a private key; INVALID for what is no message for this key.

    Refusal if it is no key, or if the passphrase does not open it.
    """
    key = _key(private_key)

    def decrypted(value: str) -> Any:
        try:
            return key.decrypt(pgpy.PGPMessage.from_blob(value)).message
        except _errors():
            return INVALID

    def unlocked(value: str) -> Any:
        with _UNLOCKED, ExitStack() as stack:
            try:
                stack.enter_context(key.unlock(passphrase))
            except _errors() as error:
                raise Refusal("decrypt-pgp: PASSPHRASE does not open PRIVATE_KEY") from error
            return decrypted(value)

    return unlocked if key.is_protected else decrypted
