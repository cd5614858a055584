"""A Response as it is posted: signed, encrypted, in the bytes of its style."""

from __future__ import annotations

import base64

from lxml import etree

from federation_bridge.sandbox.identity_provider.saml_message.encryption import encrypt
from federation_bridge.sandbox.identity_provider.saml_message.message import SamlMessage
from federation_bridge.sandbox.identity_provider.saml_message.names import ASSERTION, Style
from federation_bridge.sandbox.identity_provider.saml_message.signature import sign
from federation_bridge.sandbox.identity_provider.saml_message.signer import Signer
from federation_bridge.sandbox.identity_provider.saml_message.tree import unsigned_tree


def form_value(message: SamlMessage, signer: Signer) -> str:
    """Value of the form's field `SAMLResponse`: base64 of the signed (and, where asked for, encrypted) Response."""
    return base64.b64encode(response_xml(message, signer)).decode("ascii")


def response_xml(message: SamlMessage, signer: Signer) -> bytes:
    """The Response's bytes, UTF-8, signed as `message.signed` says, the assertion encrypted where asked for."""
    response = unsigned_tree(message)
    assertion = response.find(f"{{{ASSERTION}}}Assertion")
    if assertion is not None:
        if message.signed in ("assertion", "both"):
            sign(assertion, signer, message.style)
        if message.encrypt_to is not None:
            encrypt(assertion, message.encrypt_to, message.encryption)
    if message.signed in ("response", "both"):
        sign(response, signer, message.style)
    return serialized(response, message.style)


def serialized(tree: etree._Element, style: Style = "entra") -> bytes:
    """The tree's bytes, UTF-8; Okta and Google begin with an XML declaration."""
    body = etree.tostring(tree, encoding="utf-8", xml_declaration=False)
    return body if style == "entra" else b'<?xml version="1.0" encoding="UTF-8"?>' + body
