"""Names of SAML, XML Signature and XML Encryption, and the kinds of message that the sandbox writes."""

from __future__ import annotations

from typing import Any, Literal

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"
ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105 - a class of authentication
XMLENC_1_1 = "http://www.w3.org/2009/xmlenc11#"
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

Namespaces = Any
"""Prefix (None: the default namespace, which the library's type stubs do not know) to namespace."""

Style = Literal["entra", "okta", "google"]
Signed = Literal["assertion", "response", "both", "none"]
Encryption = Literal["aes256-gcm", "aes128-gcm", "aes256-cbc", "aes128-cbc"]
KeyTransport = Literal["oaep-mgf1p", "oaep-sha256-mgf1-sha1", "oaep-sha256-mgf1-sha256"]
