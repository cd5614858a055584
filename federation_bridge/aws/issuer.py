"""What we publish so that AWS can check what we sign: SAML metadata for IAM, discovery and JWKS for OIDC providers."""

from __future__ import annotations

from lxml import etree

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import JsonObject
from federation_bridge.signing import KeyRing, Purpose

_MD = "urn:oasis:names:tc:SAML:2.0:metadata"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_SHORTEST = 1000  # CreateSAMLProvider, SAMLMetadataDocument


def saml_metadata(keys: KeyRing, entity_id: str, base_url: str) -> bytes:
    """The document for IAM's CreateSAMLProvider (SAML metadata 2.4.3): UTF-8 without a byte order mark, every key that
    AWS should believe, the signing one first.
    """
    entity = etree.Element(f"{{{_MD}}}EntityDescriptor", nsmap={"md": _MD, "ds": _DS})
    entity.set("entityID", entity_id)
    descriptor = _add(entity, "IDPSSODescriptor", protocolSupportEnumeration=_PROTOCOL, WantAuthnRequestsSigned="false")
    for key in keys.all(Purpose.AWS_SAML):
        key_info = etree.SubElement(_add(descriptor, "KeyDescriptor", use="signing"), f"{{{_DS}}}KeyInfo")
        data = etree.SubElement(key_info, f"{{{_DS}}}X509Data")
        etree.SubElement(data, f"{{{_DS}}}X509Certificate").text = key.certificate_b64
    _add(descriptor, "NameIDFormat").text = _PERSISTENT
    _add(descriptor, "SingleSignOnService", Binding=_REDIRECT, Location=f"{base_url}/")
    organization = _add(entity, "Organization")
    for name, text in (
        ("OrganizationName", "Federation Bridge"),
        ("OrganizationDisplayName", "Federation Bridge"),
        ("OrganizationURL", base_url),
    ):
        element = _add(organization, name)
        element.text = text
        element.set(_XML_LANG, "en")
    document = etree.tostring(entity, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    if len(document) < _SHORTEST:
        raise ConfigurationInvalid(f"the metadata has {len(document)} characters; IAM wants {_SHORTEST} at least")
    return document


def openid_configuration(issuer: str) -> JsonObject:
    """The discovery document (OpenID Connect Discovery 3), with what IAM demands and nothing that we do not offer."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer.rstrip('/')}/.well-known/jwks.json",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["aud", "exp", "iat", "iss", "jti", "sub"],
    }


def jwks(keys: KeyRing) -> JsonObject:
    """The JWK Set (RFC 7517) for OIDC providers: public members only, the signing key first."""
    return {"keys": [key.public_jwk() for key in keys.all(Purpose.AWS_OIDC)]}


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{_MD}}}{name}", attributes)
