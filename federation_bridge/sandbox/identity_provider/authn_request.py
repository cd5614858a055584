"""Reads an AuthnRequest and believes it only when a registered service provider's key signed it.

SAML core 3.4.1 (the message), bindings 3.4.4.1 (signature over the query string) and 3.5 (POST, enveloped signature).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from federation_bridge.sandbox.identity_provider.applications import ServiceProvider
from federation_bridge.sandbox.identity_provider.refusals import Refusal

_SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_RSA_SHA256 = b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_MOST_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class AuthnRequest:
    """A request to sign somebody in, from a service provider that was recognised by its signature."""

    id: str
    service_provider: ServiceProvider
    acs_url: str
    relay_state: str
    force_authn: bool
    is_passive: bool
    name_id_format: str | None
    contexts: tuple[str, ...] = ()
    """AuthnContextClassRefs of its RequestedAuthnContext, by Comparison `exact`."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A request to end somebody's session here, from a service provider that was recognised by its signature."""

    id: str
    service_provider: ServiceProvider
    name_id: str
    relay_state: str


class UnregisteredAcs(Refusal):
    """The request asks for an answer at an address that is not registered; it is never sent there."""

    def __init__(self, asked: str, service_provider: ServiceProvider) -> None:
        super().__init__("acs", f"the address {asked} is not registered for {service_provider.entity_id}")
        self.service_provider = service_provider


def from_redirect(query: bytes, destination: str, registered: Mapping[str, ServiceProvider]) -> AuthnRequest:
    """The request in a raw query string; Refusal says why it is not taken."""
    parts = _raw_parts(query)
    deflated = _decoded(unquote_to_bytes(parts.get(b"SAMLRequest", b"")))
    root = _root(_inflated(deflated))
    sender = _sender(root, registered)
    if sender.signing_certificates:
        _verify_query(parts, sender)
    return _request(root, sender, destination, _text(parts.get(b"RelayState", b"")))


def logout_from_redirect(query: bytes, registered: Mapping[str, ServiceProvider]) -> LogoutRequest:
    """The LogoutRequest in a raw query string, which must be signed; Refusal says why it is not taken."""
    parts = _raw_parts(query)
    root = _root(_inflated(_decoded(unquote_to_bytes(parts.get(b"SAMLRequest", b"")))), "LogoutRequest")
    sender = _sender(root, registered)
    _verify_query(parts, sender)
    named = (root.findtext(f"{_SAML}NameID") or "").strip()
    return LogoutRequest(str(root.get("ID")), sender, named, _text(parts.get(b"RelayState", b"")))


def from_post(form: Mapping[str, str], destination: str, registered: Mapping[str, ServiceProvider]) -> AuthnRequest:
    """The request in the fields of a form; Refusal says why it is not taken."""
    root = _root(_decoded(form.get("SAMLRequest", "").encode()))
    sender = _sender(root, registered)
    if sender.signing_certificates:
        root = _verified(root, sender)
    return _request(root, sender, destination, form.get("RelayState", ""))


def _raw_parts(query: bytes) -> dict[bytes, bytes]:
    # The signature covers the octets as they were sent, so nothing may be decoded and encoded again on the way.
    pairs = [part.partition(b"=")[::2] for part in query.split(b"&") if part]
    if len({name for name, _ in pairs}) != len(pairs):
        raise Refusal("request", "a parameter occurs twice")
    return dict(pairs)


def _text(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "replace")


def _decoded(text: bytes) -> bytes:
    if not text or len(text) > _MOST_BYTES:
        raise Refusal("request", "there is no SAMLRequest here")
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        raise Refusal("request", "the SAMLRequest is not base64") from None


def _inflated(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(deflated, _MOST_BYTES)
    except zlib.error:
        raise Refusal("request", "the SAMLRequest is not deflated") from None
    if not inflater.eof:
        raise Refusal("request", "the SAMLRequest is too long or cut off")
    return inflated


def _root(xml: bytes, name: str = "AuthnRequest") -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise Refusal("request", f"the SAMLRequest is not XML: {problem}") from None
    if root.getroottree().docinfo.internalDTD is not None or root.tag != f"{_SAMLP}{name}":
        raise Refusal("request", f"the SAMLRequest holds no {name}")
    return root


def _sender(root: etree._Element, registered: Mapping[str, ServiceProvider]) -> ServiceProvider:
    issuer = (root.findtext(f"{_SAML}Issuer") or "").strip()
    if issuer not in registered:
        raise Refusal("issuer", f"no application is registered with the entityID {issuer or '(none)'}", 403)
    return registered[issuer]


def _verify_query(parts: Mapping[bytes, bytes], sender: ServiceProvider) -> None:
    if b"Signature" not in parts:
        raise Refusal("signature", "the request is not signed")
    if unquote_to_bytes(parts.get(b"SigAlg", b"")) != _RSA_SHA256:
        raise Refusal("signature", "the request is not signed with RSA-SHA256")
    covered = [name for name in (b"SAMLRequest", b"RelayState", b"SigAlg") if name in parts]
    octets = b"&".join(name + b"=" + parts[name] for name in covered)
    signature = _decoded(unquote_to_bytes(parts[b"Signature"]))
    for certificate in sender.signing_certificates:
        key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        if isinstance(key, RSAPublicKey) and _is_signed(key, signature, octets):
            return
    raise Refusal("signature", "no registered key made the signature of the request")


def _is_signed(key: RSAPublicKey, signature: bytes, octets: bytes) -> bool:
    try:
        key.verify(signature, octets, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _verified(root: etree._Element, sender: ServiceProvider) -> etree._Element:
    config = SignatureConfiguration(location="./", expect_references=1)
    for certificate in sender.signing_certificates:
        try:
            result = XMLVerifier().verify(root, x509_cert=certificate, id_attribute="ID", expect_config=config)
        except (SignXMLException, ValueError):
            continue
        signed = result[0].signed_xml if isinstance(result, list) else result.signed_xml
        if signed is not None and signed.tag == root.tag:
            return signed
    raise Refusal("signature", "no registered key made the signature of the request")


def _request(root: etree._Element, sender: ServiceProvider, destination: str, relay_state: str) -> AuthnRequest:
    if root.get("Destination", destination) != destination:
        raise Refusal("destination", f"the request is for {root.get('Destination')}, not for {destination}")
    if root.get("ProtocolBinding", _POST) != _POST:
        raise Refusal("binding", "answers go out by HTTP-POST only")
    if not root.get("ID") or root.get("Version") != "2.0":
        raise Refusal("request", "the AuthnRequest has no ID, or is not of version 2.0")
    acs_url = root.get("AssertionConsumerServiceURL", sender.acs_urls[0])
    if acs_url not in sender.acs_urls:
        raise UnregisteredAcs(acs_url, sender)
    policy, requested = root.find(f"{_SAMLP}NameIDPolicy"), root.find(f"{_SAMLP}RequestedAuthnContext")
    if requested is not None and requested.get("Comparison", "exact") != "exact":
        raise Refusal("authn_context", "Comparison has to be exact")
    return AuthnRequest(
        id=str(root.get("ID")),
        service_provider=sender,
        acs_url=acs_url,
        relay_state=relay_state,
        force_authn=root.get("ForceAuthn") in ("true", "1"),
        is_passive=root.get("IsPassive") in ("true", "1"),
        name_id_format=None if policy is None else policy.get("Format"),
        contexts=() if requested is None else tuple(one.text or "" for one in requested),
    )
