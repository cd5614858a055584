# ruff: noqa: F811 - fixtures are named where they are asked for
"""AWS's own managed policies and accounts as a whole in the local AWS, with unmodified boto3."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_aws_factories import ServedAws, allow, code_of_refused, policy
from local_aws_fixtures import iam, served_aws  # noqa: F401 - fixtures
from moto.iam.aws_managed_policies import aws_managed_policies_data

from federation_bridge.sandbox.aws import managed_policies
from federation_bridge.sandbox.aws.managed_policies import policy_of_aws, published_names
from federation_bridge.sandbox.aws.policy import patterns
from federation_bridge.sandbox.aws.policy.evaluation import Request, Verdict, decide

DOCS = Path(__file__).parents[2] / "docs"
READS_S3 = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}

# -------------------------------------------------------------------------------------------------- AWS's own policies


def test_every_policy_is_the_one_that_aws_published() -> None:
    """Moto brings all of AWS's policies. Where it has a newer version, ours is not newer and has its name and path."""
    theirs = json.loads(aws_managed_policies_data)
    for name in published_names():
        found, other = policy_of_aws(f"arn:aws:iam::aws:policy/{name}"), theirs[name.rpartition("/")[2]]
        assert found is not None
        assert found.path == other["Path"]
        assert int(found.version[1:]) <= int(other["DefaultVersionId"][1:])
        if found.version == other["DefaultVersionId"]:
            shown = json.loads(found.policy.text)
            assert shown["Statement"] == other["Document"]["Statement"]


JOBS = ("Billing", "DataScientist", "DatabaseAdministrator", "NetworkAdministrator", "SupportUser",
        "SystemAdministrator", "ViewOnlyAccess")  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "SecurityAudit", "AmazonEC2ReadOnlyAccess",
     *(f"job-function/{job}" for job in JOBS)],
)  # fmt: skip
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_policies_that_people_use_are_there_in_every_partition(name: str, partition: str) -> None:
    found = policy_of_aws(f"arn:{partition}:iam::aws:policy/{name}")
    assert found is not None
    assert found.arn == f"arn:{partition}:iam::aws:policy/{name}"


def test_every_policy_that_our_documents_name_is_there() -> None:
    texts = [page.read_text("utf-8") for page in (*DOCS.rglob("*.md"), DOCS.parent / "README.md")]
    named = {arn for text in texts for arn in re.findall(r"arn:aws[a-z-]*:iam::aws:policy/[\w/-]+", text)}
    assert named
    assert [arn for arn in named if policy_of_aws(arn) is None] == []


@pytest.mark.parametrize(
    "name",
    ["", "Nothing", "../managed_policies", "job-function/../SecurityAudit", "job-function/", "ViewOnlyAccess",
     "job-function/SecurityAudit", "SecurityAudit.json", "securityaudit", "/etc/passwd", "a" * 600, "SecurityAudit\n"],
)  # fmt: skip
def test_a_policy_that_is_not_there_is_none_and_no_name_leads_to_another_file(name: str) -> None:
    assert policy_of_aws(f"arn:aws:iam::aws:policy/{name}") is None


