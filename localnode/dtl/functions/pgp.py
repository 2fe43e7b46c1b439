"""OpenPGP, by the optional package PGPy13."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from localnode.dtl.frames import Refusal
from localnode.dtl.kinds import INVALID

try:
    import pgpy  # type: ignore[import-not-found]
except ImportError:
    pgpy = None

AVAILABLE = pgpy is not None


@lru_cache(maxsize=32)
def _key(armour: str) -> Any:
    try:
        key, _others = pgpy.PGPKey.from_blob(armour)
    except (ValueError, NotImplementedError, pgpy.errors.PGPError) as error:
        raise Refusal("the key is no OpenPGP key in ASCII armour") from error
    return key


def encryptor(public_key: str) -> Callable[[str], Any]:
    """A function that encrypts strings for a public key."""
    key = _key(public_key)
    return lambda value: str(key.encrypt(pgpy.PGPMessage.new(value)))


def decryptor(private_key: str, passphrase: str) -> Callable[[str], Any]:
    """A function that decrypts messages with a private key; INVALID for what it cannot decrypt."""
    key = _key(private_key)

    def decrypted(value: str) -> Any:
        try:
            message = pgpy.PGPMessage.from_blob(value)
            if not key.is_protected:
                return key.decrypt(message).message
            with key.unlock(passphrase):
                return key.decrypt(message).message
        except (ValueError, NotImplementedError, pgpy.errors.PGPError):
            return INVALID

    return decrypted
