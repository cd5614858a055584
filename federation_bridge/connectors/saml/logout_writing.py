"""Our own messages of single logout (SAML core 3.7), always signed, by redirect or by POST."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from federation_bridge.connectors.saml import names
from federation_bridge.connectors.saml.assertion import NameId
from federation_bridge.connectors.saml.names import saml, samlp
from federation_bridge.connectors.saml.redirect_binding import signed_address
from federation_bridge.model import Departure
from federation_bridge.signing import SigningKey
from federation_bridge.signing.xml_signature import canonical, enveloped_signature


@dataclass(frozen=True, slots=True)
class Written:
    """What every message has."""

    id: str
    issuer: str
    destination: str
    at: datetime


def logout_request(written: Written, name_id: NameId, session_index: str) -> etree._Element:
    """A LogoutRequest about this session, or about every one of this person where the index is empty."""
    request = _message("LogoutRequest", written)
    named = etree.SubElement(request, saml("NameID"))
    named.text = name_id.text
    for name, value in (
        ("Format", name_id.format),
        ("NameQualifier", name_id.name_qualifier),
        ("SPNameQualifier", name_id.sp_name_qualifier),
    ):
        if value:
            named.set(name, value)
    if session_index:
        etree.SubElement(request, samlp("SessionIndex")).text = session_index
    return request


def logout_response(written: Written, in_response_to: str) -> etree._Element:
    """A LogoutResponse that says that it is done; nobody unknown is told from somebody known."""
    response = _message("LogoutResponse", written)
    response.set("InResponseTo", in_response_to)
    etree.SubElement(etree.SubElement(response, samlp("Status")), samlp("StatusCode"), Value=names.SUCCESS)
    return response


def sent(
    message: etree._Element, field: str, binding: str, location: str, relay_state: str, key: SigningKey
) -> Departure:
    """The way there with this message; `field`: SAMLRequest or SAMLResponse."""
    if binding == names.REDIRECT_BINDING:
        text = etree.tostring(message, encoding="unicode")
        return Departure(signed_address(location, field, text, relay_state, key))
    signature = enveloped_signature(canonical(message), str(message.get("ID")), key)
    message.insert(1, signature)
    form = {field: base64.b64encode(etree.tostring(message)).decode("ascii")}
    return Departure(location, {**form, **({"RelayState": relay_state} if relay_state else {})})


def _message(name: str, written: Written) -> etree._Element:
    message = etree.Element(samlp(name), nsmap={"samlp": names.PROTOCOL, "saml": names.ASSERTION})
    message.set("ID", written.id)
    message.set("Version", "2.0")
    message.set("IssueInstant", written.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    message.set("Destination", written.destination)
    etree.SubElement(message, saml("Issuer")).text = written.issuer
    return message
