"""The assertion for AWS: exactly what AWS demands, for one person and one role, signed over what was read back."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import xmlsec
from aws_factories import ENTITY_ID, NOW, account, grant, signing_key
from lxml import etree
from signxml import XMLVerifier

from federation_bridge.aws import assertion
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.errors import AwsRefused
from federation_bridge.model import Grant
from federation_bridge.signing.xml_signature import canonical

GOLDEN = Path(__file__).parents[1] / "golden" / "aws_response.xml"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
AWS = "https://aws.amazon.com/SAML/Attributes/"

TAGGED = grant(
    account=account(),
    role="Audit",
    duration=timedelta(hours=2),
    tags={"Team": "data", "Cost Center": "987654"},
    transitive_tags=("Team",),
    source_identity="okta-00u1a2b3c4",
)


def built(made: Grant, **changes: Any) -> etree._Element:
    terms: dict[str, Any] = {"key": signing_key(), "issuer_entity_id": ENTITY_ID, "now": NOW} | changes
    return etree.fromstring(base64.b64decode(assertion.build(made, **terms).text))


def attributes(response: etree._Element) -> dict[str, list[str]]:
    return {
        str(found.get("Name")): [value.text or "" for value in found] for found in response.iter(f"{SAML}Attribute")
    }


def only(response: etree._Element, name: str) -> etree._Element:
    (found,) = response.iter(name)
    return found


def test_the_response_is_the_golden_one() -> None:
    response = built(TAGGED)
    for name in ("SignatureValue", "X509Certificate"):
        only(response, f"{DS}{name}").text = "..."
    assert etree.tostring(response, pretty_print=True).decode() == GOLDEN.read_text()


def test_xmlsec_finds_the_signature_good_and_any_change_bad() -> None:
    response = built(TAGGED)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signing_key().certificate_pem, xmlsec.KeyFormat.CERT_PEM)
    xmlsec.tree.add_ids(response, ["ID"])
    signature = only(response, f"{DS}Signature")
    context.verify(signature)
    only(response, f"{SAML}NameID").text = "somebody-else"
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signing_key().certificate_pem, xmlsec.KeyFormat.CERT_PEM)
    with pytest.raises(xmlsec.Error):
        context.verify(signature)


def test_signxml_finds_that_the_whole_assertion_was_signed() -> None:
    response = built(TAGGED)
    signed_assertion = etree.tostring(only(response, f"{SAML}Assertion"))
    verified = XMLVerifier().verify(signed_assertion, x509_cert=signing_key().certificate_pem, id_attribute="ID")
    assert not isinstance(verified, list)
    assert verified.signed_xml is not None
    assert attributes(verified.signed_xml) == attributes(response)


def test_the_signature_stands_right_after_the_issuer_of_the_only_assertion() -> None:
    made = only(built(grant()), f"{SAML}Assertion")
    assert [child.tag.rpartition("}")[2] for child in made] == [
        "Issuer",
        "Signature",
        "Subject",
        "Conditions",
        "AuthnStatement",
        "AttributeStatement",
    ]


def test_the_attributes_name_one_role_and_all_that_was_granted() -> None:
    assert attributes(built(TAGGED)) == {
        f"{AWS}Role": ["arn:aws:iam::123456789012:role/people/Audit,arn:aws:iam::123456789012:saml-provider/Bridge"],
        f"{AWS}RoleSessionName": ["alice@example.com"],
        f"{AWS}SessionDuration": ["7200"],
        f"{AWS}SourceIdentity": ["okta-00u1a2b3c4"],
        f"{AWS}PrincipalTag:Cost Center": ["987654"],
        f"{AWS}PrincipalTag:Team": ["data"],
        f"{AWS}TransitiveTagKeys": ["Team"],
    }


def test_without_tags_there_is_no_tag_attribute() -> None:
    assert [name.removeprefix(AWS) for name in attributes(built(grant()))] == [
        "Role",
        "RoleSessionName",
        "SessionDuration",
        "SourceIdentity",
    ]


@pytest.mark.parametrize("name", PARTITIONS)
def test_recipient_audience_and_destination_are_those_of_the_partition(name: str) -> None:
    response = built(grant(account=account(partition=name)))
    partition = PARTITIONS[name]
    recipient = partition.sign_in()[0].saml_acs
    assert only(response, f"{SAML}SubjectConfirmationData").get("Recipient") == recipient
    assert only(response, f"{SAML}Audience").text == partition.saml_audience
    assert response.get("Destination") == recipient
    assert attributes(response)[f"{AWS}Role"][0].startswith(f"arn:{name}:iam::")


def test_it_lives_five_minutes_and_the_session_ends_with_the_grant_whatever_is_asked_of_sts() -> None:
    response = built(grant(duration=timedelta(minutes=15)))
    made = only(response, f"{SAML}Assertion")
    assert made.get("IssueInstant") == response.get("IssueInstant") == "2026-03-04T05:06:07Z"
    assert only(response, f"{SAML}Conditions").get("NotBefore") == "2026-03-04T05:05:07Z"
    assert only(response, f"{SAML}Conditions").get("NotOnOrAfter") == "2026-03-04T05:11:07Z"
    assert only(response, f"{SAML}SubjectConfirmationData").get("NotOnOrAfter") == "2026-03-04T05:11:07Z"
    assert only(response, f"{SAML}AuthnStatement").get("SessionNotOnOrAfter") == "2026-03-04T05:21:07Z"


def test_instants_are_cut_to_seconds_and_in_utc_so_that_no_session_is_stretched() -> None:
    elsewhere = (NOW + timedelta(microseconds=999_999)).astimezone(timezone(timedelta(hours=9)))
    statement = only(built(grant(), now=elsewhere), f"{SAML}AuthnStatement")
    assert statement.get("AuthnInstant") == "2026-03-04T05:06:07Z"


def test_the_statement_says_its_id_and_end_and_its_repr_shows_no_text() -> None:
    now = NOW + timedelta(microseconds=999_999)
    statement = assertion.build(grant(), key=signing_key(), issuer_entity_id=ENTITY_ID, now=now)
    assert (statement.id, statement.ends_at) == (grant().id, NOW + timedelta(minutes=5))
    assert statement.text not in repr(statement)


def test_the_ids_are_valid_and_the_reference_names_the_assertion() -> None:
    response = built(grant())
    assert re.fullmatch(r"[A-Za-z_][\w.-]*", str(response.get("ID")))
    assert response.get("ID") != grant().id
    assert only(response, f"{DS}Reference").get("URI") == f"#{grant().id}"


def test_an_assertion_beyond_what_sts_takes_is_refused() -> None:
    tags = {f"{number:03}" + "\U00020000" * 125: "\U00020000" * 256 for number in range(50)}
    with pytest.raises(AwsRefused, match="100000"):
        built(grant(tags=tags))


def test_bytes_that_do_not_read_back_as_decided_are_never_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = canonical
    monkeypatch.setattr(assertion, "canonical", lambda element: honest(element).replace(b"role/Admin", b"role/Other"))
    with pytest.raises(AwsRefused, match="attributes"):
        built(grant())


@pytest.mark.parametrize(
    ("found", "instead", "what"),
    [
        (b"</saml:NameID>", b"</saml:NameID><saml:NameID>admin</saml:NameID>", "NameID"),
        (b"</saml:Issuer>", b"/x</saml:Issuer>", "Issuer"),
        (
            b"</saml:AttributeValue>",
            b"</saml:AttributeValue><saml:AttributeValue>x</saml:AttributeValue>",
            "attributes",
        ),
        (b"</saml:AttributeStatement>", b'<saml:Attribute Name="x"/></saml:AttributeStatement>', "attributes"),
    ],
)
def test_each_thing_that_was_decided_is_compared(
    monkeypatch: pytest.MonkeyPatch, found: bytes, instead: bytes, what: str
) -> None:
    honest = canonical
    monkeypatch.setattr(assertion, "canonical", lambda element: honest(element).replace(found, instead, 1))
    with pytest.raises(AwsRefused, match=what):
        built(grant())


def test_another_person_has_another_name_id_and_the_same_person_the_same() -> None:
    def name_id(made: Grant) -> str | None:
        return only(built(made), f"{SAML}NameID").text

    assert name_id(grant()) == name_id(grant(role="Audit"))
    assert name_id(grant()) != name_id(replace(grant(), person="google/00u1a2b3c4"))
