"""Base64 in XML and forms, in one spelling only: XML's own blanks are left out, every bit means something.

A lenient reader takes Unicode blanks and spare bits, a strict one does not: then one message is two, and whoever can
write outside of what is signed (a SignatureValue, a KeyInfo) sets off the alarm for disagreeing verifiers at will.
"""

from __future__ import annotations

import base64
import binascii

_XML_BLANKS = str.maketrans("", "", " \t\r\n")


def octets_of(text: str) -> bytes:
    """The octets of this base64 text (RFC 4648 section 4 and 3.5); ValueError where it is not written canonically."""
    compact = text.translate(_XML_BLANKS)
    try:
        octets = base64.b64decode(compact.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("not base64") from None
    if base64.b64encode(octets).decode("ascii") != compact:
        raise ValueError("base64 with spare bits")
    return octets


def is_xml_blank(text: str | None) -> bool:
    """Whether there is nothing but what XML 1.0 calls white space (2.3): no other blank of Unicode."""
    return not (text or "").strip(" \t\r\n")
