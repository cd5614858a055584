"""SAML's XML schema as python3-saml brings it, with the two elements of other namespaces that it demands and lacks.

XML Signature lets any element stand in CanonicalizationMethod, and XML Encryption in EncryptionMethod, if its schema is
known (`processContents` is "strict"). Without these two, whoever writes an InclusiveNamespaces or an MGF is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from xml.sax.saxutils import quoteattr

from lxml import etree
from onelogin.saml2 import xml_utils

from federation_bridge.connectors.saml.names import ENCRYPTION_11, EXCLUSIVE_C14N, PROTOCOL
from federation_bridge.shown_text import shown

MESSAGES = "saml-schema-protocol-2.0.xsd"
"""The library's name for the schema of Responses."""

_SCHEMAS = Path(xml_utils.__file__).with_name("schemas")
_BEGIN = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"'
_EXCLUSIVE_C14N_SCHEMA = f"""{_BEGIN} targetNamespace="{EXCLUSIVE_C14N}">
  <xs:element name="InclusiveNamespaces">
    <xs:complexType><xs:attribute name="PrefixList" type="xs:string"/></xs:complexType>
  </xs:element>
</xs:schema>"""
_ENCRYPTION_11_SCHEMA = f"""{_BEGIN} targetNamespace="{ENCRYPTION_11}">
  <xs:element name="MGF">
    <xs:complexType><xs:attribute name="Algorithm" type="xs:anyURI" use="required"/></xs:complexType>
  </xs:element>
</xs:schema>"""
_OURS = {"exclusive-c14n.xsd": _EXCLUSIVE_C14N_SCHEMA, "encryption-11.xsd": _ENCRYPTION_11_SCHEMA}
_TAG = re.compile(r"\{[^}]*\}")
_LONGEST_FINDING = 300


class _Ours(etree.Resolver):
    def resolve(self, system_url: str, public_id: str, context: Any = None) -> Any:  # noqa: ARG002 - lxml's arguments
        text = _OURS.get(system_url)
        return None if text is None else self.resolve_string(text, context, base_url=None)


def _compiled() -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Ours())
    imported = (
        (PROTOCOL, (_SCHEMAS / MESSAGES).as_uri()),
        (EXCLUSIVE_C14N, "exclusive-c14n.xsd"),
        (ENCRYPTION_11, "encryption-11.xsd"),
    )
    imports = "".join(f'<xs:import namespace="{one}" schemaLocation={quoteattr(where)}/>' for one, where in imported)
    return etree.XMLSchema(etree.fromstring(f"{_BEGIN}>{imports}</xs:schema>", parser))


@lru_cache(maxsize=1)
def compiled_schema() -> etree.XMLSchema:
    """The schema of messages, compiled once."""
    return _compiled()


def first_finding(document: etree._Element) -> str:
    """What the schema has against this document, in its words without namespaces; "" where it is valid."""
    # Compiled for this one question: all threads share the error log of the schema that is kept.
    schema = _compiled()
    schema.validate(document)
    findings = cast("Iterable[Any]", schema.error_log)
    return next((shown(_TAG.sub("", str(error.message))[:_LONGEST_FINDING], "?") for error in findings), "")
