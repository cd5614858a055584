# ruff: noqa: F811 - fixtures are named where they are asked for
"""What a session of the local AWS may: role, session policy, tags and revocation decide, and it ends on the second."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from local_aws_factories import ServedAws, allow, policy, refusal, refusal_code
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws import provisioning


def test_a_session_may_what_the_role_may(served_aws: ServedAws) -> None:
    s3 = served_aws.client("s3", served_aws.credentials())
    assert s3.get_object(Bucket="reports", Key="a.txt")["Body"].read() == b"hello"
    code, message, status = refusal(lambda: s3.delete_object(Bucket="reports", Key="a.txt"))
    assert (code, status) == ("AccessDenied", 403)
    assert message.endswith("because no identity-based policy allows the s3:DeleteObject action")


def test_a_session_policy_only_narrows(served_aws: ServedAws) -> None:
    narrow = policy(allow("s3:GetObject", "s3:DeleteObject", resource="arn:aws:s3:::reports/team/*"))
    s3 = served_aws.client("s3", served_aws.credentials(Policy=json.dumps(narrow)))
    assert s3.get_object(Bucket="reports", Key="team/b.txt")["Body"].read() == b"numbers"
    assert refusal(lambda: s3.get_object(Bucket="reports", Key="a.txt"))[1].endswith(
        "because no session policy allows the s3:GetObject action"
    )
    assert refusal_code(lambda: s3.delete_object(Bucket="reports", Key="team/b.txt")) == "AccessDenied"


def test_a_managed_session_policy_narrows_too(served_aws: ServedAws) -> None:
    managed = provisioning.put_policy(
        served_aws.local.state, served_aws.account, "Buckets", policy(allow("s3:ListAllMyBuckets"))
    )
    s3 = served_aws.client("s3", served_aws.credentials(PolicyArns=[{"arn": managed.arn}]))
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["reports"]
    assert refusal_code(lambda: s3.get_object(Bucket="reports", Key="a.txt")) == "AccessDenied"


def test_a_few_policies_of_aws_s_own_are_there(served_aws: ServedAws) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    s3 = served_aws.client("s3", served_aws.credentials(PolicyArns=[{"arn": arn}]))
    assert s3.get_object(Bucket="reports", Key="a.txt")["Body"].read() == b"hello"
    assert refusal_code(lambda: s3.put_object(Bucket="reports", Key="a.txt", Body=b"")) == "AccessDenied"
    unknown = {"arn": "arn:aws:iam::aws:policy/NotOneOfThem"}
    assert refusal_code(lambda: served_aws.credentials(PolicyArns=[unknown])) == "MalformedPolicyDocument"


def test_a_session_ends_on_the_second(served_aws: ServedAws) -> None:
    credentials = served_aws.credentials(DurationSeconds=900)
    s3, sts = served_aws.client("s3", credentials), served_aws.sts(credentials)
    served_aws.local.state.sessions[credentials["AccessKeyId"]] = replace(
        served_aws.local.state.sessions[credentials["AccessKeyId"]],
        expires_at=served_aws.clock() + timedelta(seconds=1),
    )
    assert s3.list_buckets()["Buckets"]
    served_aws.clock.now += timedelta(seconds=1)
    assert refusal_code(s3.list_buckets) == "ExpiredToken"
    assert refusal(sts.get_caller_identity)[::2] == ("ExpiredToken", 403)


@pytest.mark.parametrize(
    "condition",
    [
        {"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}},
        {"StringEquals": {"aws:SourceIdentity": "alice"}},
        {"StringEquals": {"aws:PrincipalTag/Team": "red"}},
        {"StringLike": {"aws:userid": "*:alice@example.com"}},
        {"StringEquals": {"saml:sub": "alice"}},
    ],
    ids=str,
)
def test_a_live_session_is_revoked_by_a_deny(condition: Any, served_aws: ServedAws) -> None:
    attributes = {"PrincipalTag:team": ["red"], "SourceIdentity": ["alice"]}
    s3 = served_aws.client("s3", served_aws.assume(served_aws.message(attributes=attributes))["Credentials"])
    assert s3.list_buckets()["Buckets"]
    root = provisioning.put_access_key(served_aws.local.state, served_aws.account)
    iam = served_aws.client("iam", {"AccessKeyId": root.id, "SecretAccessKey": root.secret})
    deny = policy({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})
    iam.put_role_policy(RoleName="Reader", PolicyName="AWSRevokeOlderSessions", PolicyDocument=json.dumps(deny))
    assert refusal(s3.list_buckets)[1].endswith("with an explicit deny in an identity-based policy")


def test_tags_of_the_session_decide_where_the_policy_says_so(served_aws: ServedAws) -> None:
    own = allow("s3:GetObject", resource="arn:aws:s3:::reports/${aws:PrincipalTag/team}/*")
    served_aws.role = served_aws.put_role("ByTeam", served_aws.trust(), permissions={"own": policy(own)})
    credentials = served_aws.assume(served_aws.message(attributes={"PrincipalTag:team": ["team"]}))["Credentials"]
    s3 = served_aws.client("s3", credentials)
    assert s3.get_object(Bucket="reports", Key="team/b.txt")["Body"].read() == b"numbers"
    assert refusal_code(lambda: s3.get_object(Bucket="reports", Key="a.txt")) == "AccessDenied"


def test_a_session_dies_with_its_role(served_aws: ServedAws) -> None:
    s3 = served_aws.client("s3", served_aws.credentials())
    served_aws.account.roles.pop("Reader")
    served_aws.put_role("Reader", served_aws.trust(), permissions={"all": policy(allow("*"))})
    assert refusal_code(s3.list_buckets) == "AccessDenied"


def test_a_missing_key_looks_forbidden_to_whoever_may_not_list(served_aws: ServedAws) -> None:
    served_aws.role = served_aws.put_role(
        "Blind", served_aws.trust(), permissions={"get": policy(allow("s3:GetObject"))}
    )
    s3 = served_aws.client("s3", served_aws.credentials())
    assert refusal_code(lambda: s3.get_object(Bucket="reports", Key="nothing")) == "AccessDenied"


def test_another_account_s_bucket_stays_shut(served_aws: ServedAws) -> None:
    other = served_aws.local.account("444455556666")
    provisioning.put_bucket(served_aws.local.state, other, "theirs", {"x": b"x"})
    s3 = served_aws.client("s3", served_aws.credentials())
    assert refusal_code(lambda: s3.get_object(Bucket="theirs", Key="x")) == "AccessDenied"
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["reports"]
