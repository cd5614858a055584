"""SAML 2.0 Responses and IdP metadata as Entra ID, Okta and Google Workspace write them, signed and encrypted.

`SamlMessage` says what is told, `Signer` whose word it is; `form_value` gives the field of the form that a browser
posts. `unsigned_tree`, `sign` and `serialized` are its steps, apart, for tests that want to change something between
them. Signatures and encryption are made by libxmlsec.
"""

from federation_bridge.sandbox.identity_provider.saml_message.encryption import encrypt
from federation_bridge.sandbox.identity_provider.saml_message.message import SamlMessage
from federation_bridge.sandbox.identity_provider.saml_message.metadata import metadata_xml
from federation_bridge.sandbox.identity_provider.saml_message.names import (
    ASSERTION,
    BEARER,
    EMAIL_FORMAT,
    ENVELOPED,
    EXCLUSIVE,
    METADATA,
    PROTOCOL,
    RSA_SHA256,
    SHA256,
    SIGNATURE,
    SUCCESS,
    Encryption,
    KeyTransport,
    Signed,
    Style,
)
from federation_bridge.sandbox.identity_provider.saml_message.response import form_value, response_xml, serialized
from federation_bridge.sandbox.identity_provider.saml_message.signature import SignatureShape, sign, signature_template
from federation_bridge.sandbox.identity_provider.saml_message.signer import Signer, make_signer
from federation_bridge.sandbox.identity_provider.saml_message.tree import instant, unsigned_tree

__all__ = [
    "ASSERTION",
    "BEARER",
    "EMAIL_FORMAT",
    "ENVELOPED",
    "EXCLUSIVE",
    "METADATA",
    "PROTOCOL",
    "RSA_SHA256",
    "SHA256",
    "SIGNATURE",
    "SUCCESS",
    "Encryption",
    "KeyTransport",
    "SamlMessage",
    "SignatureShape",
    "Signed",
    "Signer",
    "Style",
    "encrypt",
    "form_value",
    "instant",
    "make_signer",
    "metadata_xml",
    "response_xml",
    "serialized",
    "sign",
    "signature_template",
    "unsigned_tree",
]
