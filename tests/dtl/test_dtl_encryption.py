"""Encryption with real keys."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from localnode.dtl import DtlCompileError, DtlError, PipeSettings, compile_dtl
from localnode.dtl.functions import pgp
from localnode.dtl.memory import MemoryContext


def evaluate(expression: Any, **secrets: str) -> Any:
    program = compile_dtl({"default": [["add", "r", expression]]}, PipeSettings("pipe"))
    return program.transform({"_id": "1"}, MemoryContext(secrets=secrets))[0]["r"]


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"private": private.decode(), "public": public.decode()}


def test_pki_round_trip(keys: dict[str, str]) -> None:
    sealed = evaluate(["encrypt-pki", "$SECRET(public)", ["list", "a", 1, "å"]], **keys)
    assert all(value.startswith("~b") for value in sealed)
    assert evaluate(["decrypt-pki", "$SECRET(private)", ["list", *sealed, "x"]], **keys) == ["a", "å"]


def test_pki_with_the_wrong_key_and_too_long_a_text(keys: dict[str, str]) -> None:
    assert evaluate(["decrypt-pki", keys["private"], "~bYWJj"]) is None
    with pytest.raises(DtlError, match="too long for the key"):
        evaluate(["encrypt-pki", keys["public"], "x" * 300])


def test_a_key_shows_in_no_error() -> None:
    with pytest.raises(DtlError) as caught:
        evaluate(["encrypt-pki", "$SECRET(k)", "a"], k="very secret")
    assert "very secret" not in str(caught.value)


def test_pgp_without_the_package_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgp, "AVAILABLE", False)
    for call in (["encrypt-pgp", "k", "a"], ["decrypt-pgp", "k", "p", "a"]):
        with pytest.raises(DtlCompileError, match="pip install PGPy13"):
            evaluate(call)


def test_pgp_round_trip() -> None:
    pgpy = pytest.importorskip("pgpy")
    constants = pgpy.constants
    key = pgpy.PGPKey.new(constants.PubKeyAlgorithm.RSAEncryptOrSign, 2048)
    key.add_uid(
        pgpy.PGPUID.new("Test"),
        usage={constants.KeyFlags.EncryptCommunications, constants.KeyFlags.EncryptStorage},
        hashes=[constants.HashAlgorithm.SHA256],
        ciphers=[constants.SymmetricKeyAlgorithm.AES256],
    )
    public = str(key.pubkey)
    key.protect("pass", constants.SymmetricKeyAlgorithm.AES256, constants.HashAlgorithm.SHA256)
    sealed = evaluate(["encrypt-pgp", public, ["list", "a", 1, "å"]])
    assert all(value.startswith("-----BEGIN PGP MESSAGE") for value in sealed)
    assert evaluate(["decrypt-pgp", str(key), "pass", ["list", *sealed, "x"]]) == ["a", "å"]
    with pytest.raises(DtlError, match="PASSPHRASE does not open"):
        evaluate(["decrypt-pgp", str(key), "wrong", sealed[0]])
    with pytest.raises(DtlError, match="no OpenPGP key"):
        evaluate(["encrypt-pgp", "x", "a"])
