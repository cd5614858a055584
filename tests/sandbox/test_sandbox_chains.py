# ruff: noqa: F811 - fixtures are named where they are asked for
"""How one session of the local AWS leads to the next: chains, users' keys, external ids, federation tokens."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from local_aws_factories import ServedAws, allow, policy, refusal, refusal_code
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws import provisioning


def seconds_left(served_aws: ServedAws, answer: Any) -> float:
    return float((answer["Credentials"]["Expiration"] - served_aws.clock()).total_seconds())


def _trusting(*principals: str, **condition: Any) -> dict[str, Any]:
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": actions}
    return policy(statement | ({"Condition": condition} if condition else {}))


def _chain(served_aws: ServedAws, attributes: dict[str, Any] | None = None) -> Any:
    """A session of a role that may assume others, and a target that trusts it by name."""
    may = allow("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
    served_aws.role = served_aws.put_role(
        "Hub", served_aws.trust(), permissions={"hop": policy(may)}, max_session=timedelta(hours=12)
    )
    served_aws.put_role("Target", _trusting(served_aws.role.arn), max_session=timedelta(hours=12))
    return served_aws.sts(served_aws.assume(served_aws.message(attributes=attributes or {}))["Credentials"])


def test_a_chained_session_lasts_an_hour_at_most(served_aws: ServedAws) -> None:
    sts, target = _chain(served_aws), served_aws.account.arn("role/Target")
    answer = sts.assume_role(RoleArn=target, RoleSessionName="next")
    assert seconds_left(served_aws, answer) == 3600
    code, message, _ = refusal(lambda: sts.assume_role(RoleArn=target, RoleSessionName="next", DurationSeconds=3601))
    assert code == "ValidationError"
    assert message.startswith(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role"
    )


def test_a_user_s_own_keys_buy_the_role_s_whole_length(served_aws: ServedAws) -> None:
    keys = served_aws.user("operator", allow("sts:AssumeRole"))
    served_aws.put_role("Target", _trusting(served_aws.account.arn("root")), max_session=timedelta(hours=12))
    answer = served_aws.sts(keys).assume_role(
        RoleArn=served_aws.account.arn("role/Target"), RoleSessionName="next", DurationSeconds=43200
    )
    assert seconds_left(served_aws, answer) == 43200


def test_transitive_tags_and_the_source_identity_follow_a_chain(served_aws: ServedAws) -> None:
    attributes = {
        "PrincipalTag:team": ["red"],
        "PrincipalTag:desk": ["4"],
        "TransitiveTagKeys": ["team"],
        "SourceIdentity": ["alice"],
    }
    sts, target = _chain(served_aws, attributes), served_aws.account.arn("role/Target")
    answer = sts.assume_role(RoleArn=target, RoleSessionName="next")
    session = served_aws.local.state.sessions[answer["Credentials"]["AccessKeyId"]]
    assert session.tags == {"team": "red"}
    assert session.source_identity == answer["SourceIdentity"] == "alice"
    again = {"RoleArn": target, "RoleSessionName": "next"}
    code, message, _ = refusal(lambda: sts.assume_role(**again, Tags=[{"Key": "Team", "Value": "blue"}]))
    assert code == "InvalidParameterValue"
    assert "conflicts with a transitive tag key from the calling session" in message
    assert refusal_code(lambda: sts.assume_role(**again, SourceIdentity="bob")) == "AccessDenied"


def test_an_external_id_is_asked_for_by_the_trust_policy(served_aws: ServedAws) -> None:
    keys = served_aws.user("operator", allow("sts:AssumeRole"))
    trust = _trusting(served_aws.account.arn("root"), StringEquals={"sts:ExternalId": "agreed"})
    served_aws.put_role("Target", trust)
    sts, call = served_aws.sts(keys), {"RoleArn": served_aws.account.arn("role/Target"), "RoleSessionName": "next"}
    assert sts.assume_role(**call, ExternalId="agreed")["AssumedRoleUser"]
    assert refusal_code(lambda: sts.assume_role(**call)) == "AccessDenied"
    assert refusal_code(lambda: sts.assume_role(**call, ExternalId="guessed")) == "AccessDenied"
    assert refusal_code(lambda: sts.assume_role(**call, ExternalId="a b")) == "ValidationError"


@pytest.mark.parametrize(
    ("trusts", "may", "is_let_in"),
    [("user", False, True), ("root", False, False), ("root", True, True), ("other", True, False)],
)
def test_who_is_named_needs_no_permission_and_who_only_belongs_does(
    trusts: str, may: bool, is_let_in: bool, served_aws: ServedAws
) -> None:
    keys = served_aws.user("operator", *([allow("sts:AssumeRole")] if may else []))
    principals = {"user": served_aws.account.arn("user/operator"), "root": served_aws.account.arn("root")}
    served_aws.put_role("Target", _trusting(principals.get(trusts, "arn:aws:iam::444455556666:root")))
    call = {"RoleArn": served_aws.account.arn("role/Target"), "RoleSessionName": "next"}
    if is_let_in:
        assert served_aws.sts(keys).assume_role(**call)["AssumedRoleUser"]
    else:
        assert refusal_code(lambda: served_aws.sts(keys).assume_role(**call)) == "AccessDenied"


def test_root_assumes_no_role(served_aws: ServedAws) -> None:
    root = provisioning.put_access_key(served_aws.local.state, served_aws.account)
    sts = served_aws.sts({"AccessKeyId": root.id, "SecretAccessKey": root.secret})
    call = {"RoleArn": served_aws.role.arn, "RoleSessionName": "next"}
    assert refusal(lambda: sts.assume_role(**call))[1] == "Roles may not be assumed by root accounts."


def test_session_tokens_are_for_long_term_keys(served_aws: ServedAws) -> None:
    keys = served_aws.user("operator", allow("s3:*"), allow("sts:*"))
    answer = served_aws.sts(keys).get_session_token()
    assert seconds_left(served_aws, answer) == 43200
    assert served_aws.client("s3", answer["Credentials"]).list_buckets()["Buckets"]
    assert refusal_code(served_aws.sts(answer["Credentials"]).get_session_token) == "AccessDenied"
    assert refusal_code(served_aws.sts(served_aws.credentials()).get_session_token) == "AccessDenied"
    assert refusal_code(lambda: served_aws.sts(keys).get_session_token(DurationSeconds=129601)) == "ValidationError"
    assert refusal_code(served_aws.client("iam", answer["Credentials"]).list_roles) == "InvalidClientTokenId"


def test_a_federation_token_may_what_both_policies_allow(served_aws: ServedAws) -> None:
    keys = served_aws.user("broker", allow("s3:ListAllMyBuckets", "s3:GetObject"), allow("sts:GetFederationToken"))
    sts = served_aws.sts(keys)
    get = json.dumps(policy(allow("s3:GetObject", "s3:PutObject")))
    answer = sts.get_federation_token(Name="alice", Policy=get)
    assert answer["FederatedUser"]["Arn"] == "arn:aws:sts::111122223333:federated-user/alice"
    s3 = served_aws.client("s3", answer["Credentials"])
    assert s3.get_object(Bucket="reports", Key="a.txt")["Body"].read() == b"hello"
    assert refusal_code(s3.list_buckets) == "AccessDenied"
    assert refusal_code(lambda: s3.put_object(Bucket="reports", Key="a.txt", Body=b"")) == "AccessDenied"
    bare = served_aws.client("s3", sts.get_federation_token(Name="alice")["Credentials"])
    assert refusal_code(lambda: bare.get_object(Bucket="reports", Key="a.txt")) == "AccessDenied"
    again = served_aws.sts(answer["Credentials"])
    assert again.get_caller_identity()["UserId"] == "111122223333:alice"
    assert (
        refusal_code(lambda: again.assume_role(RoleArn=served_aws.role.arn, RoleSessionName="next")) == "AccessDenied"
    )
