# ruff: noqa: F811 - fixtures are named where they are asked for
"""What the real STS was seen to answer to AssumeRoleWithSAML, row by row, asked of the local AWS with boto3.

The rows are data (`aws_saml_verdicts.tsv`); here stands how each of their messages is made.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from local_aws_factories import PERSISTENT, SAML, SIGNIN, ServedAws, refusal, response, signer
from lxml import etree
from sandbox_verdict_fixtures import served_aws  # noqa: F401 - a fixture

from federation_bridge.sandbox.identity_provider import saml_message

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parents[1] / "aws_saml_verdicts.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
MESSAGES = [row for row in ROWS if not row[0].startswith(("trust:", "provider "))]
ACS_WITH_ID = "https://us-east-1.signin.aws.amazon.com/saml/acs/SAMLTESTPROVIDER"
EMAIL_1_1 = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
Ask = Callable[[ServedAws], Any]


def _message(**fields: Any) -> Ask:
    return lambda served_aws: served_aws.assume(served_aws.message(**fields))


def _attributes(**values: list[str] | None) -> Ask:
    return lambda served_aws: served_aws.assume(served_aws.message(attributes=values))


def _changed(change: Callable[[etree._Element], None], **fields: Any) -> Ask:
    return lambda served_aws: served_aws.assume(served_aws.message(**fields), change=change)


def _set(path: str, name: str, value: str | None) -> Callable[[etree._Element], None]:
    def change(response: etree._Element) -> None:
        element = response.find(".//" + "/".join(SAML + part for part in path.split("/")))
        assert element is not None
        element.attrib.pop(name, "")
        if value is not None:
            element.set(name, value)

    return change


def _without(path: str) -> Callable[[etree._Element], None]:
    def change(response: etree._Element) -> None:
        element = response.find(".//" + SAML + path)
        assert element is not None
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


def _with_condition(name: str) -> Callable[[etree._Element], None]:
    def change(response: etree._Element) -> None:
        conditions = response.find(f".//{SAML}Conditions")
        assert conditions is not None
        etree.SubElement(conditions, SAML + name)

    return change


def _second_confirmation(response: etree._Element) -> None:
    subject = response.find(f".//{SAML}Subject")
    assert subject is not None
    subject.append(etree.fromstring(etree.tostring(subject[-1])))


def _instant(served_aws: ServedAws, **ahead: float) -> str:
    return saml_message.instant(served_aws.clock() + timedelta(**ahead))


def _at(path: str, name: str, **ahead: float) -> Ask:
    return lambda served_aws: served_aws.assume(change=_set(path, name, _instant(served_aws, **ahead)))


def _tampered(served_aws: ServedAws) -> Any:
    text = base64.b64decode(response(served_aws.message(), signer()))
    return served_aws.assume(base64.b64encode(text.replace(b">alice<", b">bobby<")).decode())


def _response_signature_broken(served_aws: ServedAws) -> Any:
    tree = saml_message.unsigned_tree(served_aws.message(signed="both"))
    assertion = tree.find(f"{SAML}Assertion")
    assert assertion is not None
    saml_message.sign(assertion, signer())
    saml_message.sign(tree, signer("other"))
    return served_aws.assume(base64.b64encode(saml_message.serialized(tree)).decode())


def _sent_twice(served_aws: ServedAws) -> Any:
    text = response(served_aws.message(), signer(), _with_condition("OneTimeUse"))
    served_aws.assume(text)
    return served_aws.assume(text)


def _reversed_pair(served_aws: ServedAws) -> Any:
    return served_aws.assume(
        served_aws.message(attributes={"Role": [f"{served_aws.provider_arn},{served_aws.role.arn}"]})
    )


def _wrong_role(served_aws: ServedAws) -> Any:
    other = served_aws.account.arn("role/Other")
    return served_aws.assume(served_aws.message(attributes={"Role": [f"{other},{served_aws.provider_arn}"]}))


def _outer_issuer(response: etree._Element) -> None:
    issuer = response.find(f"{SAML}Issuer")
    assert issuer is not None
    issuer.text = "https://unrelated.example.test/saml"


def _encrypted(cipher: str, transport: Any = None) -> Ask:
    def ask(served_aws: ServedAws) -> Any:
        certificate = signer("decrypts").certificate_pem
        message = served_aws.message(encrypt_to=certificate, encryption=cipher)
        if transport is None:
            return served_aws.assume(message)
        tree = saml_message.unsigned_tree(message)
        assertion = tree.find(f"{SAML}Assertion")
        assert assertion is not None
        saml_message.sign(assertion, signer())
        saml_message.encrypt(assertion, certificate, message.encryption, transport=transport)
        return served_aws.assume(base64.b64encode(saml_message.serialized(tree)).decode())

    return ask


HOW: dict[str, Ask] = {
    "assertion_signed": _message(),
    "response_signed_only": _message(signed="response"),
    "both_signed": _message(signed="both"),
    "unsigned": _message(signed="none"),
    "tampered_subject": _tampered,
    "wrong_audience": _message(audience="urn:unrelated:audience"),
    "no_audience_restriction": _message(audience=None),
    "no_conditions": _changed(_without("Conditions")),
    "wrong_recipient": _message(recipient="https://unrelated.example.test/saml"),
    "recipient_provider_id": _message(recipient=ACS_WITH_ID),
    "missing_subject_confirmation_NotOnOrAfter": _changed(_set("SubjectConfirmationData", "NotOnOrAfter", None)),
    "expired_conditions": _at("Conditions", "NotOnOrAfter", minutes=-1),
    "expired_subject_confirmation": _at("SubjectConfirmationData", "NotOnOrAfter", minutes=-1),
    "conditions_NotBefore_60s_ahead": _at("Conditions", "NotBefore", seconds=60),
    "conditions_NotBefore_240s_ahead": _at("Conditions", "NotBefore", seconds=240),
    "conditions_NotBefore_360s_ahead": _at("Conditions", "NotBefore", seconds=360),
    "conditions_NotBefore_86400s_ahead": _at("Conditions", "NotBefore", seconds=86400),
    "session_expired": _at("AuthnStatement", "SessionNotOnOrAfter", minutes=-1),
    "session_expires_in_600s": _at("AuthnStatement", "SessionNotOnOrAfter", seconds=600),
    "SessionDuration_attribute_900": _attributes(SessionDuration=["900"]),
    "SessionDuration_attribute_7200": _attributes(SessionDuration=["7200"]),
    "DurationSeconds_parameter_7200": lambda served_aws: served_aws.assume(DurationSeconds=7200),
    "reversed_role_pair": _reversed_pair,
    "wrong_role": _wrong_role,
    "NameID_format_1.1_emailAddress": _message(name_id_format=EMAIL_1_1),
    "NameID_missing_format": _message(name_id_format=None),
    "NameID_arbitrary_format": _message(name_id_format="custom-format"),
    "source_identity_and_tags": _attributes(
        **{"SourceIdentity": ["alice"], "PrincipalTag:team": ["red"], "TransitiveTagKeys": ["team"]}
    ),
    "two_SubjectConfirmations": _changed(_second_confirmation),
    "encrypted_aes128_cbc": _encrypted("aes128-cbc"),
    "encrypted_aes256_cbc": _encrypted("aes256-cbc"),
    "encrypted_aes128_gcm": _encrypted("aes128-gcm"),
    "encrypted_aes256_gcm": _encrypted("aes256-gcm"),
    "encrypted_oaep_sha256_mgf1sha1": _encrypted("aes256-gcm", "oaep-sha256-mgf1-sha1"),
    "encrypted_oaep_sha256_mgf1sha256": _encrypted("aes256-gcm", "oaep-sha256-mgf1-sha256"),
    "malformed_NotBefore": _changed(_set("Conditions", "NotBefore", "yesterday")),
    "subject_confirmation_NotBefore_ahead": _at("SubjectConfirmationData", "NotBefore", seconds=600),
    "conditions_without_NotOnOrAfter": _changed(_set("Conditions", "NotOnOrAfter", None)),
    "no_AuthnStatement": _changed(_without("AuthnStatement")),
    "OneTimeUse, the same assertion sent twice": _sent_twice,
    "ProxyRestriction": _changed(_with_condition("ProxyRestriction")),
    "missing_recipient": _changed(_set("SubjectConfirmationData", "Recipient", None)),
    "arbitrary_recipient": _message(recipient="not-a-url", destination=SIGNIN),
    "response_issuer_mismatch": _changed(_outer_issuer),
    "invalid_response_signature": _response_signature_broken,
}


@dataclass(frozen=True)
class Expected:
    code: str
    message: str
    seconds: str
    audience: str


@pytest.mark.parametrize("row", MESSAGES, ids=lambda row: row[0])
def test_the_local_sts_answers_as_the_real_one_did(row: list[str], served_aws: ServedAws) -> None:
    ask = HOW[row[0].split(" (")[0]]
    expected = Expected(row[1].split(" (")[0], *row[2:5])
    if expected.code != "Success":
        code, message, status = refusal(lambda: ask(served_aws))
        assert (code, status) == (expected.code, 400)
        assert message.startswith(expected.message)
        return
    answer = ask(served_aws)
    assert answer["Audience"] == (expected.audience or SIGNIN)
    lasts = (answer["Credentials"]["Expiration"] - served_aws.clock()).total_seconds()
    # What was recorded is what was left when the answer was read, one or two seconds later.
    assert 0 <= lasts - int(expected.seconds) <= 2


@pytest.mark.parametrize(
    ("name", "subject_type"), [(PERSISTENT, "persistent"), (EMAIL_1_1, EMAIL_1_1), ("custom-format", "custom-format")]
)
def test_only_the_prefix_of_saml_2_is_stripped_from_the_subject_type(
    name: str, subject_type: str, served_aws: ServedAws
) -> None:
    assert served_aws.assume(served_aws.message(name_id_format=name))["SubjectType"] == subject_type


def test_every_row_has_its_message() -> None:
    assert {row[0].split(" (")[0] for row in MESSAGES} == set(HOW)
