"""AuthnRequests (SAML core 3.4.1): written by python3-saml with our ID and clock, always signed.

No RequestedAuthnContext: Entra ID refuses people whose live session was begun in another way than the one asked for.
"""

from __future__ import annotations

import base64
import zlib
from datetime import datetime
from typing import Any
from urllib.parse import quote

from lxml import etree
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from federation_bridge.connectors.saml.names import RSA_SHA256
from federation_bridge.connectors.saml.onelogin import at
from federation_bridge.model import Departure, SignIn
from federation_bridge.signing import SigningKey
from federation_bridge.signing.xml_signature import canonical, enveloped_signature

_SIG_ALG = quote(RSA_SHA256, safe="")

_WINDOW, _MEMORY = -12, 5
"""Raw deflate over 4 kB, more than a request is long: making room for zlib's usual 32 kB takes four times as long, and
whoever unpacks with the usual window unpacks this too."""


class _AuthnRequest(OneLogin_Saml2_Authn_Request):  # type: ignore[misc]
    def __init__(self, settings: OneLogin_Saml2_Settings, request_id: str, **options: Any) -> None:
        self._request_id = request_id
        super().__init__(settings, **options)

    def _generate_request_id(self) -> str:
        return self._request_id


def authn_request(
    settings: OneLogin_Saml2_Settings, sign_in: SignIn, now: datetime, *, force_authn: bool, names_format: bool
) -> str:
    """The AuthnRequest as XML, unsigned; its ID is `sign_in.request_id`."""
    with at(now):
        request = _AuthnRequest(settings, sign_in.request_id, force_authn=force_authn, set_nameid_policy=names_format)
    return str(request.get_xml())


def by_redirect(location: str, request: str, sign_in: SignIn, key: SigningKey) -> Departure:
    """The request in the address, signed over the very octets that are sent (SAML bindings 3.4.4.1)."""
    packed = zlib.compressobj(wbits=_WINDOW, memLevel=_MEMORY)
    deflated = packed.compress(request.encode()) + packed.flush()
    query = f"SAMLRequest={_quoted_base64(deflated)}&RelayState={quote(sign_in.handle, safe='')}&SigAlg={_SIG_ALG}"
    signature = key.sign(query.encode("ascii"))
    signed = f"{query}&Signature={_quoted_base64(signature)}"
    return Departure(f"{location}{'&' if '?' in location else '?'}{signed}")


def _quoted_base64(octets: bytes) -> str:
    # Only three of its characters mean something else in a query; `quote` would look at each of a thousand.
    text = base64.b64encode(octets).decode("ascii")
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def by_post(location: str, request: str, sign_in: SignIn, key: SigningKey) -> Departure:
    """The request in a form that posts itself, with a signature inside (SAML bindings 3.5)."""
    root = etree.fromstring(request.encode())
    signature = enveloped_signature(canonical(root), sign_in.request_id, key)
    # After the Issuer, as the schema wants it (SAML core 3.2.1).
    root.insert(1, signature)
    value = base64.b64encode(etree.tostring(root)).decode("ascii")
    return Departure(location, {"SAMLRequest": value, "RelayState": sign_in.handle})
