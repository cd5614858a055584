"""Attack J05: text that a person or an identity provider chose tries to become part of what we sign for AWS.

Every honest twin is signed, and reads back as exactly one role, one name and the tags that were granted.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any, cast

import pytest
from aws_factories import ENTITY_ID, ISSUER, NOW, account, grant, key_ring, signing_key
from joserfc import jwt
from joserfc.jwk import KeySet
from lxml import etree

from federation_bridge.aws import assertion, id_token, issuer
from federation_bridge.aws.session_names import with_hash
from federation_bridge.errors import AwsRefused
from federation_bridge.model import Grant
from federation_bridge.signing import Purpose

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
ROLE = "https://aws.amazon.com/SAML/Attributes/Role"
HONEST_PAIR = "arn:aws:iam::123456789012:role/Admin,arn:aws:iam::123456789012:saml-provider/Bridge"

TEXTS = [
    "</saml:AttributeValue><saml:AttributeValue>arn:aws:iam::123456789012:role/Root",
    '"/><saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">',
    "]]><saml:x/>",
    "<![CDATA[x]]>",
    "<!--x-->admin",
    "<?x y?>",
    "&lt;b&gt;",
    "&#60;b&#62;",
    "&xxe;",
    "a\r\nb",
    "a\tb",
    "a\x00b",
    "a\x1bb",
    "a\x85b",
    "a\u2028b",
    "a\ufffeb",
    "a\ud800b",
    "\u202eb",
    "arn:aws:iam::1:role/a,arn:aws:iam::1:saml-provider/b",
    "x;y",
    "a\u200db",
]


def response_of(made: Grant) -> etree._Element:
    built = assertion.build(made, key=signing_key(), issuer_entity_id=ENTITY_ID, now=NOW)
    return etree.fromstring(base64.b64decode(built.text))


def values(response: etree._Element, name: str) -> list[str]:
    return [
        value.text or "" for found in response.iter(f"{SAML}Attribute") if found.get("Name") == name for value in found
    ]


def claims_of(made: Grant) -> dict[str, object]:
    text = id_token.build(made, key=signing_key(Purpose.AWS_OIDC), issuer=ISSUER, now=NOW).text
    return jwt.decode(text, KeySet.import_key_set(cast("Any", issuer.jwks(key_ring()))), algorithms=["RS256"]).claims


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("road", ["saml", "oidc"])
def test_a_session_name_or_source_identity_outside_the_alphabet_is_never_signed(road: str, text: str) -> None:
    for made in (grant(road, session_name=text), grant(road, source_identity=text)):
        with pytest.raises(AwsRefused):
            response_of(made) if road == "saml" else claims_of(made)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("road", ["saml", "oidc"])
def test_a_tag_is_refused_or_stays_one_value_with_exactly_this_text(road: str, text: str) -> None:
    made = grant(road, tags={"team": text, "other": "x"})
    try:
        read = (
            values(response_of(made), "https://aws.amazon.com/SAML/Attributes/PrincipalTag:team")
            if road == "saml"
            else None
        )
        tags = claims_of(made)["https://aws.amazon.com/tags"] if road == "oidc" else None
    except AwsRefused:
        return
    assert read == [text] if road == "saml" else tags == {"principal_tags": {"other": ["x"], "team": [text]}}
    if road == "saml":
        assert values(response_of(made), ROLE) == [HONEST_PAIR]


@pytest.mark.parametrize("text", TEXTS)
def test_a_tag_key_is_refused_or_leaves_one_role_attribute(text: str) -> None:
    try:
        response = response_of(grant(tags={text: "x"}))
    except AwsRefused:
        return
    assert values(response, ROLE) == [HONEST_PAIR]
    assert values(response, f"https://aws.amazon.com/SAML/Attributes/PrincipalTag:{text}") == ["x"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_subject_is_folded_into_a_closed_alphabet_on_both_roads(text: str) -> None:
    person = f"okta/{text}"
    (name_id,) = response_of(grant(person=person)).iter(f"{SAML}NameID")
    name = with_hash(text, person)
    subject = str(claims_of(grant("oidc", person=person, session_name=name))["sub"])
    assert str(name_id.text).isascii()
    assert "/" not in str(name_id.text)
    assert subject == f"123456789012/Admin/{name}"
    assert subject.isascii()
    assert subject.count("/") == 2


@pytest.mark.parametrize("tag", ["Role", "RoleSessionName", "SourceIdentity", "SessionDuration", "TransitiveTagKeys"])
def test_a_tag_named_like_an_attribute_of_aws_stays_a_tag(tag: str) -> None:
    response = response_of(grant(tags={tag: "arn:aws:iam::123456789012:role/Root"}))
    assert values(response, ROLE) == [HONEST_PAIR]
    assert values(response, f"https://aws.amazon.com/SAML/Attributes/PrincipalTag:{tag}")


@pytest.mark.parametrize("road", ["saml", "oidc"])
@pytest.mark.parametrize(
    "foreign",
    [
        "arn:aws:iam::999999999999:{kind}-provider/Bridge",
        "arn:aws-cn:iam::123456789012:{kind}-provider/Bridge",
        "arn:aws:iam::123456789012:role/{kind}-provider/Bridge",
        "arn:aws:iam::123456789012:user/x:{kind}-provider/Bridge",
        "",
    ],
)
def test_a_provider_of_another_account_partition_or_kind_is_never_signed_for(road: str, foreign: str) -> None:
    made = grant(road, account=account(road, provider_arn=foreign.format(kind=road)))
    with pytest.raises(AwsRefused):
        response_of(made)
    assert values(response_of(grant()), ROLE) == [HONEST_PAIR]


def test_a_partition_outside_the_table_and_a_role_outside_the_register_are_never_signed_for() -> None:
    for made in (
        grant(account=account(partition="aws-iso")),
        grant(role="Root"),
        grant(account=replace(account(), roles={})),
    ):
        with pytest.raises(AwsRefused):
            response_of(made)
