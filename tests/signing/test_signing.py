"""Our keys: one for each purpose, made once, sealed at rest, and only by a key that is ours alone."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import RSAKey
from sealed_keys_in_memory import SealedKeysInMemory

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Notice, SealedKey
from federation_bridge.signing import (
    KeyRing,
    Purpose,
    SigningKey,
    derived_key,
    jws,
    read_or_make_sealing_key,
    sealing_key_from,
)
from federation_bridge.signing.changes import FirstKeyMade

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SEALING_KEY = bytes(range(32))


def ring(drawer: SealedKeysInMemory, sealing_key: bytes = SEALING_KEY) -> KeyRing:
    return KeyRing(sealing_key, drawer, lambda: NOW, "bridge.example.com")


@pytest.fixture(scope="module")
def drawer() -> SealedKeysInMemory:
    """A drawer that already holds an AWS_SAML key; tests that read it do not change it."""
    filled = SealedKeysInMemory()
    ring(filled).current(Purpose.AWS_SAML)
    return filled


def test_a_key_is_made_once_and_then_stays_the_same_over_restarts(drawer: SealedKeysInMemory) -> None:
    first = ring(drawer).current(Purpose.AWS_SAML)
    second = ring(drawer).current(Purpose.AWS_SAML)
    assert first.kid == second.kid
    assert first.certificate_pem == second.certificate_pem
    assert first.created_at == second.created_at == NOW


def test_each_purpose_has_a_key_of_its_own(drawer: SealedKeysInMemory) -> None:
    keys = ring(drawer)
    assert keys.current(Purpose.AWS_SAML).kid != keys.current(Purpose.AWS_OIDC).kid


def test_workers_that_start_together_all_use_the_one_key_that_was_stored_first() -> None:
    empty, together = SealedKeysInMemory(), threading.Barrier(4)

    class Waiting(SealedKeysInMemory):
        def sealed(self, purpose: str) -> tuple[SealedKey, ...]:
            seen = empty.sealed(purpose)
            together.wait(timeout=60)
            return seen

        def put_first(self, purpose: str, sealed: bytes, *notices: Notice) -> SealedKey:
            return empty.put_first(purpose, sealed, *notices)

    def start(_worker: int) -> SigningKey:
        return KeyRing(SEALING_KEY, Waiting(), lambda: NOW, "bridge.example.com").current(Purpose.TOKENS)

    with ThreadPoolExecutor(4) as workers:
        kids = {key.kid for key in workers.map(start, range(4))}
    assert len(kids) == 1
    assert len(empty.rows[Purpose.TOKENS]) == 1
    assert empty.told == [FirstKeyMade("tokens", *kids)], "only one worker tells the audit of it"


def test_threads_of_one_worker_make_one_key() -> None:
    drawer = SealedKeysInMemory()
    keys = ring(drawer)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(keys.current, [Purpose.TOKENS] * 4))
    assert len({id(key) for key in found}) == 1


def test_a_stored_key_shows_nothing_of_the_private_key(drawer: SealedKeysInMemory) -> None:
    (row,) = drawer.sealed(Purpose.AWS_SAML)
    assert b"PRIVATE" not in row.sealed
    assert b"BEGIN" not in row.sealed


def test_another_sealing_key_does_not_open_it_and_says_so(drawer: SealedKeysInMemory) -> None:
    with pytest.raises(ConfigurationInvalid, match="not the sealing key that sealed it"):
        ring(drawer, bytes(32)).current(Purpose.AWS_SAML)


def spoil_a_bit(sealed: bytes) -> bytes:
    return sealed[:-1] + bytes([sealed[-1] ^ 1])


@pytest.mark.parametrize("spoil", [spoil_a_bit, lambda sealed: sealed[:5], lambda sealed: b""])
def test_a_spoilt_key_does_not_open(drawer: SealedKeysInMemory, spoil: Callable[[bytes], bytes]) -> None:
    spoilt = SealedKeysInMemory()
    spoilt.put(Purpose.AWS_SAML, spoil(drawer.sealed(Purpose.AWS_SAML)[0].sealed))
    with pytest.raises(ConfigurationInvalid):
        ring(spoilt).current(Purpose.AWS_SAML)


def test_a_key_moved_to_another_purpose_does_not_open(drawer: SealedKeysInMemory) -> None:
    moved = SealedKeysInMemory()
    moved.rows[Purpose.SERVICE_PROVIDER] = drawer.sealed(Purpose.AWS_SAML)
    with pytest.raises(ConfigurationInvalid):
        ring(moved).current(Purpose.SERVICE_PROVIDER)


def test_the_newest_stored_key_signs_and_all_are_published(drawer: SealedKeysInMemory) -> None:
    older = drawer.sealed(Purpose.AWS_SAML)[0].sealed
    other = SealedKeysInMemory()
    ring(other).current(Purpose.AWS_SAML)
    both = SealedKeysInMemory()
    both.put(Purpose.AWS_SAML, other.sealed(Purpose.AWS_SAML)[0].sealed, older)
    keys = ring(both)
    assert [key.kid for key in keys.all(Purpose.AWS_SAML)] == [
        ring(other).current(Purpose.AWS_SAML).kid,
        ring(drawer).current(Purpose.AWS_SAML).kid,
    ]
    assert keys.current(Purpose.AWS_SAML) is keys.all(Purpose.AWS_SAML)[0]


def test_the_certificate_is_self_signed_for_ten_years_and_carries_the_host(drawer: SealedKeysInMemory) -> None:
    key = ring(drawer).current(Purpose.AWS_SAML)
    certificate = x509.load_der_x509_certificate(base64.b64decode(key.certificate_b64))
    assert certificate.subject.rfc4514_string() == "CN=bridge.example.com"
    assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize("host", ["", "h" * 65, "a" * 300])
def test_a_host_that_is_no_common_name_still_gets_a_certificate(host: str) -> None:
    key = KeyRing(SEALING_KEY, SealedKeysInMemory(), lambda: NOW, host).current(Purpose.TOKENS)
    assert x509.load_pem_x509_certificate(key.certificate_pem.encode()).subject


def test_the_public_jwk_has_exactly_the_members_that_aws_reads(drawer: SealedKeysInMemory) -> None:
    key = ring(drawer).current(Purpose.AWS_SAML)
    jwk = key.public_jwk()
    assert set(jwk) == {"kty", "kid", "use", "alg", "n", "e"}
    imported = RSAKey.import_key({**jwk})
    assert imported.thumbprint() == key.kid == jwk["kid"]
    signature = key.sign(b"text")
    imported.public_key.verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())


def test_the_decryption_key_says_that_it_is_for_encryption(drawer: SealedKeysInMemory) -> None:
    jwk = ring(drawer).current(Purpose.DECRYPTION).public_jwk()
    assert (jwk["use"], jwk["alg"]) == ("enc", "RSA-OAEP")


def test_the_repr_of_a_key_shows_no_private_part(drawer: SealedKeysInMemory) -> None:
    key = ring(drawer).current(Purpose.AWS_SAML)
    assert repr(key) == f"SigningKey(purpose=<Purpose.AWS_SAML: 'aws-saml'>, kid={key.kid!r}, created_at={NOW!r})"


def test_a_signed_jwt_is_one_that_a_library_believes_and_only_whole(drawer: SealedKeysInMemory) -> None:
    key = ring(drawer).current(Purpose.AWS_SAML)
    claims = {"sub": "caf\u00e9 \u5206\u6790", "tags": {"a": ["b"]}, "iat": 1}
    token = jws.signed(claims, key, {"x5t#S256": "x"})
    public = RSAKey.import_key({**key.public_jwk()})
    read = jwt.decode(token, public, algorithms=["RS256"])
    assert read.claims == claims
    assert read.header == {"alg": "RS256", "typ": "JWT", "kid": key.kid, "x5t#S256": "x"}
    head, payload, signature = token.split(".")
    other = jws.signed({"sub": "root"}, key).split(".")[1]
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{head}.{other}.{signature}", public, algorithms=["RS256"])
    assert len(payload) % 4 != 1


def test_a_secret_for_one_use_is_another_for_another_use_and_the_same_on_every_node(drawer: SealedKeysInMemory) -> None:
    one, other = ring(drawer), ring(drawer)
    assert one.secret_for("user codes") == other.secret_for("user codes")
    assert one.secret_for("user codes") != one.secret_for("rows")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_sealing_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ConfigurationInvalid, match="32 bytes"):
        ring(SealedKeysInMemory(), bytes(length))


def test_the_sealing_key_file_is_made_once_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    key = read_or_make_sealing_key(path)
    assert len(key) == 32
    assert read_or_make_sealing_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path], "nothing half-written is left beside it"


def test_workers_that_make_the_sealing_key_together_agree_on_one(tmp_path: Path) -> None:
    path, together = tmp_path / "sealing.key", threading.Barrier(8)

    def start(_worker: int) -> bytes:
        together.wait(timeout=60)
        return read_or_make_sealing_key(path)

    with ThreadPoolExecutor(8) as workers:
        assert len(set(workers.map(start, range(8)))) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_sealing_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    read_or_make_sealing_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationInvalid, match="chmod 600"):
        read_or_make_sealing_key(path)


@pytest.mark.parametrize("target", ["real.key", "missing.key"])
def test_a_sealing_key_behind_a_link_is_refused_and_the_target_left_alone(tmp_path: Path, target: str) -> None:
    read_or_make_sealing_key(tmp_path / "real.key")
    path = tmp_path / "sealing.key"
    path.symlink_to(tmp_path / target)
    with pytest.raises(ConfigurationInvalid):
        read_or_make_sealing_key(path)
    assert not (tmp_path / "missing.key").exists()


def test_a_folder_or_a_pipe_is_no_sealing_key(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "absent" / "sealing.key"):
        with pytest.raises(ConfigurationInvalid):
            read_or_make_sealing_key(path)


@pytest.mark.parametrize("text", ["", "short", "!" * 44, base64.b64encode(bytes(31)).decode(), "\u00e9" * 44])
def test_a_text_that_is_no_sealing_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        sealing_key_from(text)
    assert not text or text not in refused.value.detail


def test_a_sealing_key_may_end_in_a_line_break() -> None:
    assert sealing_key_from(base64.b64encode(SEALING_KEY).decode() + "\n") == SEALING_KEY


def test_keys_derived_for_different_uses_or_from_different_sealing_keys_differ() -> None:
    one, other = bytes(32), bytes(31) + b"\1"
    derived = {derived_key(one, "rows"), derived_key(one, "sign-ins"), derived_key(other, "rows"), one}
    assert len(derived) == 4
    assert derived_key(one, "rows") == derived_key(one, "rows")


def test_a_derived_key_stays_the_same_over_releases() -> None:
    assert derived_key(bytes(32), "rows").hex() == "55436a66b7d9059cf8f36f9097e8acc3525831b11fb527667f7b0df636506511"
