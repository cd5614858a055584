# ruff: noqa: F811 - fixtures are named where they are asked for
"""What ends sessions in the local AWS: versions of a policy, boundaries, inline policies, and their delay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from local_aws_factories import ServedAws, allow, policy, refusal, served
from local_aws_fixtures import iam  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.faults import Fault
from federation_bridge.sandbox.aws.state import State
from federation_bridge.sandbox.aws.state_file import read_state, write_state

ALLOW_ALL = allow("*")
NOBODY = policy(ALLOW_ALL)


@pytest.fixture
def served_aws() -> Iterator[ServedAws]:
    with served() as made:
        provisioning.put_bucket(made.local.state, made.account, "reports")
        yield made


@pytest.fixture
def arn(served_aws: ServedAws, iam: Any) -> str:
    """A policy that allows all, as the boundary of a role that may everything with S3."""
    made = iam.create_policy(PolicyName="revocations", PolicyDocument=json.dumps(NOBODY))["Policy"]["Arn"]
    name = served_aws.role.name
    iam.put_role_policy(RoleName=name, PolicyName="s3", PolicyDocument=json.dumps(policy(allow("s3:*", "sts:*"))))
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=made)
    return str(made)


def _session(aws: ServedAws, source: str = "alice") -> Any:
    return aws.assume(aws.message(attributes={"SourceIdentity": [source]}))["Credentials"]


def _is_denied(aws: ServedAws, credentials: Any) -> bool:
    try:
        aws.client("s3", credentials).list_objects_v2(Bucket="reports")
    except aws.client("s3", credentials).exceptions.ClientError as refused:
        assert refused.response["Error"]["Code"] == "AccessDenied"
        return True
    return False


def _denying(source: str, before: str) -> str:
    condition = {"StringEquals": {"aws:SourceIdentity": source}, "DateLessThan": {"aws:TokenIssueTime": before}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    return json.dumps(policy(ALLOW_ALL, deny))


def _ahead(aws: ServedAws, seconds: int = 30) -> str:
    return (aws.clock() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_new_default_version_denies_a_live_session_and_nobody_elses(
    served_aws: ServedAws, iam: Any, arn: str
) -> None:
    alice, ravi = _session(served_aws), _session(served_aws, "ravi")
    assert not _is_denied(served_aws, alice)

    iam.create_policy_version(PolicyArn=arn, PolicyDocument=_denying("alice", _ahead(served_aws)), SetAsDefault=True)

    assert _is_denied(served_aws, alice)
    assert not _is_denied(served_aws, ravi)
    served_aws.clock.now += timedelta(seconds=30)
    assert not _is_denied(served_aws, _session(served_aws)), "who is let in again after the time"
    assert _is_denied(served_aws, alice)


def test_a_version_that_is_no_default_denies_nobody(served_aws: ServedAws, iam: Any, arn: str) -> None:
    alice = _session(served_aws)
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=_denying("alice", _ahead(served_aws)))
    assert not _is_denied(served_aws, alice)

    iam.set_default_policy_version(PolicyArn=arn, VersionId=made["PolicyVersion"]["VersionId"])

    assert _is_denied(served_aws, alice)


def test_a_boundary_gives_nothing(served_aws: ServedAws, iam: Any, arn: str) -> None:
    """What its writer allows there, the role still may not."""
    code, message, _ = refusal(served_aws.client("iam", _session(served_aws)).list_roles)

    assert code == "AccessDenied"
    assert "no identity-based policy allows" in message


def test_a_boundary_that_allows_nothing_or_is_gone_takes_everything(served_aws: ServedAws, iam: Any, arn: str) -> None:
    alice = _session(served_aws)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(policy(allow("ec2:*"))), SetAsDefault=True)

    with pytest.raises(Exception, match="no permissions boundary allows"):
        served_aws.client("s3", alice).list_objects_v2(Bucket="reports")
    iam.delete_role_permissions_boundary(RoleName=served_aws.role.name)
    assert not _is_denied(served_aws, alice)


def test_a_denied_session_still_hears_who_it_is_and_assumes_no_other_role(
    served_aws: ServedAws, iam: Any, arn: str
) -> None:
    alice = _session(served_aws)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=_denying("alice", _ahead(served_aws)), SetAsDefault=True)

    assert served_aws.sts(alice).get_caller_identity()["Account"] == served_aws.account.id
    wanted = {"RoleArn": served_aws.role.arn, "RoleSessionName": "other"}
    assert refusal(lambda: served_aws.sts(alice).assume_role(**wanted))[0] == "AccessDenied"


def test_an_inline_policy_denies_as_well(served_aws: ServedAws, iam: Any, arn: str) -> None:
    alice = _session(served_aws)
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    iam.put_role_policy(RoleName=served_aws.role.name, PolicyName="revoked", PolicyDocument=json.dumps(policy(deny)))

    assert _is_denied(served_aws, alice)


def test_five_versions_and_no_sixth_until_one_is_deleted(iam: Any, arn: str) -> None:
    text = json.dumps(NOBODY)
    for number in range(2, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)["PolicyVersion"]
        assert made["VersionId"] == f"v{number}"
    assert refusal(lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=text))[0] == "LimitExceeded"
    assert refusal(lambda: iam.delete_policy_version(PolicyArn=arn, VersionId="v5"))[0] == "DeleteConflict"
    assert refusal(lambda: iam.delete_policy_version(PolicyArn=arn, VersionId="v9"))[0] == "NoSuchEntity"

    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")

    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=text)["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v6", False)
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [one["VersionId"] for one in listed] == ["v6", "v5", "v4", "v3", "v2"]
    assert [one["VersionId"] for one in listed if one["IsDefaultVersion"]] == ["v5"]


def test_a_policy_is_as_long_as_iam_lets_it_be_without_its_whitespace(iam: Any, arn: str) -> None:
    fill = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["*"]}
    room = 6_144 - len(json.dumps(policy(fill), separators=(",", ":")))
    fill["Resource"] = ["arn:aws:s3:::" + "x" * (room - 3 - len("arn:aws:s3:::")), "*"]
    fits = json.dumps(policy(fill), indent=8)

    iam.create_policy_version(PolicyArn=arn, PolicyDocument=fits)

    longer = fits.replace("xxx", "xxxx", 1)
    assert refusal(lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=longer))[0] == "LimitExceeded"


def test_a_version_reads_back_as_it_was_written(iam: Any, arn: str) -> None:
    wanted = _denying("alice", "2026-11-29T12:00:00Z")
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=wanted)["PolicyVersion"]

    found = iam.get_policy_version(PolicyArn=arn, VersionId=made["VersionId"])["PolicyVersion"]

    assert found["Document"] == json.loads(wanted)


def test_a_policy_in_use_as_a_boundary_is_not_deleted_and_tells_who_uses_it(
    served_aws: ServedAws, iam: Any, arn: str
) -> None:
    assert refusal(lambda: iam.delete_policy(PolicyArn=arn))[0] == "DeleteConflict"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    boundary = iam.get_role(RoleName=served_aws.role.name)["Role"]["PermissionsBoundary"]
    assert boundary == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def test_a_boundary_has_to_be_a_policy_that_is_there(served_aws: ServedAws, iam: Any) -> None:
    missing = served_aws.account.arn("policy/missing")
    wanted = {"RoleName": served_aws.role.name, "PermissionsBoundary": missing}
    assert refusal(lambda: iam.put_role_permissions_boundary(**wanted))[0] == "NoSuchEntity"


def test_a_change_arrives_after_the_propagation(served_aws: ServedAws, iam: Any, arn: str) -> None:
    alice = _session(served_aws)
    served_aws.clock.now += timedelta(minutes=1)
    served_aws.local.faults.set(Fault("propagation", seconds=20))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=_denying("alice", _ahead(served_aws)), SetAsDefault=True)

    assert not _is_denied(served_aws, alice)
    served_aws.clock.now += timedelta(seconds=19)
    assert not _is_denied(served_aws, alice)
    served_aws.clock.now += timedelta(seconds=1)
    assert _is_denied(served_aws, alice)
    iam.delete_role_permissions_boundary(RoleName=served_aws.role.name)
    assert _is_denied(served_aws, alice), "so does an attachment that ends"
    served_aws.clock.now += timedelta(seconds=20)
    assert not _is_denied(served_aws, alice)


def test_iam_throttles_on_demand(served_aws: ServedAws, iam: Any, arn: str) -> None:
    served_aws.local.faults.set(Fault("throttle", service="iam", action="CreatePolicyVersion", times=1))
    text = json.dumps(NOBODY)

    assert refusal(lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=text))[0] == "Throttling"
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=text)


def test_versions_and_boundaries_outlive_a_restart(served_aws: ServedAws, iam: Any, arn: str, tmp_path: Path) -> None:
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=_denying("alice", _ahead(served_aws)), SetAsDefault=True)
    write_state(tmp_path / "aws.json", served_aws.local.state)

    again = State(served_aws.clock)
    read_state(tmp_path / "aws.json", again)

    account = again.accounts[served_aws.account.id]
    assert account.policies[arn].version == "v2"
    assert [one.id for one in account.policies[arn].versions] == ["v2", "v1"]
    assert account.roles[served_aws.role.name].boundary == arn


def test_only_who_may_version_that_policy_does(served_aws: ServedAws, iam: Any, arn: str) -> None:
    """The least that a revoking role needs: this policy and no other, and no role."""
    name = served_aws.role.name
    iam.delete_role_permissions_boundary(RoleName=name)
    may = [f"iam:{verb}" for verb in ("CreatePolicyVersion", "DeletePolicyVersion", "ListPolicyVersions", "GetPolicy")]
    iam.put_role_policy(RoleName=name, PolicyName="s3", PolicyDocument=json.dumps(policy(allow(*may, resource=arn))))
    other = iam.create_policy(PolicyName="other", PolicyDocument=json.dumps(NOBODY))["Policy"]["Arn"]
    revoker = served_aws.client("iam", _session(served_aws))
    text = json.dumps(NOBODY)

    revoker.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)

    assert refusal(lambda: revoker.create_policy_version(PolicyArn=other, PolicyDocument=text))[0] == "AccessDenied"
    denied = {"RoleName": name, "PermissionsBoundary": arn}
    assert refusal(lambda: revoker.put_role_permissions_boundary(**denied))[0] == "AccessDenied"
