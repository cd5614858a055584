"""deploy/cloudformation: each template is one that CloudFormation takes, in each partition, and opens what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from cloudformation_templates import FOLDER, FULL, GIVEN, NAMES, PARTITIONS, Filled, statements, template, text

from federation_bridge.administration.keys import _LEAD
from federation_bridge.signing import Purpose

LARGEST = 51_200
"""Bytes of a template that AWS takes without a bucket for it."""
KEPT = {
    "AWS::S3::Bucket": "Retain",
    "AWS::CloudFront::Distribution": "Retain",
    "AWS::RDS::DBCluster": "Snapshot",
    "AWS::Logs::LogGroup": "Retain",
}
"""What holds data or a name, and what becomes of it when its stack or its description goes."""
TEMPLATES = {"network", "database", "tasks", "service", "issuer"}


@pytest.mark.parametrize("name", NAMES)
def test_a_template_fits_into_one_call(name: str) -> None:
    assert len(text(name).encode()) <= LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_has_a_description_and_bounds(name: str) -> None:
    for label, one in template(name).get("Parameters", {}).items():
        is_bound = (
            one.keys() & {"AllowedPattern", "AllowedValues", "MinValue"} or one["Type"].partition("<")[0] != "String"
        )
        assert one["Description"] and is_bound, label
        if "AllowedPattern" in one:
            re.compile(one["AllowedPattern"])
            assert one["ConstraintDescription"], label


@pytest.mark.parametrize("name", NAMES)
def test_no_partition_and_no_region_is_written_down(name: str) -> None:
    lines = [line for line in text(name).splitlines() if not re.search(r"AllowedPattern|Description|^ *#", line)]
    assert [line for line in lines if re.search(r"arn:aws|amazonaws\.com|[a-z]{2}-[a-z]+-[0-9]\b", line)] == [
        line for line in lines if re.search(r"Service: [a-z-]+\.amazonaws\.com", line)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_what_holds_data_outlives_its_stack(name: str) -> None:
    for label, one in template(name)["Resources"].items():
        if one["Type"] in KEPT:
            kept = KEPT[one["Type"]]
            assert (one.get("DeletionPolicy"), one.get("UpdateReplacePolicy")) == (kept, kept), label


def test_each_kind_that_holds_data_is_in_a_template() -> None:
    assert KEPT.keys() <= {one["Type"] for name in NAMES for one in template(name)["Resources"].values()}


def test_every_template_is_looked_at() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {f"{name}.yaml" for name in TEMPLATES}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", [GIVEN, FULL], ids=["least", "all"])
def test_what_an_operator_gives_keeps_to_the_patterns(name: str, given: dict[str, str]) -> None:
    for label, one in template(name)["Parameters"].items():
        value = given.get(label, one.get("Default"))
        assert value is not None, label
        if "AllowedPattern" in one:
            assert re.fullmatch(one["AllowedPattern"], str(value)), label


@pytest.mark.parametrize(
    ("name", "parameter", "wrong"),
    [
        ("tasks", "ImageDigest", "latest"),
        ("tasks", "HostName", "https://aws.example.com"),
        ("tasks", "Connections", "corp: {}"),
        ("tasks", "SealingKeyArn", "c2VjcmV0"),
        ("service", "CertificateArn", "certificate"),
        ("service", "NodeTask", "bridge-node"),
        ("database", "EngineVersion", "17"),
        ("issuer", "IssuerCertificateArn", "arn:aws:acm:eu-central-1:111122223333:certificate/0"),
        ("network", "NetworkRange", "203.0.113.0/22"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_made(name: str, parameter: str, wrong: str) -> None:
    assert not re.fullmatch(template(name)["Parameters"][parameter]["AllowedPattern"], wrong)


# ------------------------------------------------------------------------------------------------------------ IAM


ACTIONS = {
    "ecr:GetAuthorizationToken": "*",
    "ecr:BatchGetImage": "repository/federation-bridge",
    "ecr:GetDownloadUrlForLayer": "repository/federation-bridge",
    "logs:CreateLogStream": "<Log.Arn>",
    "logs:PutLogEvents": "<Log.Arn>",
    "secretsmanager:GetSecretValue": ":secret:",
    "kms:Decrypt": ":key/0",
}
"""Everything that any role of the templates may do, and how the resource ends or what it names. The first has none: IAM
takes nothing but `*` for it, and it gives a way in to no image by itself."""
READ_BY = {
    "NodeStart": {"password", "sealing-key", "certificates", "client-1", "client-2", "mail"},
    "MigrationStart": {"rds!cluster-0", "password", "sealing-key", "certificates"},
}
"""The secrets that each role reads."""


def allowed(partition: str = "aws") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every role, with the role's name."""
    for name in NAMES:
        for label, role in Filled(name, FULL, partition).resources("AWS::IAM::Role").items():
            assert role["Properties"].keys() == {"AssumeRolePolicyDocument", "Policies"}, (
                "a managed policy hides its actions"
            )
            for policy in role["Properties"]["Policies"]:
                for statement in statements(policy["PolicyDocument"]):
                    yield label, statement


