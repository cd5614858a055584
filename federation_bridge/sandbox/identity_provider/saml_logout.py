"""Single logout, the provider's side (SAML profiles 4.4): LogoutRequests to applications, and answers to theirs."""

from __future__ import annotations

import base64
import zlib
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from federation_bridge.sandbox.directory import Person
from federation_bridge.sandbox.identity_provider.applications import ServiceProvider
from federation_bridge.sandbox.identity_provider.authn_request import LogoutRequest
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.saml_message import ASSERTION, PROTOCOL, RSA_SHA256, Signer, instant
from federation_bridge.sandbox.identity_provider.styles import saml_answer

_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


def logout_request_address(provider: IdentityProvider, application: ServiceProvider, person: Person) -> str:
    """The address of the application with a signed LogoutRequest about every session of this person."""
    told = saml_answer(provider.style, person)
    request = logout_request(
        id="_" + provider.randomness(16).hex(),
        issuer=provider.entity_id,
        destination=application.logout_url,
        at=instant(provider.clock()),
        name_id=told.name_id,
    )
    return signed_address(application.logout_url, "SAMLRequest", request, provider.signer)


def logout_response_address(provider: IdentityProvider, asked: LogoutRequest) -> str:
    """The way back to the application, with a signed LogoutResponse."""
    url = asked.service_provider.logout_url
    response = _message("LogoutResponse", "_" + provider.randomness(16).hex(), provider.entity_id, url)
    response.set("IssueInstant", instant(provider.clock()))
    response.set("InResponseTo", asked.id)
    status = etree.SubElement(response, f"{{{PROTOCOL}}}Status")
    etree.SubElement(status, f"{{{PROTOCOL}}}StatusCode", Value=_SUCCESS)
    return signed_address(url, "SAMLResponse", response, provider.signer, relay_state=asked.relay_state)


def logout_request(*, id: str, issuer: str, destination: str, at: str, name_id: str, **more: Any) -> etree._Element:  # noqa: A002 - the attribute's own name
    """A LogoutRequest; `more`: `session_indexes`, and attributes such as `NotOnOrAfter`."""
    request = _message("LogoutRequest", id, issuer, destination)
    request.set("IssueInstant", at)
    indexes = more.pop("session_indexes", ())
    name = etree.SubElement(request, f"{{{ASSERTION}}}NameID")
    name.text = name_id
    for qualifier in ("NameQualifier", "SPNameQualifier", "Format"):
        if qualifier in more:
            name.set(qualifier, more.pop(qualifier))
    for index in indexes:
        etree.SubElement(request, f"{{{PROTOCOL}}}SessionIndex").text = index
    for attribute, value in more.items():
        request.set(attribute, value)
    return request


def signed_address(
    url: str, field: str, message: etree._Element, signer: Signer, *, relay_state: str = "", algorithm: str = RSA_SHA256
) -> str:
    """The address with this message, signed over its query (SAML bindings 3.4.4.1)."""
    packer = zlib.compressobj(wbits=-15)
    deflated = packer.compress(etree.tostring(message)) + packer.flush()
    fields = {field: base64.b64encode(deflated).decode()}
    fields |= {"RelayState": relay_state} if relay_state else {}
    query = urlencode(fields | {"SigAlg": algorithm})
    key = load_pem_private_key(signer.private_pem, None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("an identity provider of the sandbox signs by RSA")
    signature = key.sign(query.encode(), PKCS1v15(), SHA256())
    return f"{url}?{query}&{urlencode({'Signature': base64.b64encode(signature).decode()})}"


def _message(name: str, message_id: str, issuer: str, destination: str) -> etree._Element:
    message = etree.Element(f"{{{PROTOCOL}}}{name}", nsmap={"samlp": PROTOCOL, "saml": ASSERTION})
    for attribute, value in (("ID", message_id), ("Version", "2.0"), ("Destination", destination)):
        message.set(attribute, value)
    etree.SubElement(message, f"{{{ASSERTION}}}Issuer").text = issuer
    return message