DECISIONS = [
    ("SecurityAudit", "iam:GetAccountSummary", Verdict.ALLOWED),
    ("SecurityAudit", "s3:GetBucketPolicy", Verdict.ALLOWED),
    ("SecurityAudit", "s3:GetObject", Verdict.SILENT),
    ("PowerUserAccess", "ec2:RunInstances", Verdict.ALLOWED),
    ("PowerUserAccess", "iam:CreateUser", Verdict.SILENT),
    ("PowerUserAccess", "iam:ListRoles", Verdict.ALLOWED),
    ("AmazonEC2ReadOnlyAccess", "ec2:DescribeInstances", Verdict.ALLOWED),
    ("AmazonEC2ReadOnlyAccess", "ec2:RunInstances", Verdict.SILENT),
    ("job-function/ViewOnlyAccess", "s3:ListAllMyBuckets", Verdict.ALLOWED),
    ("job-function/ViewOnlyAccess", "s3:GetObject", Verdict.SILENT),
    ("job-function/Billing", "budgets:ViewBudget", Verdict.ALLOWED),
    ("job-function/Billing", "s3:GetObject", Verdict.SILENT),
    ("job-function/DatabaseAdministrator", "rds:CreateDBInstance", Verdict.ALLOWED),
    ("job-function/NetworkAdministrator", "ec2:CreateVpc", Verdict.ALLOWED),
    ("job-function/SupportUser", "support:CreateCase", Verdict.ALLOWED),
    ("ReadOnlyAccess", "s3:GetObject", Verdict.ALLOWED),
    ("ReadOnlyAccess", "s3:PutObject", Verdict.SILENT),
    ("ReadOnlyAccess", "S3:getobject", Verdict.ALLOWED),
    ("AdministratorAccess", "anything:AtAll", Verdict.ALLOWED),
]


@pytest.mark.parametrize(("name", "action", "verdict"), DECISIONS)
def test_a_policy_allows_what_aws_s_allows(name: str, action: str, verdict: Verdict) -> None:
    found = policy_of_aws(f"arn:aws:iam::aws:policy/{name}")
    assert found is not None
    assert decide([found.policy], Request(action, "arn:aws:s3:::reports/a.txt", {})) is verdict


def test_nothing_of_the_policies_is_read_before_somebody_asks() -> None:
    asks = (
        "import sys; from federation_bridge.sandbox.aws.local_aws import make_local_aws;"
        "from federation_bridge.sandbox.aws import managed_policies as m;"
        "make_local_aws(); print(m.published_names.cache_info().currsize, m._source.cache_info().currsize)"
    )
    ran = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0", "0"]
    managed_policies._source.cache_clear()
    assert policy_of_aws("arn:aws:iam::aws:policy/job-function/SupportUser")
    assert managed_policies._source.cache_info().currsize <= 1


