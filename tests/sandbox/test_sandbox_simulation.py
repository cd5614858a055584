# ruff: noqa: F811 - fixtures are named where they are asked for
"""Simulations of policies in the local AWS tell what the call itself would be told, with unmodified boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_aws_factories import ServedAws, allow, code_of_refused, policy
from local_aws_fixtures import iam, served_aws  # noqa: F401 - fixtures

from federation_bridge.sandbox.aws import provisioning

READS_S3 = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}


def simulated(iam: Any, arn: str, *actions: str, **more: Any) -> list[tuple[str, str, str]]:
    told = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=list(actions), **more)["EvaluationResults"]
    return [(one["EvalActionName"], one["EvalResourceName"], one["EvalDecision"]) for one in told]


def test_a_simulation_tells_what_the_call_itself_would_be_told(served_aws: ServedAws, iam: Any) -> None:
    keys = served_aws.user(
        "bea", READS_S3, {"Effect": "Deny", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/no*"}
    )
    bea = served_aws.account.arn("user/bea")
    yes, no, other = (f"arn:aws:s3:::{name}" for name in ("reports/yes.txt", "reports/no.txt", "others/yes.txt"))
    assert simulated(iam, bea, "s3:GetObject", "s3:PutObject", ResourceArns=[yes, no, other]) == [
        ("s3:GetObject", yes, "allowed"),
        ("s3:GetObject", no, "explicitDeny"),
        ("s3:GetObject", other, "implicitDeny"),
        ("s3:PutObject", yes, "implicitDeny"),
        ("s3:PutObject", no, "implicitDeny"),
        ("s3:PutObject", other, "implicitDeny"),
    ]
    objects = {"yes.txt": b"y", "no.txt": b"n"}
    provisioning.put_bucket(served_aws.local.state, served_aws.account, "reports", objects)
    s3 = served_aws.client("s3", keys)
    assert s3.get_object(Bucket="reports", Key="yes.txt")["Body"].read() == b"y"
    with pytest.raises(ClientError):
        s3.get_object(Bucket="reports", Key="no.txt")


def test_a_simulation_names_the_policies_that_decide_and_what_context_is_missing(
    served_aws: ServedAws, iam: Any
) -> None:
    home = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/Team": "data"}}}  # fmt: skip
    served_aws.user("bea", READS_S3, home)
    iam.attach_user_policy(UserName="bea", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    bea = served_aws.account.arn("user/bea")
    asked = {"PolicySourceArn": bea, "ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::reports/a"]}
    (told,) = iam.simulate_principal_policy(**asked)["EvaluationResults"]
    assert [(one["SourcePolicyId"], one["SourcePolicyType"]) for one in told["MatchedStatements"]] == [
        ("user_bea_own", "user"),
        ("AmazonS3ReadOnlyAccess", "aws-managed"),
    ]
    iam.detach_user_policy(UserName="bea", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    asked |= {"ActionNames": ["s3:ListBucket"]}
    (told,) = iam.simulate_principal_policy(**asked)["EvaluationResults"]
    assert (told["EvalDecision"], told["MissingContextValues"]) == ("implicitDeny", ["aws:principaltag/team"])
    entry = {"ContextKeyName": "aws:PrincipalTag/Team", "ContextKeyValues": ["data"], "ContextKeyType": "string"}
    (told,) = iam.simulate_principal_policy(**asked, ContextEntries=[entry])["EvaluationResults"]
    assert (told["EvalDecision"], told["MissingContextValues"]) == ("allowed", [])


def test_policies_that_are_brought_count_beside_the_principal_s_own_and_a_boundary_only_takes_away(
    served_aws: ServedAws, iam: Any
) -> None:
    served_aws.user("bea", READS_S3)
    bea, reports = served_aws.account.arn("user/bea"), ["arn:aws:s3:::reports/a"]
    brought = [json.dumps(policy(allow("s3:PutObject")))]
    assert [one[2] for one in simulated(iam, bea, "s3:GetObject", "s3:PutObject", ResourceArns=reports)] == [
        "allowed",
        "implicitDeny",
    ]
    both = simulated(iam, bea, "s3:GetObject", "s3:PutObject", ResourceArns=reports, PolicyInputList=brought)
    assert [one[2] for one in both] == ["allowed", "allowed"]
    bound = {"ResourceArns": reports, "PermissionsBoundaryPolicyInputList": brought}
    assert [one[2] for one in simulated(iam, bea, "s3:GetObject", "s3:PutObject", **bound)] == [
        "implicitDeny",
        "implicitDeny",
    ]


def test_policies_alone_are_simulated_too(iam: Any) -> None:
    told = iam.simulate_custom_policy(
        PolicyInputList=[json.dumps(policy(READS_S3))],
        ActionNames=["s3:GetObject"],
        ResourceArns=["arn:aws:s3:::reports/a"],
    )["EvaluationResults"]
    assert [one["EvalDecision"] for one in told] == ["allowed"]
    assert told[0]["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PolicySourceArn": "arn:aws:iam::111122223333:user/nobody"}, "NoSuchEntity"),
        ({"PolicySourceArn": "arn:aws:iam::444455556666:user/bea"}, "InvalidInput"),
        ({"PolicySourceArn": "arn:aws:sts::111122223333:assumed-role/Reader/alice"}, "InvalidInput"),
        ({"ActionNames": []}, "InvalidInput"),
        ({"ActionNames": ["s3:*"]}, "InvalidInput"),
        ({"ActionNames": ["GetObject"]}, "InvalidInput"),
        ({"PolicyInputList": ["{"]}, "MalformedPolicyDocument"),
        ({"ResourcePolicy": "{}"}, "InvalidInput"),
    ],
    ids=str,
)
def test_a_simulation_that_cannot_be_made_is_refused(served_aws: ServedAws, iam: Any, changes: Any, code: str) -> None:
    asked = {"PolicySourceArn": served_aws.role.arn, "ActionNames": ["s3:GetObject"]}
    with pytest.raises(ClientError) as refused:
        iam.simulate_principal_policy(**asked | changes)
    assert code_of_refused(refused) == code
