"""Where we are stricter than SAML, and what we do not check: each row of docs/saml.md, by a message that tries it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree
from saml_factories import ACS, arrive, changed, connector, honest, posted, saml, samlp, sign_in

from federation_bridge.errors import SignInRejected, VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

DOCUMENT = Path(__file__).parents[3] / "docs" / "saml.md"
Change = Callable[[etree._Element], None]
A = saml("Assertion")
SUBJECT, CONDITIONS = f"{A}/{saml('Subject')}", f"{A}/{saml('Conditions')}"
CONFIRMATION = f"{SUBJECT}/{saml('SubjectConfirmation')}"
DATA = f"{CONFIRMATION}/{saml('SubjectConfirmationData')}"
AUTHN, ATTRIBUTES = f"{A}/{saml('AuthnStatement')}", f"{A}/{saml('AttributeStatement')}"
CONTEXT = f"{AUTHN}/{saml('AuthnContext')}"


def _found(response: etree._Element, path: str) -> etree._Element:
    element = response if path == "." else response.find(path)
    assert element is not None, path
    return element


def _set(path: str, **values: str | None) -> Change:
    def change(response: etree._Element) -> None:
        for name, value in values.items():
            if value is None:
                _found(response, path).attrib.pop(name)
            else:
                _found(response, path).set(name, value)

    return change


def _put(path: str, xml: str, at: int = -1) -> Change:
    wrapped = f'<x xmlns:s="{made.ASSERTION}" xmlns:p="{made.PROTOCOL}">{xml}</x>'

    def change(response: etree._Element) -> None:
        parent = _found(response, path)
        parent.insert(len(parent) if at < 0 else at, etree.fromstring(wrapped)[0])

    return change


def _again(path: str) -> Change:
    def change(response: etree._Element) -> None:
        element = _found(response, path)
        element.addnext(etree.fromstring(etree.tostring(element)))

    return change


_STATEMENT = '<s:AttributeStatement><s:Attribute Name="groups"/></s:AttributeStatement>'

STRICTER: dict[str, Change] = {
    "Offsets in instants": _set(AUTHN, AuthnInstant="2026-01-15T12:00:00+00:00"),
    "Identifiers": _set(A, ID="_ä"),
    "`NameQualifier`, `SPNameQualifier`": _set(f"{SUBJECT}/{saml('NameID')}", NameQualifier="urn:other"),
    "`EncryptedID`, `EncryptedAttribute`": _put(ATTRIBUTES, "<s:EncryptedAttribute/>"),
    "Subject without NameID": lambda response: _found(response, SUBJECT).remove(
        _found(response, f"{SUBJECT}/{saml('NameID')}")
    ),
    "Conditions without NotOnOrAfter": _set(CONDITIONS, NotOnOrAfter=None),
    "`ProxyRestriction` with audiences": _put(
        CONDITIONS, "<s:ProxyRestriction><s:Audience>urn:other</s:Audience></s:ProxyRestriction>"
    ),
    "Advice": _put(A, "<s:Advice/>", at=4),
    "Several AuthnStatements": _again(AUTHN),
    "`AuthnContextDecl`": _put(CONTEXT, "<s:AuthnContextDecl>x</s:AuthnContextDecl>"),
    "One attribute in two statements": _put(A, _STATEMENT),
    "Elements as values": _put(
        f"{ATTRIBUTES}/{saml('Attribute')}/{saml('AttributeValue')}", "<s:Audience>x</s:Audience>"
    ),
    "`AuthzDecisionStatement`": _put(A, '<s:AuthzDecisionStatement Resource="urn:x" Decision="Permit"/>'),
    "Extensions": _put(".", "<p:Extensions/>", at=1),
    "`StatusDetail`": _put(samlp("Status"), "<p:StatusDetail/>"),
    "Several assertions": _again(A),
}
"""What SAML lets a provider sign and we refuse."""

UNCHECKED: dict[str, Change] = {
    "Format and qualifiers of Issuer": _set(
        f"{A}/{saml('Issuer')}",
        Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        NameQualifier="urn:other",
    ),
    "`SPProvidedID`": _set(f"{SUBJECT}/{saml('NameID')}", SPProvidedID="x"),
    "NameID in SubjectConfirmation": _put(CONFIRMATION, "<s:NameID>mallory</s:NameID>", at=0),
    "`Address` of SubjectConfirmationData, SubjectLocality": _set(DATA, Address="203.0.113.9"),
    "`SessionIndex`": _set(AUTHN, SessionIndex="x" * 300),
    "`AuthnContextDeclRef`, AuthenticatingAuthority": _put(
        CONTEXT, "<s:AuthenticatingAuthority>urn:x</s:AuthenticatingAuthority>"
    ),
    "`OneTimeUse`": _put(CONDITIONS, "<s:OneTimeUse/>"),
    "`ProxyRestriction` with a Count above 0": _put(CONDITIONS, '<s:ProxyRestriction Count="1"/>'),
    "`Consent`": _set(".", Consent="urn:oasis:names:tc:SAML:2.0:consent:unavailable"),
    "`FriendlyName`, foreign attributes of Attribute": _set(
        f"{ATTRIBUTES}/{saml('Attribute')}", FriendlyName="subject", **{"{urn:x}y": "z"}
    ),
}
"""What stands in a message and decides nothing here."""


def _rows(heading: str) -> set[str]:
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {found[1] for found in re.finditer(r"^\| (.+?) \|", section, re.MULTILINE)} - {"What", "---"}


BY_FORM = {"Form", "Base64", "Unsolicited answers"}


def test_every_row_of_the_document_is_tried_here_and_the_other_way_round() -> None:
    assert _rows("Where we are stricter than SAML") == STRICTER.keys() | BY_FORM
    assert _rows("What is not checked") == UNCHECKED.keys()


@pytest.mark.parametrize("what", STRICTER)
def test_what_saml_allows_and_we_do_not_is_refused_and_is_no_alarm(what: str) -> None:
    here = connector()
    assert arrive(honest(), here).identity.subject == "alice@example.com"
    with pytest.raises(SignInRejected) as refusal:
        arrive(changed(STRICTER[what]), here)
    assert not isinstance(refusal.value, VerifiersDisagree)


@pytest.mark.parametrize("what", UNCHECKED)
def test_what_decides_nothing_keeps_nobody_out(what: str) -> None:
    assert arrive(changed(UNCHECKED[what])).identity == arrive(honest()).identity


def test_form_and_base64_have_one_spelling_and_unsolicited_answers_are_off() -> None:
    here, xml = connector(), honest()
    value = base64.b64encode(xml).decode()
    assert here.arrive(sign_in(), posted(xml)).identity.subject == "alice@example.com"
    for form, content_type in ((value, "multipart/form-data"), (value[:40] + "\t" + value[40:], None)):
        callback = replace(posted(xml), form=(("SAMLResponse", form),))
        with pytest.raises(SignInRejected):
            here.arrive(sign_in(), replace(callback, content_type=content_type or callback.content_type))
    with pytest.raises(SignInRejected):
        here.arrive(None, posted(honest(in_response_to=None)))
    assert ACS in xml.decode()
