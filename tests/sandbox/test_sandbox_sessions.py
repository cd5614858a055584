# ruff: noqa: F811 - fixtures are named where they are asked for
"""AssumeRoleWithSAML of the local AWS, beyond the rows of the table: limits, trust policies, and what paranoid adds."""

# ruff: noqa: E501, RUF001 - the rows of a table stay on one line; odd digits are the point of their case

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from local_aws_factories import ATTRIBUTE, ENTITY_ID, SAML, ServedAws, refusal, refusal_code, served, signer
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture
from lxml import etree

from federation_bridge.sandbox.aws.sts.saml_request import name_qualifier

STRUCTURAL = "Invalid base64 SAMLResponse"


@pytest.fixture
def paranoid() -> Iterator[ServedAws]:
    with served(mode="paranoid") as made:
        yield made


# ------------------------------------------------------------------------------------ AssumeRoleWithSAML, beyond the rows


def test_the_answer_says_what_aws_says(served_aws: ServedAws) -> None:
    attributes = {"PrincipalTag:team": ["red"], "SourceIdentity": ["alice"]}
    answer = served_aws.assume(served_aws.message(attributes=attributes))
    assert answer["Subject"] == "alice"
    assert answer["Issuer"] == ENTITY_ID
    assert answer["SourceIdentity"] == "alice"
    assert answer["NameQualifier"] == name_qualifier(ENTITY_ID, served_aws.account.id, "bridge")
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == f"{served_aws.role.id}:alice@example.com"
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert 0 <= answer["PackedPolicySize"] <= 100


def test_the_name_qualifier_follows_the_published_formula() -> None:
    assert name_qualifier("https://example.com/saml", "123456789012", "MySAMLIdP") == "1uAJanUnBc2XeUkHURMht+xam2c="


