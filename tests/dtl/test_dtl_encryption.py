"""Encryption with real keys."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
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
        with pytest.raises(DtlCompileError, match="pip install -r requirements-pgp.lock"):
            evaluate(call)


@pytest.fixture(scope="module")
def pgp_keys() -> tuple[str, str]:
    """A public key and the private one, not protected."""
    sequoia = pytest.importorskip("pysequoia")
    key = sequoia.Tsk.generate("Test <test@example.com>")
    return str(key.extract_certificate()), str(key)


def test_pgp_round_trip(pgp_keys: tuple[str, str]) -> None:
    public, private = pgp_keys
    sealed = evaluate(["encrypt-pgp", public, ["list", "a", 1, "å"]])
    assert all(value.startswith("-----BEGIN PGP MESSAGE") for value in sealed)
    assert evaluate(["decrypt-pgp", private, "any", ["list", *sealed, "x"]]) == ["a", "å"]
    assert evaluate(["decrypt-pgp", private, "any", "x"]) is None
    with pytest.raises(DtlError, match="PUBLIC_KEY is not an OpenPGP key"):
        evaluate(["encrypt-pgp", "x", "a"])
    with pytest.raises(DtlError, match="PRIVATE_KEY"):
        evaluate(["decrypt-pgp", public, "any", sealed[0]])


def test_pgp_with_a_passphrase(tmp_path: Path) -> None:
    """A key that GnuPG made and protects."""
    pytest.importorskip("pysequoia")
    if shutil.which("gpg") is None:
        pytest.skip("GnuPG is not installed")
    tmp_path.chmod(0o700)
    gpg = [
        "gpg",
        "--homedir",
        str(tmp_path),
        "--batch",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "word",
    ]
    new = [*gpg, "--quick-generate-key", "test@example.com", "rsa2048", "encrypt,sign", "never"]
    subprocess.run(new, check=True, capture_output=True, timeout=60)
    public = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True, text=True).stdout
    export = [*gpg, "--armor", "--export-secret-keys"]
    private = subprocess.run(export, check=True, capture_output=True, text=True).stdout
    subprocess.run(["gpgconf", "--homedir", str(tmp_path), "--kill", "all"], check=False, capture_output=True)
    sealed = evaluate(["encrypt-pgp", public, "secret message"])
    assert evaluate(["decrypt-pgp", "$SECRET(key)", "word", sealed], key=private) == "secret message"
    with pytest.raises(DtlError, match="PASSPHRASE does not open"):
        evaluate(["decrypt-pgp", private, "wrong", sealed])
