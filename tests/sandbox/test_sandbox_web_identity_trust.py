# ruff: noqa: F811 - fixtures are named where they are asked for
"""Tags, trust policies and limits of AssumeRoleWithWebIdentity, as the real STS was seen to hold them."""

# ruff: noqa: E501 - the rows of a table stay on one line; odd digits are the point of their case

from __future__ import annotations

from typing import Any

import pytest
from local_aws_factories import refusal
from sandbox_web_identity_fixtures import TAGS, Web, token, web  # noqa: F401 - a fixture


@pytest.mark.parametrize(
    "claims",
    [
        {TAGS: {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]}},
        {f"{TAGS}/principal_tags/team": "red", f"{TAGS}/transitive_tag_keys": ["team"]},
    ],
)
def test_tags_are_taken_nested_or_flat(claims: dict[str, Any], web: Web) -> None:
    web.ask(web.claims(**claims, **{"https://aws.amazon.com/source_identity": "alice"}))
    (session,) = web.served_aws.local.state.sessions.values()
    assert (session.tags, session.transitive_tags) == ({"team": "red"}, ("team",))
    assert session.source_identity == "alice"


@pytest.mark.parametrize(
    ("claims", "action"),
    [
        ({f"{TAGS}/principal_tags/team": "red"}, "sts:TagSession"),
        ({"https://aws.amazon.com/source_identity": "alice"}, "sts:SetSourceIdentity"),
    ],
)
def test_tags_and_source_identity_need_the_role_s_trust(claims: dict[str, Any], action: str, web: Web) -> None:
    actions = {"sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"} - {action}
    provider = web.served_aws.account.arn("oidc-provider/issuer.example.test")
    web.served_aws.role = web.served_aws.put_role(
        "Less", web.served_aws.trust(*actions, Principal={"Federated": provider})
    )
    expected = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    assert refusal(lambda: web.ask(web.claims(**claims))) == expected
    assert web.ask()["Provider"]


@pytest.mark.parametrize(
    ("condition", "is_let_in"),
    [
        ({"StringEquals": {"issuer.example.test:aud": "sts.amazonaws.com", "issuer.example.test:sub": "person-1"}}, True),
        ({"StringEquals": {"issuer.example.test:aud": "other"}}, False),
        ({"StringLike": {"issuer.example.test:sub": "person-*"}}, True),
        ({"StringEquals": {"issuer.example.test:email": "alice@example.com"}}, True),
        ({"ForAnyValue:StringEquals": {"issuer.example.test:amr": "mfa"}}, True),
        ({"StringEquals": {"issuer.example.test:oaud": "sts.amazonaws.com"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "alice"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "bob"}}, False),
        ({"StringEquals": {"aws:PrincipalType": "User"}, "Null": {"aws:PrincipalArn": "true"}}, True),
    ],
)  # fmt: skip
def test_a_trust_policy_sees_the_token_s_keys(condition: dict[str, Any], is_let_in: bool, web: Web) -> None:
    provider = web.served_aws.account.arn("oidc-provider/issuer.example.test")
    trust = web.served_aws.trust(
        "sts:AssumeRoleWithWebIdentity", Principal={"Federated": provider}, condition=condition
    )
    web.served_aws.role = web.served_aws.put_role("Narrow", trust)
    claims = web.claims(email="alice@example.com", amr=["pwd", "mfa"])
    if is_let_in:
        assert web.ask(claims)["Provider"]
    else:
        assert refusal(lambda: web.ask(claims))[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"ProviderId": "www.amazon.com"}, "InvalidIdentityToken"),
        ({"ProviderId": "graph.facebook.com"}, "AccessDenied"),
        ({"RoleArn": "arn:aws:iam::111122223333:role/Nobody"}, "AccessDenied"),
        ({"RoleArn": "arn:aws:iam::111122223333:role/web"}, "AccessDenied"),
        ({"RoleArn": "arn:aws:iam::999999999999:role/Web"}, "InvalidIdentityToken"),
        ({"RoleSessionName": "a"}, "ValidationError"),
        ({"RoleSessionName": "a b"}, "ValidationError"),
        ({"DurationSeconds": 899}, "ValidationError"),
        ({"DurationSeconds": 7201}, "ValidationError"),
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"Policy": " " * 2049}, "ValidationError"),
        ({"WebIdentityToken": "a" * 20001}, "ValidationError"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_parameters_are_held_to_their_limits(call: dict[str, Any], code: str, web: Web) -> None:
    assert refusal(lambda: web.send(token(web.claims()), **call) if "WebIdentityToken" not in call else web.served_aws.sts().assume_role_with_web_identity(RoleArn=web.served_aws.role.arn, RoleSessionName="alice", **call))[0] == code  # fmt: skip
