"""Compares an account's IAM provider with what the bridge publishes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from lxml import etree

from federation_bridge.aws.onboarding.plan import OidcProvider, SamlProvider
from federation_bridge.shown_text import quoted
from federation_bridge.signing import thumbprint

Kind = Literal["fails", "wider", "unsure"]

SOON = timedelta(days=30)
_MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_CERTIFICATE = "{http://www.w3.org/2000/09/xmldsig#}X509Certificate"
_UPLOAD = "upload what `federation-bridge issuer export` writes"
UNREADABLE = "the provider's metadata cannot be read"


@dataclass(frozen=True, slots=True)
class RealSamlProvider:
    """What IAM's GetSAMLProvider tells. IAM ignores `validUntil` in the metadata, and a certificate's end."""

    metadata: str
    read_at: datetime
    valid_until: datetime | None = None
    encryption: str | None = None


@dataclass(frozen=True, slots=True)
class RealOidcProvider:
    """What IAM's GetOpenIDConnectProvider tells; `url` is without its scheme."""

    url: str
    client_ids: tuple[str, ...]


RealProvider = RealSamlProvider | RealOidcProvider


@dataclass(frozen=True, slots=True)
class _Metadata:
    """Of SAML metadata what AWS looks at: the names of the issuers, and the keys, in their order."""

    entities: tuple[str, ...]
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A SAML provider's metadata beside ours; keys as DER, in the order in which they stand there."""

    entities: tuple[str, ...]
    """Whose it is."""
    our_entities: tuple[str, ...]
    held: tuple[bytes, ...]
    published: tuple[bytes, ...]
    """Ours, the one that signs first."""

    @property
    def is_ours(self) -> bool:
        """Whether it is metadata of the bridge, whatever its keys are."""
        return self.entities == self.our_entities

    @property
    def lacking(self) -> tuple[bytes, ...]:
        """Keys that the bridge publishes, and AWS does not believe."""
        return tuple(key for key in self.published if key not in self.held)

    @property
    def foreign(self) -> tuple[bytes, ...]:
        """Keys that AWS believes, and the bridge does not publish."""
        return tuple(dict.fromkeys(key for key in self.held if key not in self.published))

    def others(self) -> str:
        """Why it is not ours, in words."""
        named = " and ".join(quoted(one) for one in self.entities) or "nobody"
        return f"the provider's metadata is of {named}, and the bridge is {self.our_entities[0]}"


def compared(published: str, uploaded: str) -> Compared:
    """What a provider holds beside what the bridge publishes; ValueError where the first cannot be read."""
    ours, theirs = _read(published), _read(uploaded)
    return Compared(theirs.entities, ours.entities, theirs.keys, ours.keys)


def key_name(key: bytes) -> str:
    """What we call this public key (DER): the `kid` of an RSA key, as ours are."""
    found = load_der_public_key(key)
    return thumbprint(found) if isinstance(found, rsa.RSAPublicKey) else f"SHA-256 {sha256(key).hexdigest()}"


def of_provider(planned: SamlProvider | OidcProvider, real: RealProvider | None) -> Iterator[tuple[Kind, str]]:
    """Why AWS would refuse what the bridge signs, or believe others; nothing where the content is not known."""
    if isinstance(planned, SamlProvider) and isinstance(real, RealSamlProvider):
        yield from of_end(real)
        yield from of_encryption(real)
        if planned.metadata:
            yield from _of_metadata(planned.metadata, real.metadata)
    elif isinstance(planned, OidcProvider) and isinstance(real, RealOidcProvider):
        yield from _of_oidc(planned, real)


def of_end(real: RealSamlProvider) -> Iterator[tuple[Kind, str]]:
    """That the provider has ended, or does soon."""
    if real.valid_until is None or real.valid_until - real.read_at > SOON:
        return
    if real.valid_until <= real.read_at:
        yield "fails", f"the provider ended at {real.valid_until:%Y-%m-%d %H:%M} UTC: {_UPLOAD}"
    else:
        yield "unsure", f"the provider ends at {real.valid_until:%Y-%m-%d %H:%M} UTC: before that, {_UPLOAD}"


def of_encryption(real: RealSamlProvider) -> Iterator[tuple[Kind, str]]:
    """That the provider does not take what the bridge sends."""
    if real.encryption == "Required":
        yield "fails", "the provider takes encrypted assertions only, and the bridge sends none: set it to Allowed"


def _of_metadata(published: str, uploaded: str) -> Iterator[tuple[Kind, str]]:
    try:
        found = compared(published, uploaded)
    except ValueError:
        yield "unsure", UNREADABLE
        return
    if not found.is_ours:
        yield "fails", f"{found.others()}: {_UPLOAD}"
    signing, *later = found.published
    if signing in found.lacking:
        yield "fails", f"the provider does not have the key with which the bridge signs: {_UPLOAD}"
    if set(later) & set(found.lacking):
        yield "unsure", f"the provider does not have every key that the bridge publishes: {_UPLOAD}"
    for key in found.foreign:
        digest = sha256(key).hexdigest()
        yield "wider", f"the provider believes a key that is not the bridge's (SHA-256 {digest}): {_UPLOAD}"


def _of_oidc(planned: OidcProvider, real: RealOidcProvider) -> Iterator[tuple[Kind, str]]:
    wanted = planned.url.removeprefix("https://")
    if real.url.removeprefix("https://") != wanted:
        yield "fails", f"the provider's URL is {quoted(real.url)}, and the bridge publishes {wanted}"
    for one in planned.client_ids:
        if one not in real.client_ids:
            named = " and ".join(quoted(other) for other in real.client_ids) or "nothing"
            yield "fails", f"the provider's client ids are {named}; {one} has to be among them"


def _read(text: str) -> _Metadata:
    """ValueError where it is no SAML metadata, or a certificate in it is none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as mistake:
        raise ValueError(str(mistake)) from None
    entities = tuple(one.get("entityID") or "" for one in tree.iter(f"{_MD}EntityDescriptor"))
    if not entities:
        raise ValueError("no EntityDescriptor")
    # Without `use` a key is for signing too (SAML metadata 2.4.1.1).
    descriptors = (one for one in tree.iter(f"{_MD}KeyDescriptor") if one.get("use") in (None, "signing"))
    return _Metadata(entities, tuple(_key(one.text or "") for each in descriptors for one in each.iter(_CERTIFICATE)))


def _key(certificate: str) -> bytes:
    # The key alone: AWS believes it whatever else the certificate says.
    der = base64.b64decode("".join(certificate.split()), validate=True)
    try:
        found = x509.load_der_x509_certificate(der)
        return found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (UnsupportedAlgorithm, x509.InvalidVersion) as mistake:
        raise ValueError(str(mistake)) from None
