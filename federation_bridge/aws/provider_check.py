"""Compares an account's IAM provider with what the bridge publishes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from federation_bridge.aws.onboarding.plan import OidcProvider, SamlProvider
from federation_bridge.shown_text import quoted

Kind = Literal["fails", "wider", "unsure"]

SOON = timedelta(days=30)
_MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_CERTIFICATE = "{http://www.w3.org/2000/09/xmldsig#}X509Certificate"
_UPLOAD = "upload what `federation-bridge issuer export` writes"


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


def of_provider(planned: SamlProvider | OidcProvider, real: RealProvider | None) -> Iterator[tuple[Kind, str]]:
    """Why AWS would refuse what the bridge signs, or believe others; nothing where the content is not known."""
    if isinstance(planned, SamlProvider) and isinstance(real, RealSamlProvider):
        yield from _of_end(real)
        if real.encryption == "Required":
            yield "fails", "the provider takes encrypted assertions only, and the bridge sends none: set it to Allowed"
        if planned.metadata:
            yield from _of_metadata(planned.metadata, real.metadata)
    elif isinstance(planned, OidcProvider) and isinstance(real, RealOidcProvider):
        yield from _of_oidc(planned, real)


def _of_end(real: RealSamlProvider) -> Iterator[tuple[Kind, str]]:
    if real.valid_until is None or real.valid_until - real.read_at > SOON:
        return
    if real.valid_until <= real.read_at:
        yield "fails", f"the provider ended at {real.valid_until:%Y-%m-%d %H:%M} UTC: {_UPLOAD}"
    else:
        yield "unsure", f"the provider ends at {real.valid_until:%Y-%m-%d %H:%M} UTC: before that, {_UPLOAD}"


def _of_metadata(published: str, uploaded: str) -> Iterator[tuple[Kind, str]]:
    ours = _read(published)
    try:
        theirs = _read(uploaded)
    except ValueError:
        yield "unsure", "the provider's metadata cannot be read"
        return
    if theirs.entities != ours.entities:
        named = " and ".join(quoted(one) for one in theirs.entities) or "nobody"
        yield "fails", f"the provider's metadata is of {named}, and the bridge is {ours.entities[0]}: {_UPLOAD}"
    signing, *later = ours.keys
    if signing not in theirs.keys:
        yield "fails", f"the provider does not have the key with which the bridge signs: {_UPLOAD}"
    if not set(later) <= set(theirs.keys):
        yield "unsure", f"the provider does not have every key that the bridge publishes: {_UPLOAD}"
    for key in theirs.keys:
        if key not in ours.keys:
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
    found = x509.load_der_x509_certificate(base64.b64decode("".join(certificate.split()), validate=True))
    return found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
