"""Attack catalogue D to H where they concern a sign-in: keys, encryption, meaning, whose word it is, metadata."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from saml_factories import (
    ACS,
    ENTITY_ID,
    IDP,
    NOW,
    REQUEST_ID,
    another_private_key,
    arrive,
    changed,
    connector,
    honest,
    idp_signer,
    message,
    our_certificate,
    pinned,
    posted,
    saml,
    samlp,
    sign_in,
    stranger,
    tampered,
    weak_signer,
)

from federation_bridge.connectors.saml import connector as module
from federation_bridge.connectors.saml.decryption import plaintext_of
from federation_bridge.connectors.saml.gate import admit
from federation_bridge.connectors.saml.metadata import read_metadata
from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.response import verified_assertion
from federation_bridge.errors import ConfigurationInvalid, SignInExpired, SignInRejected, VerifiersDisagree
from federation_bridge.sandbox.identity_provider import saml_message as made

Change = Callable[[etree._Element], None]
XENC = "http://www.w3.org/2001/04/xmlenc#"


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


# ------------------------------------------------------------------------------------------------------- D: keys


def test_d06_a_key_that_metadata_marks_for_encryption_signs_nothing() -> None:
    document = made.metadata_xml(IDP, "https://idp.example.test/sso", [idp_signer()], extra_encryption=[stranger()])
    with pytest.raises(SignInRejected, match="none of this connection's keys"):
        arrive(made.response_xml(message(), stranger()), connector(metadata=document))


def test_d06_either_of_two_published_keys_signs_while_the_provider_rotates() -> None:
    document = made.metadata_xml(IDP, "https://idp.example.test/sso", [stranger(), idp_signer()])
    here = connector(metadata=document)
    for signer in (idp_signer(), stranger()):
        assert arrive(made.response_xml(message(), signer), here).identity.subject == "alice@example.com"


def test_d06_an_expired_certificate_still_names_the_trusted_key_and_is_warned_of() -> None:
    old = made.make_signer(not_after=datetime(2021, 1, 1, tzinfo=UTC))
    here = connector(metadata=made.metadata_xml(IDP, "https://idp.example.test/sso", [old]))
    assert arrive(made.response_xml(message(), old), here).identity.subject == "alice@example.com"
    assert any("ended 2021-01-01" in sentence for sentence in here.check())


def test_d04_a_weak_key_is_refused_when_the_connection_is_made() -> None:
    with pytest.raises(ConfigurationInvalid, match="too weak"):
        connector(metadata=made.metadata_xml(IDP, "https://idp.example.test/sso", [weak_signer()]))


def test_d08_no_cert_configured() -> None:
    with pytest.raises(ConfigurationInvalid, match="no signing certificate"):
        connector(metadata=made.metadata_xml(IDP, "https://idp.example.test/sso", []))


# ------------------------------------------------------------------------------------------------- E: encryption


@pytest.mark.parametrize("signed", ["assertion", "response", "both"])
@pytest.mark.parametrize("encryption", ["aes256-gcm", "aes128-gcm"])
@pytest.mark.parametrize("style", ["entra", "okta", "google"])
def test_encrypted_assertions_are_opened(style: str, signed: str, encryption: str) -> None:
    xml = honest(signed=signed, encrypt_to=our_certificate(), encryption=encryption, style=style)
    identity = arrive(xml, connector(encryption="required")).identity
    assert identity.groups.names == ("aws-dev", "aws-ops")


def test_e01_encryption_is_no_signature() -> None:
    with pytest.raises(SignInRejected, match="neither Response nor Assertion is signed"):
        arrive(honest(signed="none", encrypt_to=our_certificate()))


@pytest.mark.parametrize(
    ("signed", "allow_cbc", "is_taken"),
    [("response", True, True), ("both", True, True), ("response", False, False), ("assertion", True, False)],
)
def test_e02_cbc_only_where_asked_for_and_under_a_response_signature(
    signed: str, allow_cbc: bool, is_taken: bool
) -> None:
    xml = honest(signed=signed, encrypt_to=our_certificate(), encryption="aes256-cbc")
    here = connector(allow_cbc=allow_cbc)
    if is_taken:
        assert arrive(xml, here).identity.subject == "alice@example.com"
    else:
        with pytest.raises(SignInRejected, match="content cipher"):
            arrive(xml, here)


def test_e02_changed_ciphertexts_all_get_the_same_words() -> None:
    xml = honest(signed="assertion", encrypt_to=our_certificate())
    told = set()
    for position in (20, 200, 800, -30):
        response = etree.fromstring(xml)
        values = response.findall(f".//{{{XENC}}}CipherValue")
        octets = bytearray(base64.b64decode("".join((values[-1].text or "").split())))
        octets[position] ^= 1
        values[-1].text = base64.b64encode(bytes(octets)).decode()
        with pytest.raises(SignInRejected) as refusal:
            arrive(etree.tostring(response))
        told.add(refusal.value.detail)
    assert len(told) == 1


def _algorithm(old: str, new: str) -> bytes:
    xml = honest(signed="assertion", encrypt_to=our_certificate())
    assert old.encode() in xml
    return xml.replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(lambda: _algorithm(XENC + "rsa-oaep-mgf1p", XENC + "rsa-1_5"), id="e03_rsa_1_5"),
        pytest.param(
            lambda: _algorithm("http://www.w3.org/2009/xmlenc11#aes256-gcm", XENC + "tripledes-cbc"), id="e03_3des"
        ),
        pytest.param(lambda: _algorithm("xenc:CipherValue", "xenc:CipherReference"), id="e05_cipher_reference"),
    ],
)
def test_e03_e05_other_ways_of_encryption_are_refused(xml: Callable[[], bytes]) -> None:
    with pytest.raises(SignInRejected):
        arrive(xml())


def test_e05_retrieval_method_to_anything_but_a_key_beside_is_refused() -> None:
    response = etree.fromstring(honest(signed="assertion", encrypt_to=our_certificate()))
    info = next(response.iter(f"{{{made.SIGNATURE}}}KeyInfo"))
    etree.SubElement(info, f"{{{made.SIGNATURE}}}RetrievalMethod", URI="file:///etc/passwd")
    with pytest.raises(SignInRejected):
        arrive(etree.tostring(response))


def test_e06_too_many_wrapped_keys_are_refused() -> None:
    response = etree.fromstring(honest(signed="assertion", encrypt_to=our_certificate()))
    wrapper = next(response.iter(saml("EncryptedAssertion")))
    key = next(response.iter(f"{{{XENC}}}EncryptedKey"))
    for _ in range(4):
        wrapper.append(etree.fromstring(etree.tostring(key)))
    with pytest.raises(SignInRejected):
        arrive(etree.tostring(response))


def test_e06_a_key_of_somebody_else_opens_nothing() -> None:
    admitted = admit(honest(signed="assertion", encrypt_to=our_certificate()), POLICY)
    assert admitted.encrypted is not None
    with pytest.raises(SignInRejected, match="cannot be opened"):
        plaintext_of(admitted.encrypted, (another_private_key(),), POLICY.encryption, is_under_signature=False)


def test_e04_what_is_encrypted_passes_the_gate_as_well() -> None:
    def wrapped(response: etree._Element) -> bytes:
        assertion = response.find(saml("Assertion"))
        assert assertion is not None
        made.sign(assertion, idp_signer())
        assertion.append(etree.Comment("hidden"))
        made.encrypt(assertion, our_certificate())
        return made.serialized(response)

    with pytest.raises(SignInRejected):
        arrive(wrapped(made.unsigned_tree(message())))


@pytest.mark.parametrize(("setting", "is_encrypted"), [("required", False), ("refused", True)])
def test_a_connection_says_whether_it_wants_encryption(setting: str, is_encrypted: bool) -> None:
    xml = honest(encrypt_to=our_certificate() if is_encrypted else None)
    with pytest.raises(SignInRejected, match="decryption"):
        arrive(xml, connector(encryption=setting))


# -------------------------------------------------------------------------------------------- G: whose word it is


def test_g01_a_message_for_another_connection_of_ours_is_refused() -> None:
    elsewhere = honest(recipient="https://bridge.example.test/sign-in/other/saml")
    with pytest.raises(SignInRejected):
        arrive(elsewhere)


def test_g01_another_providers_key_does_not_speak_for_this_one() -> None:
    with pytest.raises(SignInRejected, match="none of this connection's keys"):
        arrive(made.response_xml(message(), stranger()))


def test_g02_the_same_name_at_two_connections_is_two_people() -> None:
    here = arrive(honest()).identity
    there = arrive(
        honest(recipient="https://bridge.example.test/sign-in/other/saml"), connector("other"), sign_in("other")
    ).identity
    assert here.subject == there.subject
    assert here.person != there.person


def test_g05_unsolicited_answers_only_where_a_connection_allows_them() -> None:
    xml = honest(in_response_to=None)
    with pytest.raises(SignInRejected, match="nobody here asked for"):
        connector().arrive(None, posted(xml))
    allowing = connector(allow_idp_initiated=True)
    assert allowing.arrive(None, posted(xml)).identity.subject == "alice@example.com"
    with pytest.raises(SignInRejected):  # an answer to some request is not unsolicited
        allowing.arrive(None, posted(honest()))
    with pytest.raises(SignInRejected):  # and an unsolicited one answers no request
        allowing.arrive(sign_in(), posted(xml))


# ------------------------------------------------------------------------------------------------- H: metadata


def _metadata(**changes: Any) -> bytes:
    return made.metadata_xml(
        **{"entity_id": IDP, "sso_url": "https://idp.example.test/sso", "signers": [idp_signer()], **changes}
    )


def _entities(*documents: bytes) -> bytes:
    inner = b"".join(document[document.index(b"?>") + 2 :] for document in documents)
    return b'<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">' + inner + b"</EntitiesDescriptor>"


REFUSED_METADATA: dict[str, tuple[bytes, dict[str, Any]]] = {
    "h02_expired": (_metadata(valid_until=NOW), {}),
    "h02_unsigned_where_pinned": (_metadata(), {"signed_by": [pinned(idp_signer())]}),
    "h02_signed_by_another": (
        _metadata(signed_by=stranger(), valid_until=NOW + timedelta(days=1)),
        {"signed_by": [pinned(idp_signer())]},
    ),
    "h02_signed_without_end": (_metadata(signed_by=idp_signer()), {"signed_by": [pinned(idp_signer())]}),
    "h02_signed_without_near_end": (
        _metadata(signed_by=idp_signer(), valid_until=NOW + timedelta(days=36500)),
        {"signed_by": [pinned(idp_signer())]},
    ),
    "h02_changed_after_signing": (
        _metadata(signed_by=idp_signer(), valid_until=NOW + timedelta(days=1)).replace(b"/sso", b"/evil"),
        {"signed_by": [pinned(idp_signer())]},
    ),
    "h02_wrapped": (
        _entities(
            _metadata(signed_by=idp_signer(), valid_until=NOW + timedelta(days=1)), _metadata(entity_id="urn:evil")
        ),
        {"signed_by": [pinned(idp_signer())], "entity_id": "urn:evil"},
    ),
    "h04_several": (_entities(_metadata(), _metadata(entity_id="urn:other")), {}),
    "h04_another": (_metadata(), {"entity_id": "urn:other"}),
    "h04_two_roles": (
        _metadata().replace(
            b"</md:IDPSSODescriptor>",
            b"</md:IDPSSODescriptor><md:IDPSSODescriptor"
            b' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>',
        ),
        {},
    ),
    "h06_javascript": (_metadata(sso_url="javascript:alert(1)"), {}),
    "h06_plain_http": (_metadata(sso_url="http://idp.example.test/"), {}),
    "h06_many_certificates": (_metadata(signers=[idp_signer()] * 100), {}),
    "h06_tenant_template": (_metadata(entity_id="https://sts.windows.net/{tenant}/"), {}),
    "h07_doctype": (b"<!DOCTYPE x>" + _metadata()[38:], {}),
    "h07_xxe": (b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + _metadata()[38:], {}),
    "h07_too_large": (_metadata() + b" " * 1_000_001, {}),
    "h07_not_xml": (b"<html>", {}),
}


@pytest.mark.parametrize("case", REFUSED_METADATA)
def test_metadata_that_cannot_be_believed_is_refused_with_a_reason(case: str) -> None:
    document, how = REFUSED_METADATA[case]
    assert read_metadata(_metadata(), NOW).entity_id == IDP
    with pytest.raises(ConfigurationInvalid):
        read_metadata(document, NOW, **how)


def test_h02_signed_metadata_is_read_from_what_was_signed() -> None:
    document = _metadata(signed_by=idp_signer(), valid_until=NOW + timedelta(days=1))
    found = read_metadata(document, NOW, signed_by=[pinned(idp_signer())])
    assert found.keys[0].fingerprint == pinned(idp_signer()).fingerprint


def test_h04_one_of_several_is_chosen_by_its_name() -> None:
    document = _entities(_metadata(entity_id="urn:other"), _metadata())
    assert read_metadata(document, NOW, entity_id=IDP).entity_id == IDP


def test_the_second_opinion_refuses_under_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fooled(message_bytes: bytes, *rest: Any) -> Any:
        believed = genuine(message_bytes, *rest)
        return replace(believed, assertion=replace(believed.assertion, attributes={"groups": ("admins",)}))

    genuine = verified_assertion
    monkeypatch.setattr(module, "verified_assertion", fooled)
    with pytest.raises(VerifiersDisagree, match="other attributes"):
        arrive(honest())


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