@pytest.mark.parametrize(
    ("call", "code", "begins"),
    [
        ({"RoleArn": "arn:aws:iam::1"}, "ValidationError", "1 validation error detected: Value 'arn:aws:iam::1' at 'roleArn'"),
        ({"RoleArn": "a" * 2049}, "ValidationError", "1 validation error detected"),
        ({"RoleArn": "arn:aws:iam::111122223333:role/\x01"}, "ValidationError", "1 validation error detected"),
        ({"PrincipalArn": "arn:aws:iam::111122223333:saml-provider/nobody"}, "InvalidIdentityToken", "Specified provider doesn't exist"),
        ({"PrincipalArn": "arn:aws:iam::999999999999:saml-provider/bridge"}, "InvalidIdentityToken", "Specified provider doesn't exist"),
        ({"DurationSeconds": 100}, "ValidationError", "1 validation error detected: Value '100' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"),
        ({"DurationSeconds": 43201}, "ValidationError", "1 validation error detected"),
        ({"DurationSeconds": 14401}, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
        ({"Policy": "{"}, "MalformedPolicyDocument", ""),
        ({"Policy": "x" * 2049}, "ValidationError", ""),
        ({"Policy": "\u0100"}, "ValidationError", ""),
        ({"PolicyArns": [{"arn": "arn:aws:iam::111122223333:policy/none"}]}, "MalformedPolicyDocument", ""),
        ({"PolicyArns": [{"arn": f"arn:aws:iam::111122223333:policy/{n}"} for n in range(11)]}, "ValidationError", ""),
        ({"SAMLAssertion": "abc"}, "ValidationError", ""),
        ({"SAMLAssertion": "a" * 100_001}, "ValidationError", ""),
        ({"SAMLAssertion": "not base64!"}, "InvalidIdentityToken", STRUCTURAL),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_parameters_are_held_to_their_limits(
    call: dict[str, Any], code: str, begins: str, served_aws: ServedAws
) -> None:
    given, message, status = refusal(lambda: served_aws.assume(**call))
    assert (given, status) == (code, 400)
    assert message.startswith(begins)


@pytest.mark.parametrize(
    ("attributes", "begins"),
    [
        ({"RoleSessionName": None}, "RoleSessionName is required in AuthnResponse"),
        ({"RoleSessionName": ["a"]}, "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"),
        ({"RoleSessionName": ["alice "]}, "RoleSessionName in AuthnResponse must match"),
        ({"RoleSessionName": ["a" * 65]}, "RoleSessionName in AuthnResponse must match"),
        ({"RoleSessionName": ["älice"]}, "RoleSessionName in AuthnResponse must match"),
        ({"SourceIdentity": ["aws:alice"]}, "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with"),
        ({"SourceIdentity": ["a"]}, "Source Identity must match"),
        ({"Role": None}, "SAML Assertion doesn't contain the requested Role and Metadata in the attributes"),
        ({"Role": ["arn:aws:iam::111122223333:role/Reader"]}, "SAML Assertion doesn't contain the requested Role"),
        ({"SessionDuration": ["899"]}, "SessionDuration"),
        ({"SessionDuration": ["43201"]}, "SessionDuration"),
        ({"SessionDuration": ["１０００"]}, "SessionDuration"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_attributes_are_held_to_their_rules(attributes: dict[str, Any], begins: str, served_aws: ServedAws) -> None:
    code, message, status = refusal(lambda: served_aws.assume(served_aws.message(attributes=attributes)))
    assert (code, status) == ("InvalidIdentityToken", 400)
    assert message.startswith(begins)


@pytest.mark.parametrize(
    "attributes",
    [
        {"PrincipalTag:team": ["red"], "PrincipalTag:Team": ["blue"]},
        {f"PrincipalTag:t{n}": ["x"] for n in range(51)},
        {"PrincipalTag:aws:team": ["red"]},
        {"PrincipalTag:team": ["x" * 257]},
        {"PrincipalTag:team": ["a;b"]},
        {"PrincipalTag:team": ["red"], "TransitiveTagKeys": ["other"]},
    ],
    ids=lambda value: str(value)[:50],
)
def test_tags_are_held_to_their_limits(attributes: dict[str, Any], served_aws: ServedAws) -> None:
    assert refusal(lambda: served_aws.assume(served_aws.message(attributes=attributes)))[2] == 400


def test_an_assertion_is_redeemed_within_five_minutes_of_its_issue(served_aws: ServedAws) -> None:
    issued = served_aws.clock() - timedelta(seconds=301)
    late = served_aws.message(issued_at=issued, valid_for=timedelta(hours=1))
    expected = ("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance", 400)
    assert refusal(lambda: served_aws.assume(late)) == expected
    just = served_aws.message(issued_at=issued + timedelta(seconds=1), valid_for=timedelta(hours=1))
    assert served_aws.assume(just)["Subject"] == "alice"


def test_another_issuer_s_assertion_is_not_the_provider_s(served_aws: ServedAws) -> None:
    code, message, _ = refusal(lambda: served_aws.assume(served_aws.message(issuer="https://other.example.test")))
    assert code == "InvalidIdentityToken"
    assert message.startswith("Issuer not present in specified provider")


def test_another_key_s_assertion_is_not_believed(served_aws: ServedAws) -> None:
    assert refusal(lambda: served_aws.assume(by=signer("other")))[1] == "Response signature invalid"


def test_a_failed_sign_in_is_the_identity_provider_s_no(served_aws: ServedAws) -> None:
    failed = served_aws.message(status="urn:oasis:names:tc:SAML:2.0:status:Responder")
    assert refusal(lambda: served_aws.assume(failed))[::2] == ("IDPRejectedClaim", 403)


def test_without_a_subject_nobody_is_let_in(served_aws: ServedAws) -> None:
    def change(response: etree._Element) -> None:
        name_id = response.find(f".//{SAML}NameID")
        assert name_id is not None
        parent = name_id.getparent()
        assert parent is not None
        parent.remove(name_id)

    expected = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", 403)
    assert refusal(lambda: served_aws.assume(change=change)) == expected


@pytest.mark.parametrize(
    ("attributes", "missing"),
    [({"PrincipalTag:team": ["red"]}, "sts:TagSession"), ({"SourceIdentity": ["alice"]}, "sts:SetSourceIdentity")],
)
def test_tags_and_source_identity_need_the_role_s_trust(attributes: Any, missing: str, served_aws: ServedAws) -> None:
    actions = {"sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"} - {missing}
    served_aws.role = served_aws.put_role("Less", served_aws.trust(*actions))
    assert refusal(lambda: served_aws.assume(served_aws.message(attributes=attributes)))[::2] == ("AccessDenied", 403)
    assert served_aws.assume()["Subject"] == "alice"


@pytest.mark.parametrize(
    ("condition", "is_let_in"),
    [
        ({"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}, True),
        ({"StringEquals": {"SAML:aud": "https://elsewhere.example.test"}}, False),
        ({"StringEquals": {"saml:iss": ENTITY_ID, "saml:sub": "alice", "saml:sub_type": "persistent"}}, True),
        ({"StringEquals": {"saml:doc": "111122223333/bridge"}}, True),
        ({"StringEquals": {"saml:namequalifier": name_qualifier(ENTITY_ID, "111122223333", "bridge")}}, True),
        ({"ForAnyValue:StringEquals": {"saml:edupersonaffiliation": "staff"}}, True),
        ({"ForAllValues:StringEquals": {"saml:edupersonaffiliation": "staff"}}, False),
        (
            {"StringEquals": {"aws:RequestTag/Team": "red"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}},
            True,
        ),
        ({"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": "team"}}, True),
        ({"StringLike": {"sts:RoleSessionName": "*@example.com"}}, True),
        ({"StringEquals": {"sts:SourceIdentity": "bob"}}, False),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
    ],
    ids=str,
)
def test_a_trust_policy_sees_the_assertion_s_keys(condition: Any, is_let_in: bool, served_aws: ServedAws) -> None:
    served_aws.role = served_aws.put_role("Narrow", served_aws.trust(condition=condition))
    message = served_aws.message(
        attributes={"PrincipalTag:team": ["red"], "TransitiveTagKeys": ["team"], "SourceIdentity": ["alice"]}
    )
    affiliation = {"urn:oid:1.3.6.1.4.1.5923.1.1.1.1": ["staff", "member"]}
    message = replace(message, attributes={**message.attributes, **affiliation})
    if is_let_in:
        assert served_aws.assume(message)["Subject"] == "alice"
    else:
        assert refusal(lambda: served_aws.assume(message))[0] == "AccessDenied"


@pytest.mark.parametrize("name", ["AWSReservedSSO_Admin_1234", "missing"])
def test_a_role_that_is_not_there_or_reserved_is_answered_alike(name: str, served_aws: ServedAws) -> None:
    arn = served_aws.account.arn(f"role/{name}")
    if name != "missing":
        served_aws.put_role(name, served_aws.trust())
    message = served_aws.message(attributes={"Role": [f"{arn},{served_aws.provider_arn}"]})
    expected = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML", 403)
    assert refusal(lambda: served_aws.assume(message, RoleArn=arn)) == expected


# ---------------------------------------------------------------------------------------------------------- paranoid


def _careful(served_aws: ServedAws, **changes: Any) -> Any:
    return served_aws.message(session_ends_at=served_aws.clock() + timedelta(hours=1), **changes)


def test_paranoid_takes_what_a_careful_issuer_sends_but_only_once(paranoid: ServedAws) -> None:
    message = _careful(paranoid)
    assert paranoid.assume(message)["Subject"] == "alice"
    code, text, _ = refusal(lambda: paranoid.assume(message))
    assert (code, text.rpartition(": ")[2]) == ("ParanoidRefusal", "it was used before")


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": "urn:other"},
        {"audience": None},
        {"recipient": "https://elsewhere.example.test/saml"},
        {"recipient": "https://signin.amazonaws-us-gov.com/saml"},
        {"recipient": "https://nowhere.signin.aws.amazon.com/saml"},
        {"audience": "urn:amazon:webservices:govcloud"},
        {"valid_for": timedelta(minutes=11)},
        {"begins_before": timedelta(minutes=-2)},
        {"session_ends_at": None},
    ],
    ids=str,
)
def test_paranoid_refuses_what_aws_lets_pass(changes: dict[str, Any], paranoid: ServedAws) -> None:
    message = replace(_careful(paranoid), **changes)
    assert refusal_code(lambda: paranoid.assume(message)) == "ParanoidRefusal"
    paranoid.local.mode = "aws"
    assert paranoid.assume(message)["Subject"] == "alice"


def test_paranoid_takes_a_statement_that_is_addressed_to_a_region_s_sign_in(paranoid: ServedAws) -> None:
    message = _careful(paranoid, recipient="https://eu-central-1.signin.aws.amazon.com/saml")
    assert paranoid.assume(message)["Subject"] == "alice"


def test_paranoid_refuses_a_statement_for_several_roles(paranoid: ServedAws) -> None:
    roles = [f"{paranoid.account.arn('role/' + name)},{paranoid.provider_arn}" for name in ("Reader", "Admin")]
    message = _careful(paranoid, attributes={"Role": roles})
    assert refusal_code(lambda: paranoid.assume(message)) == "ParanoidRefusal"


def test_attribute_names_are_exact(served_aws: ServedAws) -> None:
    message = served_aws.message()
    renamed = {
        name.replace(f"{ATTRIBUTE}Role", f"{ATTRIBUTE}role"): values for name, values in message.attributes.items()
    }
    assert refusal_code(lambda: served_aws.assume(replace(message, attributes=renamed))) == "InvalidIdentityToken"
