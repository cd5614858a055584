"""Whose word a message is: a signing key and its certificate."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Signer:
    """A signing key of an identity provider, with the self-signed certificate that its metadata publishes."""

    private_pem: bytes = field(repr=False)
    certificate_pem: str

    @property
    def certificate_b64(self) -> str:
        """The certificate's DER in base64, on one line, as `ds:X509Certificate` has it."""
        return "".join(line for line in self.certificate_pem.splitlines() if "-----" not in line)


def make_signer(
    common_name: str = "Sandbox identity provider",
    *,
    key_size: int = 2048,
    not_before: datetime = datetime(2020, 1, 1, tzinfo=UTC),
    not_after: datetime = datetime(2040, 1, 1, tzinfo=UTC),
) -> Signer:
    """A fresh RSA key and its self-signed certificate (about 100 ms for 2048 bits: make it once)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Signer(private, certificate.public_bytes(Encoding.PEM).decode("ascii"))