def test_a_decision_makes_patterns_of_the_service_s_own_actions_alone() -> None:
    found = policy_of_aws("arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert found is not None
    named = sum(one.startswith("cloudtrail:") for one in found.policy.statements[0].actions)
    patterns._compiled.cache_clear()
    decide([found.policy], Request("cloudtrail:NoSuchCall", "*", {}))
    assert 0 < patterns._compiled.cache_info().misses <= named + 10


def test_a_role_reads_by_a_policy_of_aws_and_writes_nothing(served_aws: ServedAws, iam: Any) -> None:
    iam.attach_role_policy(RoleName=served_aws.role.name, PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")
    iam.delete_role_policy(RoleName=served_aws.role.name, PolicyName=next(iter(served_aws.role.inline)))
    session = served_aws.client("iam", served_aws.credentials())
    assert session.list_account_aliases()["AccountAliases"] == []
    with pytest.raises(ClientError) as refused:
        session.create_account_alias(AccountAlias="ours")
    assert code_of_refused(refused) == "AccessDenied"


def test_policies_of_aws_are_told_by_iam(iam: Any) -> None:
    arn = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
    told = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (told["PolicyName"], told["Path"], told["Arn"]) == ("ViewOnlyAccess", "/job-function/", arn)
    version = iam.get_policy_version(PolicyArn=arn, VersionId=told["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"]["Version"] == "2012-10-17"
    own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(policy(allow("s3:*"))))["Policy"]["Arn"]
    listed = {scope: {one["Arn"] for one in iam.list_policies(Scope=scope)["Policies"]} for scope in ("AWS", "Local")}
    assert arn in listed["AWS"]
    assert listed["Local"] == {own}
    assert {one["Arn"] for one in iam.list_policies()["Policies"]} == listed["AWS"] | {own}
    with pytest.raises(ClientError) as refused:
        iam.delete_policy(PolicyArn=arn)
    assert code_of_refused(refused) == "AccessDenied"
    with pytest.raises(ClientError):
        iam.list_policies(Scope="Everything")


def test_a_user_has_policies_attached_and_detached(served_aws: ServedAws, iam: Any) -> None:
    keys = served_aws.user("bea")
    arn = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    iam.attach_user_policy(UserName="bea", PolicyArn=arn)
    told = iam.list_attached_user_policies(UserName="bea")["AttachedPolicies"]
    assert told == [{"PolicyName": "IAMReadOnlyAccess", "PolicyArn": arn}]
    assert served_aws.client("iam", keys).list_roles()["Roles"]
    iam.detach_user_policy(UserName="bea", PolicyArn=arn)
    with pytest.raises(ClientError):
        served_aws.client("iam", keys).list_roles()


# --------------------------------------------------------------------------------------------------- a whole account


def test_an_account_s_alias_is_made_told_and_deleted(served_aws: ServedAws, iam: Any) -> None:
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias="our-company")
    assert iam.list_account_aliases()["AccountAliases"] == ["our-company"]
    served_aws.local.account("444455556666", alias="taken")
    for alias, code in (("taken", "EntityAlreadyExists"), ("Capital", "ValidationError"), ("a--b", "ValidationError")):
        with pytest.raises(ClientError) as refused:
            iam.create_account_alias(AccountAlias=alias)
        assert code_of_refused(refused) == code
    with pytest.raises(ClientError) as refused:
        iam.delete_account_alias(AccountAlias="taken")
    assert code_of_refused(refused) == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias="our-company")
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_the_summary_counts_what_is_there_and_names_every_number_that_aws_names(
    served_aws: ServedAws, iam: Any
) -> None:
    before = iam.get_account_summary()["SummaryMap"]
    model = iam.meta.service_model.shape_for("summaryMapType")
    assert set(before) == set(model.key.enum)
    served_aws.user("bea", allow("s3:GetObject"))
    iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(policy(allow("s3:*"))))
    after = iam.get_account_summary()["SummaryMap"]
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert changed == {"Users": 1, "Policies": 1}
    assert (after["Roles"], after["Providers"]) == (len(served_aws.account.roles), 1)
    assert after["AccountAccessKeysPresent"] == 1


@pytest.mark.parametrize(
    ("action", "call"),
    [
        ("iam:ListAccountAliases", lambda iam, _: iam.list_account_aliases()),
        ("iam:GetAccountSummary", lambda iam, _: iam.get_account_summary()),
        (
            "iam:SimulatePrincipalPolicy",
            lambda iam, arn: iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"]),
        ),
        (
            "iam:SimulateCustomPolicy",
            lambda iam, _: iam.simulate_custom_policy(
                PolicyInputList=[json.dumps(policy(READS_S3))], ActionNames=["s3:GetObject"]
            ),
        ),
    ],
)
def test_who_may_not_ask_is_refused_and_who_may_is_answered(served_aws: ServedAws, action: str, call: Any) -> None:
    stranger = served_aws.client("iam", served_aws.user("stranger", allow("s3:*")))
    with pytest.raises(ClientError) as refused:
        call(stranger, served_aws.role.arn)
    assert code_of_refused(refused) == "AccessDenied"
    assert action in refused.value.response["Error"]["Message"]
    call(served_aws.client("iam", served_aws.user("reader", allow(action))), served_aws.role.arn)


def test_a_permission_to_simulate_one_role_is_none_for_another(served_aws: ServedAws) -> None:
    narrow = served_aws.user("narrow", allow("iam:SimulatePrincipalPolicy", resource=served_aws.role.arn))
    iam = served_aws.client("iam", narrow)
    asked = {"ActionNames": ["s3:GetObject"]}
    assert iam.simulate_principal_policy(PolicySourceArn=served_aws.role.arn, **asked)["EvaluationResults"]
    with pytest.raises(ClientError) as refused:
        iam.simulate_principal_policy(PolicySourceArn=f"{served_aws.role.arn}2", **asked)
    assert code_of_refused(refused) == "AccessDenied"
