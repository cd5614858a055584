"""Attack catalogue F where it concerns a sign-in: what a message means, for whom it is meant and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from lxml import etree
from saml_factories import (
    ACS,
    ENTITY_ID,
    IDP,
    NOW,
    REQUEST_ID,
    arrive,
    changed,
    connector,
    honest,
    saml,
    samlp,
    sign_in,
    stranger,
    tampered,
)

from federation_bridge.errors import SignInExpired, SignInRejected, VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

Change = Callable[[etree._Element], None]


def _at(path: str, act: Change) -> Change:
    def change(response: etree._Element) -> None:
        found = response.findall(path)
        assert found, path
        for element in found:
            act(element)

    return change


def _set(path: str, name: str, value: str | None) -> Change:
    def act(element: etree._Element) -> None:
        if value is None:
            element.attrib.pop(name)
        else:
            element.set(name, value)

    return _at(path, act)


def _drop(path: str) -> Change:
    def act(element: etree._Element) -> None:
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return _at(path, act)


def _add(path: str, xml: str) -> Change:
    wrapped = f'<x xmlns:s="{made.ASSERTION}" xmlns:p="{made.PROTOCOL}">{xml}</x>'
    return _at(path, lambda element: element.append(etree.fromstring(wrapped)[0]))


def _add_twice(path: str, xml: str) -> Change:
    def twice(response: etree._Element) -> None:
        for _ in range(2):
            _add(path, xml)(response)

    return twice


def _text(path: str, value: str) -> Change:
    def act(element: etree._Element) -> None:
        element.text = value

    return _at(path, act)


A = saml("Assertion")
DATA = f"{A}/{saml('Subject')}/{saml('SubjectConfirmation')}/{saml('SubjectConfirmationData')}"
CONFIRMATION = f"{A}/{saml('Subject')}/{saml('SubjectConfirmation')}"
CONDITIONS = f"{A}/{saml('Conditions')}"
AUDIENCES = f"{CONDITIONS}/{saml('AudienceRestriction')}"
NAME_ID = f"{A}/{saml('Subject')}/{saml('NameID')}"
AUTHN = f"{A}/{saml('AuthnStatement')}"
ATTRIBUTES = f"{A}/{saml('AttributeStatement')}"
PAST, FUTURE = "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"

SIGNED_BY_THE_PROVIDER: dict[str, Change] = {
    "f01_no_restriction": _drop(AUDIENCES),
    "f01_other_audience": _text(f"{AUDIENCES}/{saml('Audience')}", "https://other.example.test/"),
    "f01_audience_prefix": _text(f"{AUDIENCES}/{saml('Audience')}", ENTITY_ID + "/more"),
    "f01_audience_blank_around": _text(f"{AUDIENCES}/{saml('Audience')}", ENTITY_ID + " "),
    "f01_one_of_two_restrictions": _add(
        CONDITIONS, "<s:AudienceRestriction><s:Audience>urn:other</s:Audience></s:AudienceRestriction>"
    ),
    "f02_other_recipient": _set(DATA, "Recipient", "https://evil.example.test/"),
    "f02_longer_recipient": _set(DATA, "Recipient", ACS + "-dev"),
    "f02_recipient_in_query": _set(DATA, "Recipient", f"https://evil.example.test/?u={ACS}"),
    "f02_no_recipient": _set(DATA, "Recipient", None),
    "f03_other_destination": _set(".", "Destination", "https://evil.example.test/"),
    "f03_longer_destination": _set(".", "Destination", ACS + "/more"),
    "f03_empty_destination": _set(".", "Destination", ""),
    "f04_other_request": _set(".", "InResponseTo", "_other"),
    "f04_none_on_response": _set(".", "InResponseTo", None),
    "f04_other_in_confirmation": _set(DATA, "InResponseTo", "_other"),
    "f04_none_in_confirmation": _set(DATA, "InResponseTo", None),
    "f05_conditions_ended": _set(CONDITIONS, "NotOnOrAfter", "2026-01-15T12:00:05Z"),
    "f05_conditions_not_begun": _set(CONDITIONS, "NotBefore", "2026-01-15T12:01:06Z"),
    "f05_no_end_in_conditions": _set(CONDITIONS, "NotOnOrAfter", None),
    "f05_confirmation_ended": _set(DATA, "NotOnOrAfter", PAST),
    "f05_no_end_in_confirmation": _set(DATA, "NotOnOrAfter", None),
    "f05_not_before_in_confirmation": _set(DATA, "NotBefore", PAST),
    "f05_no_conditions": _drop(CONDITIONS),
    "f06_holder_of_key": _set(CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"),
    "f06_sender_vouches": _set(CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"),
    "f06_no_data": _drop(DATA),
    "f06_no_confirmation": _drop(CONFIRMATION),
    "f08_failed": _set(
        f"{samlp('Status')}/{samlp('StatusCode')}", "Value", "urn:oasis:names:tc:SAML:2.0:status:Requester"
    ),
    "f08_success_only_nested": lambda response: (
        _set(f"{samlp('Status')}/{samlp('StatusCode')}", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")(
            response
        ),
        _add(f"{samlp('Status')}/{samlp('StatusCode')}", f'<p:StatusCode Value="{made.SUCCESS}"/>')(response),
    )[0],
    "f08_no_status": _drop(samlp("Status")),
    "f09_version_of_response": _set(".", "Version", "1.1"),
    "f09_version_of_assertion": _set(A, "Version", "2.1"),
    "f09_issued_long_ago": _set(A, "IssueInstant", "2026-01-15T11:50:00Z"),
    "f09_issued_in_the_future": _set(A, "IssueInstant", FUTURE),
    "f10_no_authn_statement": _drop(AUTHN),
    "f10_session_has_ended": _set(AUTHN, "SessionNotOnOrAfter", PAST),
    "f10_authenticated_in_the_future": _set(AUTHN, "AuthnInstant", FUTURE),
    "f12_unknown_condition": _add(CONDITIONS, "<s:Condition/>"),
    "f12_proxy_restriction": _add(CONDITIONS, '<s:ProxyRestriction Count="0"/>'),
    "f12_proxy_to_somebody_else_alone": _add(
        CONDITIONS, "<s:ProxyRestriction><s:Audience>urn:other</s:Audience></s:ProxyRestriction>"
    ),
    "f12_two_proxy_restrictions": _add_twice(CONDITIONS, '<s:ProxyRestriction Count="2"/>'),
    "f12_once_and_once_more": _add_twice(CONDITIONS, "<s:OneTimeUse/>"),
    "f13_no_name_id": _drop(NAME_ID),
    "f13_blank_name_id": _text(NAME_ID, "  "),
    "f13_empty_name_id": _text(NAME_ID, ""),
    "f13_transient": _set(NAME_ID, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"),
    "f13_foreign_sp_qualifier": _set(NAME_ID, "SPNameQualifier", "https://other.example.test/"),
    "f13_control_character": _text(NAME_ID, "alice\nadmin"),
    # Within one statement it is the union of its values, never the last: test_attributes.py.
    "f14_repeated_attribute_in_another_statement": _add(
        A,
        '<s:AttributeStatement><s:Attribute Name="groups"><s:AttributeValue>admins</s:AttributeValue></s:Attribute>'
        "</s:AttributeStatement>",
    ),
    "g01_other_issuer_of_assertion": _text(f"{A}/{saml('Issuer')}", "https://other.example.test/"),
    "g01_other_issuer_of_response": _text(saml("Issuer"), "https://other.example.test/"),
    "e07_encrypted_attribute": _add(ATTRIBUTES, "<s:EncryptedAttribute/>"),
    **{
        f"f15_{number}": _set(CONDITIONS, "NotOnOrAfter", text)
        for number, text in enumerate(
            [
                "2026-02-30T00:00:00Z",
                "2026-01-15T13:00:00",
                "2026-01-15T13:00:00+00:00",
                "12026-01-15T13:00:00Z",
                "2026-01-15T13:00:00Z\n",
                "2026-01-15 13:00:00Z",
                "\uff12\uff10\uff12\uff16-01-15T13:00:00Z",
                "tomorrow",
                "",
            ]
        )
    },
}


@pytest.mark.parametrize("case", SIGNED_BY_THE_PROVIDER)
@pytest.mark.parametrize("signed", ["assertion", "response"])
def test_a_genuine_message_that_is_not_meant_for_us_now_is_refused(case: str, signed: str) -> None:
    here = connector()
    assert arrive(honest(signed=signed), here).identity.subject == "alice@example.com"
    with pytest.raises(SignInRejected) as refusal:
        arrive(changed(SIGNED_BY_THE_PROVIDER[case], signed=signed), here)
    assert not isinstance(refusal.value, VerifiersDisagree)


@pytest.mark.parametrize("part", ["<s:OneTimeUse/>", '<s:ProxyRestriction Count="1"/>', "<s:ProxyRestriction/>"])
def test_f12_conditions_that_say_nothing_against_us_pass(part: str) -> None:
    assert arrive(changed(_add(CONDITIONS, part))).identity.subject == "alice@example.com"


def test_f03_a_signed_response_without_destination_is_refused() -> None:
    with pytest.raises(SignInRejected, match="without Destination"):
        arrive(honest(signed="response", destination=None))


def test_f05_acceptance_is_clipped_to_ten_minutes_after_the_issue() -> None:
    issued = NOW - timedelta(minutes=9)
    xml = honest(issued_at=issued, valid_for=timedelta(hours=1))
    assert arrive(xml).message_ends_at == issued + timedelta(minutes=10, seconds=60)
    with pytest.raises(SignInRejected, match="too old"):
        arrive(xml, connector(now=NOW + timedelta(minutes=1)))


def test_f07_two_confirmations_that_pass_only_together_are_refused() -> None:
    other = (
        '<s:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><s:SubjectConfirmationData'
        f' Recipient="{ACS}" InResponseTo="_other" NotOnOrAfter="{FUTURE}"/></s:SubjectConfirmation>'
    )

    def both(response: etree._Element) -> None:
        _set(DATA, "Recipient", "https://evil.example.test/")(response)
        _add(f"{A}/{saml('Subject')}", other)(response)

    with pytest.raises(SignInRejected, match="no SubjectConfirmation that holds"):
        arrive(changed(both))


def test_f07_a_second_confirmation_that_passes_by_itself_is_enough() -> None:
    first = _set(CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")
    second = (
        '<s:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><s:SubjectConfirmationData'
        f' Recipient="{ACS}" InResponseTo="{REQUEST_ID}" NotOnOrAfter="{FUTURE}"/></s:SubjectConfirmation>'
    )

    def both(response: etree._Element) -> None:
        first(response)
        _add(f"{A}/{saml('Subject')}", second)(response)

    assert arrive(changed(both)).identity.subject == "alice@example.com"


def test_f04_a_pending_request_of_another_connection_is_refused() -> None:
    with pytest.raises(SignInRejected, match="another connection"):
        arrive(honest(), left=sign_in("okta"))


def test_f04_an_answer_after_the_sign_in_has_ended_is_refused() -> None:
    with pytest.raises(SignInExpired):
        arrive(honest(), left=sign_in(expires_at=NOW))


def test_f11_what_makes_a_message_one_is_handed_to_whoever_spends_it() -> None:
    xml = honest(assertion_id="_once", response_id="_around")
    first, again = arrive(xml), arrive(xml)
    assert (first.message_id, first.message_issuer, first.response_id) == ("_once", IDP, "_around")
    assert (again.message_id, again.message_ends_at) == (first.message_id, first.message_ends_at)


@pytest.mark.parametrize(
    ("xml", "is_believed"),
    [
        (honest(audience="https://other.example.test/"), True),
        (changed(lambda response: None, stranger()), False),
        (tampered(_set(f"./{saml('Assertion')}", "ID", "_other")), False),
    ],
    ids=["signed by the company, for another", "signed by a stranger", "changed on the way"],
)
def test_a_refusal_says_whether_the_signature_held(xml: bytes, is_believed: bool) -> None:
    with pytest.raises(SignInRejected) as refusal:
        arrive(xml)
    assert refusal.value.is_believed is is_believed
