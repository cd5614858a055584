"""Our private keys, one for each purpose: made once, even when several workers start together, and sealed at rest.

A key that signs for one purpose is never used for another, so a statement of one kind can never pass as another kind.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Clock, SealedKeys

_SEALING_KEY_BYTES = 32
_NONCE_BYTES = 12
_CERTIFICATE_LIFE = timedelta(days=3650)
_COMMON_NAME_LIMIT = 64  # RFC 5280, ub-common-name
_NOT_A_SEALING_KEY = "must hold 32 bytes as base64 (make them with: openssl rand -base64 32)"


class Purpose(StrEnum):
    """What a key is for."""

    AWS_SAML = "aws-saml"
    """Signs the assertions that AWS believes."""
    AWS_OIDC = "aws-oidc"
    """Signs the JWTs that AWS believes."""
    SERVICE_PROVIDER = "service-provider"
    """Signs our AuthnRequests."""
    DECRYPTION = "decryption"
    """Opens the assertions that identity providers encrypt to us."""
    CLIENT_ASSERTION = "client-assertion"
    """Authenticates us at token endpoints (private_key_jwt, RFC 7523)."""
    TOKENS = "tokens"
    """Signs what our own authorization server hands out."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA-2048 key with its self-signed certificate. Its `repr` shows no private part."""

    purpose: Purpose
    kid: str
    """JWK thumbprint of the public key (RFC 7638), base64url."""
    private_key: rsa.RSAPrivateKey = field(repr=False)
    certificate_pem: str = field(repr=False)
    created_at: datetime

    @property
    def certificate_b64(self) -> str:
        """The certificate's DER as one line of base64: the text of an X509Certificate element (XML Signature 4.5.4)."""
        return "".join(line for line in self.certificate_pem.splitlines() if not line.startswith("-----"))

    def private_pem(self) -> str:
        """The private key as PKCS #8 PEM, for the libraries that want a text."""
        return _private_pem(self.private_key)

    def public_jwk(self) -> dict[str, str]:
        """The public key as a JWK with exactly kty, kid, use, alg, n and e: AWS stumbles over `key_ops` and `x5c`."""
        members = _rsa_members(self.private_key)
        return {"kty": "RSA", "kid": self.kid, "use": _jwk_use(self.purpose), "alg": _jwk_alg(self.purpose), **members}


