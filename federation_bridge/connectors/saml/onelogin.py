"""python3-saml as we use it: settings for one connection; its XSD, XPaths and certificates read once; its clock ours.

What is replaced (`validate_xml`, `query`, `_parse_etree`, `element_text`, `parse_SAML_to_time`, `now`, `xmlsec`)
belongs to the pinned version; a test holds it. Each gives what the original gives for the same arguments, but for two
things: instants keep their fraction, and the XSD knows two elements more (`xml_schema.py`). Which checks are made, and
in which order, stays the library's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from lxml import etree
from onelogin.saml2 import utils, xmlparser
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from federation_bridge.connectors.saml.xml_schema import MESSAGES, compiled_schema

_NOW: ContextVar[float] = ContextVar("saml_now")


@lru_cache(maxsize=128)
def _compiled_path(expression: str) -> etree.XPath:
    return etree.XPath(expression, namespaces=OneLogin_Saml2_Constants.NSMAP)


class _Key(xmlsec.Key):  # type: ignore[misc]  # xmlsec ships no types
    @staticmethod
    def from_memory(data: str | bytes, form: Any, password: str | None = None) -> xmlsec.Key:
        # A signature context takes a copy of the key, so that one serves all threads. Private keys are not kept:
        # signing puts a certificate into them.
        if form == xmlsec.KeyFormat.CERT_PEM:
            return _certificate(data)
        return xmlsec.Key.from_memory(data, form, password)


@lru_cache(maxsize=64)
def _certificate(pem: str | bytes) -> xmlsec.Key:
    # Its key alone, which is all that the library verifies with: each context would copy the certificate with it, and
    # that takes a quarter of the time of verifying.
    text = pem.encode("ascii") if isinstance(pem, str) else pem
    key = x509.load_pem_x509_certificate(text).public_key()
    public = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return xmlsec.Key.from_memory(public, xmlsec.KeyFormat.PEM, None)


def _validate_xml(document: etree._Element, schema: str, _: bool = False) -> etree._Element | str:
    if schema != MESSAGES:
        raise OneLogin_Saml2_Error("only messages are asked about", OneLogin_Saml2_Error.SETTINGS_INVALID)
    return document if compiled_schema().validate(document) else "invalid_xml"


def _query(
    document: etree._Element, expression: str, context: etree._Element | None = None, tagid: str | None = None
) -> Any:
    variables = {} if tagid is None else {"tagid": tagid}
    return _compiled_path(expression)(document if context is None else context, **variables)


def _parse(text: bytes, *, forbid_dtd: bool, forbid_entities: bool) -> etree._Element:
    # Its elements pass each walk over children through a filter in Python that leaves out comments, processing
    # instructions and entities. Its own parser drops the first two, and entities need a DOCTYPE, which it forbids.
    if not (forbid_dtd and forbid_entities):
        raise OneLogin_Saml2_Error("a document type is never allowed", OneLogin_Saml2_Error.SETTINGS_INVALID)
    root = etree.fromstring(text, etree.XMLParser(**xmlparser.GlobalParserTLS.parser_config))
    xmlparser.check_docinfo(root.getroottree(), forbid_dtd=True, forbid_entities=True)
    return root


def _element_text(node: etree._Element) -> str | None:
    # Nearly all have nothing but text, and from a hundred groups nothing need be stripped. A comment is a child, too.
    if len(node):
        etree.strip_tags(node, etree.Comment)
    return node.text


OneLogin_Saml2_XML._parse_etree = staticmethod(_parse)  # noqa: SLF001 - see above: the version is pinned
_its_own_parser = OneLogin_Saml2_Utils.parse_SAML_to_time
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")


@lru_cache(maxsize=64)
def _parse_instant(text: str) -> float:
    # It drops the fraction, and so ends a message up to a second before our stages do: an alarm about nothing. Its
    # strptime takes six times as long, too, and it asks of one instant several times.
    if not _INSTANT.fullmatch(text):
        return float(_its_own_parser(text))
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return float(_its_own_parser(text))


OneLogin_Saml2_Utils.parse_SAML_to_time = staticmethod(_parse_instant)
OneLogin_Saml2_XML.validate_xml = staticmethod(_validate_xml)
OneLogin_Saml2_XML.query = staticmethod(_query)
_its_own_text = OneLogin_Saml2_XML.element_text
OneLogin_Saml2_XML.element_text = staticmethod(_element_text)
utils.xmlsec = SimpleNamespace(**{**vars(xmlsec), "Key": _Key})
OneLogin_Saml2_Utils.now = staticmethod(_NOW.get)


@contextmanager
def at(now: datetime) -> Iterator[None]:
    """Within this block the library takes `now` for the present."""
    token = _NOW.set(now.timestamp())
    try:
        yield
    finally:
        _NOW.reset(token)


@dataclass(frozen=True, slots=True)
class Parties:
    """Who speaks with whom on one connection."""

    entity_id: str
    acs_url: str
    idp_entity_id: str
    sign_on_url: str
    certificates_b64: tuple[str, ...]
    name_id_format: str | None = None


def onelogin_settings(parties: Parties, *, is_for_writing: bool = False) -> OneLogin_Saml2_Settings:
    """The library's settings object, without any private key; costs about a millisecond, so make it once.

    `is_for_writing`: its templates put the values into XML as they are, so they are escaped here.
    """
    written = escape if is_for_writing else str
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {
                "entityId": written(parties.entity_id),
                "assertionConsumerService": {"url": written(parties.acs_url)},
                "NameIDFormat": written(parties.name_id_format or ""),
            },
            "idp": {
                "entityId": written(parties.idp_entity_id),
                "singleSignOnService": {"url": written(parties.sign_on_url)},
                "x509certMulti": {"signing": list(parties.certificates_b64)},
            },
            "security": {
                "requestedAuthnContext": False,
                "wantAttributeStatement": False,
                "wantNameId": False,
                "rejectDeprecatedAlgorithm": True,
                "allowSingleLabelDomains": True,
                "allowRepeatAttributeName": True,
            },
        },
        sp_validation_only=False,
    )


def request_data(acs_url: str) -> dict[str, Any]:
    """How the library wants to be told at which address of ours the message arrived: from settings, never a header."""
    parts = urlsplit(acs_url)
    return {"https": "on" if parts.scheme == "https" else "off", "http_host": parts.netloc, "script_name": parts.path}
