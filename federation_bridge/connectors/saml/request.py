"""AuthnRequests (SAML core 3.4.1): written by python3-saml with our ID and clock, always signed.

RequestedAuthnContext stands only in one that asks for a method by name, and never without ForceAuthn: Entra ID refuses
people whose live session was begun in another way than the one asked for.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from datetime import datetime
from typing import Any

from lxml import etree
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from federation_bridge.connectors.saml.names import saml, samlp
from federation_bridge.connectors.saml.onelogin import at
from federation_bridge.connectors.saml.redirect_binding import signed_address
from federation_bridge.model import Departure, SignIn
from federation_bridge.signing import SigningKey
from federation_bridge.signing.xml_signature import canonical, enveloped_signature


class _AuthnRequest(OneLogin_Saml2_Authn_Request):  # type: ignore[misc] # it has no types
    def __init__(self, settings: OneLogin_Saml2_Settings, request_id: str, **options: Any) -> None:
        self._request_id = request_id
        super().__init__(settings, **options)

    def _generate_request_id(self) -> str:
        return self._request_id


def authn_request(
    settings: OneLogin_Saml2_Settings,
    sign_in: SignIn,
    now: datetime,
    *,
    force_authn: bool,
    names_format: bool,
    contexts: Collection[str] = (),
) -> str:
    """The AuthnRequest as XML, unsigned; its ID is `sign_in.request_id`. `contexts`: AuthnContextClassRefs."""
    with at(now):
        # Never both: that could not be answered (SAML core 3.4.1).
        is_passive = sign_in.silent and not force_authn
        asked = {"force_authn": force_authn, "is_passive": is_passive, "set_nameid_policy": names_format}
        request = _AuthnRequest(settings, sign_in.request_id, **asked)
    xml = str(request.get_xml())
    return _asking_for(contexts, xml) if contexts else xml


def _asking_for(contexts: Collection[str], request: str) -> str:
    """The request with RequestedAuthnContext at its end, where the schema has it (SAML core 3.3.2.2.1).

    `exact`: any one of these and no other. `better` and `minimum` need an order that each provider makes for itself.
    """
    root = etree.fromstring(request.encode())
    requested = etree.SubElement(root, samlp("RequestedAuthnContext"), Comparison="exact")
    for context in contexts:
        etree.SubElement(requested, saml("AuthnContextClassRef")).text = context
    return etree.tostring(root, encoding="unicode")


def by_redirect(location: str, request: str, sign_in: SignIn, key: SigningKey) -> Departure:
    """The request in the address, signed over the very octets that are sent (SAML bindings 3.4.4.1)."""
    return Departure(signed_address(location, "SAMLRequest", request, sign_in.handle, key))


def by_post(location: str, request: str, sign_in: SignIn, key: SigningKey) -> Departure:
    """The request in a form that posts itself, with a signature inside (SAML bindings 3.5)."""
    root = etree.fromstring(request.encode())
    signature = enveloped_signature(canonical(root), sign_in.request_id, key)
    # After the Issuer, as the schema wants it (SAML core 3.2.1).
    root.insert(1, signature)
    value = base64.b64encode(etree.tostring(root)).decode("ascii")
    return Departure(location, {"SAMLRequest": value, "RelayState": sign_in.handle})
