"""The applications that an administrator registered here: SAML service providers and OIDC clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from federation_bridge.sandbox.identity_provider.refusals import Refusal

_NS = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """A SAML application: only its own ACS addresses get answers, only its own keys sign its requests."""

    entity_id: str
    acs_urls: tuple[str, ...]
    """The first is the default (IdP-initiated sign-ins go there)."""
    signing_certificates: tuple[str, ...] = ()
    """PEM. Where there is one, every request must be signed."""
    encryption_certificate: str | None = None
    default_relay_state: str = ""
    logout_url: str = ""
    """Its single logout service by HTTP-Redirect; empty: it has none."""


@dataclass(frozen=True, slots=True)
class OidcClient:
    """An OIDC application; authenticates by its secret, or by a JWT that one of `keys` signs (private_key_jwt)."""

    client_id: str
    redirect_uris: tuple[str, ...]
    secret: str | None = field(default=None, repr=False)
    keys: Mapping[str, Any] | None = None
    """A JWK Set of public keys (RFC 7517 section 5)."""
    back_channel_logout_uri: str = ""
    """Where it is told that a person has signed out here; empty: nowhere."""
    post_logout_redirect_uris: tuple[str, ...] = ()


def service_provider(metadata: bytes, *, default_relay_state: str = "", encrypts: bool = False) -> ServiceProvider:
    """The service provider that this SAML metadata describes (SAML metadata 2.4.4); Refusal where it does not.

    With `encrypts`, assertions are encrypted to the first encryption key of the metadata.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(metadata, parser)
    except etree.XMLSyntaxError as problem:
        raise Refusal("metadata", f"this is not XML: {problem}") from None
    acs = root.findall(f".//md:SPSSODescriptor/md:AssertionConsumerService[@Binding='{_POST}']", _NS)
    if not root.get("entityID") or not acs:
        raise Refusal("metadata", "the metadata names no entityID, or no assertion consumer service by HTTP-POST")
    acs.sort(key=lambda element: element.get("isDefault") != "true")
    encryption = _certificates(root, "encryption") if encrypts else ()
    if encrypts and not encryption:
        raise Refusal("metadata", "the metadata names no key to encrypt to")
    logout = root.find(f".//md:SPSSODescriptor/md:SingleLogoutService[@Binding='{_REDIRECT}']", _NS)
    return ServiceProvider(
        entity_id=str(root.get("entityID")),
        acs_urls=tuple(str(element.get("Location")) for element in acs),
        signing_certificates=_certificates(root, "signing"),
        encryption_certificate=encryption[0] if encryption else None,
        default_relay_state=default_relay_state,
        logout_url="" if logout is None else str(logout.get("Location")),
    )


def _certificates(root: etree._Element, use: str) -> tuple[str, ...]:
    found = []
    for descriptor in root.findall(".//md:SPSSODescriptor/md:KeyDescriptor", _NS):
        if descriptor.get("use", use) == use:
            found += [element.text or "" for element in descriptor.iterfind(".//ds:X509Certificate", _NS)]
    return tuple(_pem("".join(text.split())) for text in found)


def _pem(base64_der: str) -> str:
    armoured = f"-----BEGIN CERTIFICATE-----\n{base64_der}\n-----END CERTIFICATE-----\n"
    try:
        return x509.load_pem_x509_certificate(armoured.encode()).public_bytes(Encoding.PEM).decode()
    except ValueError as problem:
        raise Refusal("metadata", f"a certificate cannot be read: {problem}") from None