class KeyRing:
    """The keys of this deployment, opened when first asked for and then kept in memory."""

    def __init__(
        self,
        sealing_key: bytes,
        sealed_keys: SealedKeys,
        clock: Clock,
        common_name: str,
        on_made: Callable[[SigningKey], None] = lambda _key: None,
        *,
        may_make: bool = True,
    ) -> None:
        """`sealing_key`: 32 bytes. `common_name`: our host. `on_made` hears of a key that this process made.

        Without `may_make` a key that is not there is ConfigurationInvalid.
        """
        if len(sealing_key) != _SEALING_KEY_BYTES:
            raise ConfigurationInvalid(f"the sealing key {_NOT_A_SEALING_KEY}")
        self._cipher = AESGCM(sealing_key)
        self._sealed_keys = sealed_keys
        self._clock = clock
        self._common_name = common_name
        self._on_made = on_made
        self._may_make = may_make
        self._lock = threading.Lock()
        self._opened: dict[Purpose, tuple[SigningKey, ...]] = {}

    def current(self, purpose: Purpose) -> SigningKey:
        """The key that signs for this purpose now, made if there is none; ConfigurationInvalid if it does not open."""
        return self.all(purpose)[0]

    def all(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        """Every key of this purpose that others should believe, the signing one first; never empty."""
        opened = self._opened.get(purpose)
        if opened is not None:
            return opened
        with self._lock:
            if purpose not in self._opened:
                self._opened[purpose] = self._open_or_make(purpose)
            return self._opened[purpose]

    def made(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        """As `all`, but empty where there is none yet: none is made."""
        return tuple(self._unseal(purpose, one) for one in self._sealed_keys.sealed(purpose))

    def _open_or_make(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        sealed = self._sealed_keys.sealed(purpose)
        if sealed:
            return tuple(self._unseal(purpose, one) for one in sealed)
        if not self._may_make:
            raise ConfigurationInvalid(f"there is no {purpose} key yet: `federation-bridge migrate` makes it")
        made = _make(purpose, self._common_name, self._clock())
        # Several workers may be here at once: the store lets the first one in and everybody uses what stands then.
        standing = self._unseal(purpose, self._sealed_keys.put_first(purpose, self._seal(made)))
        if standing.kid == made.kid:
            self._on_made(made)
        return (standing,)

    def _seal(self, key: SigningKey) -> bytes:
        content = {
            "private_key": key.private_pem(),
            "certificate": key.certificate_pem,
            "created_at": key.created_at.isoformat(),
        }
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(content).encode(), _associated(key.purpose))

    def _unseal(self, purpose: Purpose, sealed: bytes) -> SigningKey:
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _associated(purpose))
        except (InvalidTag, ValueError):
            sentence = f"the stored {purpose} key does not open: this is not the sealing key that sealed it"
            raise ConfigurationInvalid(sentence) from None
        content = json.loads(plain)
        private_key = serialization.load_pem_private_key(content["private_key"].encode(), password=None)
        if not isinstance(private_key, rsa.RSAPrivateKey):
            raise ConfigurationInvalid(f"the stored {purpose} key is not an RSA key")
        created_at = datetime.fromisoformat(content["created_at"])
        return SigningKey(purpose, _thumbprint(private_key), private_key, content["certificate"], created_at)


def read_or_make_sealing_key(path: Path) -> bytes:
    """The 32 bytes that seal our keys, from a file of mode 0600 that is made if it is not there.

    ConfigurationInvalid where the file is a link, readable by others, of another owner, or no sealing key.
    """
    try:
        if not os.path.lexists(path):
            _place_sealing_key(path)
        return sealing_key_from(_read_private(path), str(path))
    except OSError as problem:
        raise ConfigurationInvalid(f"the sealing key {path} cannot be used: {problem.strerror}") from None


def sealing_key_from(text: str, origin: str = "the sealing key") -> bytes:
    """The 32 bytes that this base64 text names; ConfigurationInvalid (which does not repeat the text) for any other."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _SEALING_KEY_BYTES:
        raise ConfigurationInvalid(f"{origin} {_NOT_A_SEALING_KEY}")
    return key


def derived_key(sealing_key: bytes, use: str) -> bytes:
    """32 bytes for one use, from the sealing key alone (HKDF with SHA-256, RFC 5869): all nodes derive the same.

    `use` is a fixed name in the code. Whoever has one derived key learns neither another nor the sealing key.
    """
    info = f"federation-bridge derived key 1 {use}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=_SEALING_KEY_BYTES, salt=None, info=info).derive(sealing_key)


def _place_sealing_key(path: Path) -> None:
    """Writes beside, then links: a racing worker sees a whole file or none, and only the first link stands."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_SEALING_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path, follow_symlinks=False)
    except FileExistsError:
        return
    finally:
        beside.unlink()


def _read_private(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationInvalid(f"the sealing key {path} is not a file")
        if status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
            raise ConfigurationInvalid(f"the sealing key {path} must be ours alone (chmod 600 {path})")
        return file.read(1024).decode("ascii", errors="replace")


def _make(purpose: Purpose, common_name: str, now: datetime) -> SigningKey:
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_COMMON_NAME_LIMIT] or "federation-bridge")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _CERTIFICATE_LIFE)
        .sign(private_key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return SigningKey(purpose, _thumbprint(private_key), private_key, pem, now)


def _associated(purpose: Purpose) -> bytes:
    """Bound to the sealed bytes, so that a key moved to another purpose's row does not open."""
    return f"federation-bridge key 1 {purpose}".encode()


def _private_pem(private_key: rsa.RSAPrivateKey) -> str:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _jwk_use(purpose: Purpose) -> str:
    return "enc" if purpose is Purpose.DECRYPTION else "sig"


def _jwk_alg(purpose: Purpose) -> str:
    return "RSA-OAEP" if purpose is Purpose.DECRYPTION else "RS256"


def _rsa_members(private_key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = private_key.public_key().public_numbers()
    return {"n": _base64url_uint(numbers.n), "e": _base64url_uint(numbers.e)}


def _base64url_uint(value: int) -> str:
    """Base64urlUInt of RFC 7518 section 2."""
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _thumbprint(private_key: rsa.RSAPrivateKey) -> str:
    members = {"kty": "RSA", **_rsa_members(private_key)}
    return _base64url(hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest())
