# ruff: noqa: F811 - fixtures are named where they are asked for
"""Trust policies of the local AWS see what AWS shows of a federated caller, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from local_aws_factories import ServedAws, metadata, refusal, signer
from sandbox_verdict_fixtures import served_aws  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.error_responses import Refused


@pytest.mark.parametrize(
    ("principal", "begins"),
    [
        ("*", "AssumeRolepolicy contained an invalid principal"),
        ({"Federated": "*"}, "Federated principals must be valid domain names or SAML metadata ARNs"),
    ],
    ids=["anyone", "any federated principal"],
)
def test_a_role_cannot_be_made_to_trust_any_federated_caller(
    principal: Any, begins: str, served_aws: ServedAws
) -> None:
    with pytest.raises(Refused) as refused:
        served_aws.put_role("Open", served_aws.trust(Principal=principal))
    assert refused.value.code == "MalformedPolicyDocument"
    assert refused.value.message.startswith(begins)


def _try_role(served_aws: ServedAws, trust: dict[str, Any]) -> str:
    role = served_aws.put_role("Tried", trust)
    message = served_aws.message(attributes={"Role": [f"{role.arn},{served_aws.provider_arn}"]})
    try:
        served_aws.assume(message, RoleArn=role.arn)
    except served_aws.sts().exceptions.ClientError as refused:
        error = refused.response["Error"]
        assert error["Message"] == "Not authorized to perform sts:AssumeRoleWithSAML"
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return str(error["Code"])
    return "Success"


def _null(key: str, value: str) -> dict[str, Any]:
    return {"Null": {key: value}}


def _type_is(value: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:PrincipalType": value}}


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        (None, "Success"),
        (_null("aws:PrincipalAccount", "true"), "AccessDenied"),
        (_null("aws:PrincipalAccount", "false"), "Success"),
        (_null("aws:PrincipalArn", "true"), "Success"),
        (_null("aws:PrincipalArn", "false"), "AccessDenied"),
        (_null("aws:PrincipalType", "true"), "AccessDenied"),
        (_null("aws:PrincipalType", "false"), "Success"),
        (_null("aws:userid", "true"), "AccessDenied"),
        (_null("aws:userid", "false"), "Success"),
        (_type_is("User"), "Success"),
        *((_type_is(other), "AccessDenied") for other in ("Federated", "SAMLUser", "AssumedRole", "Role")),
    ],
    ids=str,
)
def test_a_trust_policy_sees_the_keys_that_aws_shows_it(condition: Any, verdict: str, served_aws: ServedAws) -> None:
    assert _try_role(served_aws, served_aws.trust(condition=condition)) == verdict


def test_trusting_every_aws_principal_lets_no_federated_caller_in(served_aws: ServedAws) -> None:
    assert _try_role(served_aws, served_aws.trust(Principal={"AWS": "*"})) == "AccessDenied"


def test_a_provider_made_again_under_its_name_believes_only_its_new_key(served_aws: ServedAws) -> None:
    del served_aws.account.saml_providers["bridge"]
    provisioning.put_saml_provider(served_aws.local.state, served_aws.account, "bridge", metadata(signer("other")))
    assert served_aws.assume(by=signer("other"))["Subject"] == "alice"
    assert refusal(lambda: served_aws.assume(by=signer()))[:2] == ("InvalidIdentityToken", "Response signature invalid")