def test_roles_may_do_what_is_written_here_and_no_more() -> None:
    found = {action for _, statement in allowed() for action in statement["Action"]}
    assert found == set(ACTIONS)
    for _, statement in allowed():
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            for resource in statement["Resource"]:
                assert ACTIONS[action] in resource
                assert "*" not in resource or action == "ecr:GetAuthorizationToken", (action, resource)


def test_each_role_reads_its_own_secrets_alone() -> None:
    read = {
        label: {arn.partition(":secret:")[2].removesuffix("-Ab1Cd2") for arn in statement["Resource"]}
        for label, statement in allowed()
        if statement["Action"] == ["secretsmanager:GetSecretValue"]
    }
    assert read == READ_BY


@pytest.mark.parametrize("partition", PARTITIONS)
def test_resources_of_roles_lie_in_the_partition_of_the_stack(partition: str) -> None:
    written = [one for _, statement in allowed(partition) for one in statement["Resource"] if "repository" in one]
    assert {one.split(":")[1] for one in written} == {partition}


def test_only_ecs_of_this_account_takes_a_role() -> None:
    for role in Filled("tasks", FULL).resources("AWS::IAM::Role").values():
        (trusted,) = statements(role["Properties"]["AssumeRolePolicyDocument"])
        assert trusted["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trusted["Action"] == ["sts:AssumeRole"]
        assert trusted["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "111122223333"},
            "ArnLike": {"aws:SourceArn": "arn:aws:ecs:eu-central-1:111122223333:*"},
        }


def test_what_runs_has_no_credentials_of_aws() -> None:
    # ECS hands the credentials of the task role to whatever runs in the task, those of the execution role to nothing.
    for task in Filled("tasks", FULL).resources("AWS::ECS::TaskDefinition").values():
        assert "TaskRoleArn" not in task["Properties"]
    assert not Filled("service", FULL).resource("Service")["Properties"]["EnableExecuteCommand"]


# --------------------------------------------------------------------------------------------------------- issuer


def issuer(partition: str = "aws") -> Filled:
    return Filled("issuer", GIVEN, partition)


def test_the_issuers_bucket_is_read_by_its_distribution_alone_and_only_two_files() -> None:
    bucket = issuer().resource("Files")["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    refused, allowed = statements(issuer().resource("FilesPolicy")["Properties"]["PolicyDocument"])
    assert (refused["Effect"], refused["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert allowed["Action"] == ["s3:GetObject"]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert allowed["Resource"] == [
        "<Files.Arn>/.well-known/openid-configuration",
        "<Files.Arn>/.well-known/jwks.json",
    ]
    assert allowed["Condition"] == {
        "StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::111122223333:distribution/<Distribution>"}
    }


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_without_cloudfront_nobody_reads_the_issuers_bucket(partition: str) -> None:
    made = issuer(partition).resources()
    assert sorted(made) == ["Files", "FilesPolicy"]
    (only,) = statements(made["FilesPolicy"]["Properties"]["PolicyDocument"])
    assert only["Effect"] == "Deny"


def test_the_issuer_speaks_tls_alone_and_is_asked_for_nothing_but_documents() -> None:
    config = issuer().resource("Distribution")["Properties"]["DistributionConfig"]
    behavior = config["DefaultCacheBehavior"]
    assert behavior["ViewerProtocolPolicy"] == "https-only"
    assert behavior["AllowedMethods"] == ["GET", "HEAD"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["Origins"][0]["OriginAccessControlId"] == "<OriginAccess.Id>"


def test_a_key_set_is_out_of_cloudfronts_caches_long_before_a_new_key_signs() -> None:
    cache = issuer().resource("FiveMinutes")["Properties"]["CachePolicyConfig"]
    longest = max(cache["MinTTL"], cache["DefaultTTL"], cache["MaxTTL"])
    assert longest * 6 <= _LEAD[Purpose.AWS_OIDC].total_seconds()
