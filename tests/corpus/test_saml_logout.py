"""Published messages of single logout: none is believed as it lies there, and signed anew each gets what it deserves.

Their labels come from file names. Nearly none is signed, which alone refuses it here (attack G09). So each is read once
more with a signature of its provider: then everything else about it decides.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from lxml import etree
from saml_factories import connector, idp_signer

from corpus.published import Case, cases
from federation_bridge.connectors.saml.logout import Ours, SamlLogout, request_id_of
from federation_bridge.errors import SignInRejected
from federation_bridge.model import Callback
from federation_bridge.sandbox.identity_provider import saml_message as made

pytestmark = pytest.mark.corpus
REQUESTS, RESPONSES = cases("logout_request"), cases("logout_response")
_FORM = "application/x-www-form-urlencoded"
_SAML, _SIGNATURE = "{urn:oasis:names:tc:SAML:2.0:assertion}", "{http://www.w3.org/2000/09/xmldsig#}Signature"
_IDP = "http://idp.example.com/"

_STRICTER = {
    "encrypted_name": "an encrypted NameID is refused: a session is found by the name that it was begun with",
    "no_nameid": "a request without a NameID names nobody",
    "/logout_request__logout_requests__slo_request": "an instant without Z is none of SAML (core 1.3.3)",
}
"""Accepted by their label, and refused by us on purpose; by a part of the case's name."""
_OTHER_ISSUER = "logout_response__invalids__invalid_issuer"
"""Entra ID names another issuer than its entityID in answers; whose they are says the key, and nothing ends by them."""
_LACKED_A_SIGNATURE = "with_bad_signature"
"""Refused by its label for its signature alone, in place of which it gets a good one."""


def _logout(case: Case, issuer: str, at: datetime) -> SamlLogout:
    """Single logout with the provider of this message, at its address and time."""
    metadata = made.metadata_xml(issuer, "https://idp.example.test/sso", [idp_signer()])
    found = connector(metadata=metadata, now=at).logout
    found.ours = Ours(found.ours.entity_id, case.told["fields"]["Destination"] or "")
    return found


def _field(case: Case) -> str:
    return "SAMLRequest" if case.told["kind"] == "logout_request" else "SAMLResponse"


def _read(logout: SamlLogout, case: Case, callback: Callback) -> None:
    if case.told["kind"] == "logout_request":
        logout.asked(callback)
    else:
        logout.check_answered(callback, case.told["fields"]["InResponseTo"] or "")


def _posted(field: str, document: bytes) -> Callback:
    return Callback("POST", (), ((field, base64.b64encode(document).decode()),), _FORM)


def _redirected(field: str, document: bytes) -> Callback:
    packed = zlib.compressobj(wbits=-15)
    value = base64.b64encode(packed.compress(document) + packed.flush())
    query = f"{field}={quote(value, safe='')}".encode()
    return Callback("GET", ((field, value.decode()),), (), raw_query=query)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(f"{text.removesuffix('Z')}+00:00")


def _issued(case: Case) -> datetime:
    return _instant(case.told["fields"]["IssueInstant"])


@pytest.mark.parametrize("case", [*REQUESTS, *RESPONSES], ids=lambda case: case.id)
@pytest.mark.parametrize("sent", [_posted, _redirected], ids=["posted", "redirected"])
def test_none_is_believed_as_it_lies_there(case: Case, sent: Callable[[str, bytes], Callback]) -> None:
    logout = _logout(case, _IDP, _issued(case))
    with pytest.raises(SignInRejected):
        _read(logout, case, sent(_field(case), case.document()))


def _signed(case: Case) -> bytes:
    """The message with a signature of its provider, and as the answer to a request of ours, where it is one."""
    root = etree.fromstring(case.document())
    for old in root.findall(_SIGNATURE):
        root.remove(old)
    if "InResponseTo" in root.attrib:
        root.set("InResponseTo", request_id_of(str(root.attrib["InResponseTo"])))
    made.sign(root, idp_signer())
    return etree.tostring(root)


def _read_at(case: Case) -> datetime:
    """A moment after it was issued; where its end is what is wrong with it, a while after that."""
    end = case.told["fields"]["NotOnOrAfter"]
    return _instant(end) + timedelta(minutes=5) if "bad_expiration" in case.id else _issued(case) + timedelta(seconds=1)


@pytest.mark.parametrize("case", [*REQUESTS, *RESPONSES], ids=lambda case: case.id)
def test_signed_anew_each_gets_what_it_deserves(
    case: Case, remark: Callable[[str, str], None], dispute: Callable[[str, str], None]
) -> None:
    issuer = etree.fromstring(case.document()).findtext(f"{_SAML}Issuer") or ""
    logout = _logout(case, _IDP if "invalid_issuer" in case.id else issuer, _read_at(case))
    callback = _posted(_field(case), _signed(case))
    label = "accept" if _LACKED_A_SIGNATURE in case.id or _OTHER_ISSUER in case.id else case.told["expected"]
    reason = next((why for name, why in _STRICTER.items() if name in case.id.lower()), "")
    if label == "accept" and not reason:
        _read(logout, case, callback)
        if _OTHER_ISSUER in case.id:
            dispute(case.id, "accepted on purpose: an answer's issuer is not compared, its key is")
        return
    with pytest.raises(SignInRejected):
        _read(logout, case, callback)
    if label == "accept":
        remark(case.id, reason)
