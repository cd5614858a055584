# ruff: noqa: F811 - fixtures are named where they are asked for
"""The real AWS CLI v2 at the local AWS: an account set up, a person let in, held to the policies and followed."""

# ruff: noqa: E501 - the rows of a table stay on one line

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cli import AwsCli, aws_program
from local_aws_factories import ENTITY_ID, ServedAws, allow, metadata, policy, response, signer
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.faults import Fault
from federation_bridge.sandbox.identity_provider.saml_message import Signer

pytestmark = pytest.mark.interop

PROVIDER = "arn:aws:iam::111122223333:saml-provider/company"
ROLE = "arn:aws:iam::111122223333:role/Analyst"


@pytest.fixture
def aws(served_aws: ServedAws, tmp_path: Path) -> AwsCli:
    root = provisioning.put_access_key(served_aws.local.state, served_aws.account)
    return AwsCli(aws_program(), tmp_path, served_aws.address, {"AccessKeyId": root.id, "SecretAccessKey": root.secret})


@pytest.fixture
def provisioned(served_aws: ServedAws, aws: AwsCli) -> AwsCli:
    (aws.home / "metadata.xml").write_bytes(metadata())
    pinned = {"StringEquals": {"saml:aud": "https://signin.aws.amazon.com/saml", "saml:iss": ENTITY_ID}}
    trust = served_aws.trust(Principal={"Federated": PROVIDER}, condition=pinned)
    (aws.home / "trust.json").write_text(json.dumps(trust))
    reads = policy(allow("s3:ListBucket", "s3:GetObject", resource="arn:aws:s3:::reports*"))
    (aws.home / "read.json").write_text(json.dumps(reads))
    document = ("--saml-metadata-document", "file://metadata.xml")
    assert aws("iam", "create-saml-provider", "--name", "company", *document).json["SAMLProviderArn"] == PROVIDER
    named = ("--role-name", "Analyst")
    made = aws("iam", "create-role", *named, "--assume-role-policy-document", "file://trust.json")
    assert made.json["Role"]["Arn"] == ROLE
    granted = aws("iam", "put-role-policy", *named, "--policy-name", "read", "--policy-document", "file://read.json")
    assert granted.status == 0, granted.err
    return aws


def _assume(served_aws: ServedAws, aws: AwsCli, *words: str, by: Signer | None = None, **changes: Any) -> Any:
    roles = {"Role": [f"{ROLE},{PROVIDER}"], **changes.pop("attributes", {})}
    (aws.home / "response.b64").write_text(response(served_aws.message(attributes=roles, **changes), by or signer()))
    named = ("--role-arn", ROLE, "--principal-arn", PROVIDER, "--saml-assertion", "file://response.b64")
    return aws("sts", "assume-role-with-saml", *named, *words)


def test_an_account_set_up_with_the_command_line_tells_what_it_holds(provisioned: AwsCli) -> None:
    role = provisioned("iam", "get-role", "--role-name", "Analyst").json["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Federated": PROVIDER}
    listed = provisioned("iam", "list-saml-providers").json["SAMLProviderList"]
    assert PROVIDER in {one["Arn"] for one in listed}
    again = provisioned(
        "iam", "create-role", "--role-name", "Analyst", "--assume-role-policy-document", "file://trust.json"
    )
    assert "(EntityAlreadyExists)" in again.err
    assert again.status == 254


def test_a_session_reads_what_its_role_may_and_is_followed_in_cloudtrail(
    served_aws: ServedAws, provisioned: AwsCli
) -> None:
    bought = _assume(served_aws, provisioned, "--duration-seconds", "900").json
    session = bought["Credentials"]
    who = provisioned("sts", "get-caller-identity", by=session).json
    assert who["Arn"] == bought["AssumedRoleUser"]["Arn"]
    assert "a.txt" in provisioned("s3", "ls", "s3://reports", by=session).out
    assert provisioned("s3", "cp", "s3://reports/a.txt", "got.txt", by=session).status == 0
    assert (provisioned.home / "got.txt").read_bytes() == served_aws.local.state.buckets["reports"].objects[
        "a.txt"
    ].body
    refused = provisioned("s3", "cp", "got.txt", "s3://reports/b.txt", by=session)
    assert "(AccessDenied)" in refused.err
    assert "s3:PutObject" in refused.err
    chosen = ("--lookup-attributes", "AttributeKey=EventName,AttributeValue=AssumeRoleWithSAML")
    (event,) = provisioned("cloudtrail", "lookup-events", *chosen).json["Events"]
    told = json.loads(event["CloudTrailEvent"])
    assert told["userIdentity"]["userName"] == "alice"
    assert told["responseElements"]["credentials"]["accessKeyId"] == session["AccessKeyId"]
    assert session["SecretAccessKey"] not in event["CloudTrailEvent"]


def test_an_administrator_puts_and_removes_objects(provisioned: AwsCli) -> None:
    (provisioned.home / "note.txt").write_text("hello")
    assert provisioned("s3", "mb", "s3://notes").status == 0
    assert provisioned("s3", "cp", "note.txt", "s3://notes/note.txt").status == 0
    assert "note.txt" in provisioned("s3", "ls", "s3://notes").out
    assert provisioned("s3", "rm", "s3://notes/note.txt").status == 0
    assert provisioned("s3", "ls", "s3://notes").out == ""


@pytest.mark.parametrize(
    ("words", "changes", "code", "sentence"),
    [
        ((), {"by": signer("second")}, "InvalidIdentityToken", "Response signature invalid"),
        ((), {"signed": "response"}, "InvalidIdentityToken", "must contain an assertion with a mandatory signature"),
        ((), {"recipient": "https://elsewhere.example.test/"}, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML"),
        ((), {"attributes": {"Role": ["arn:aws:iam::111122223333:role/Other," + PROVIDER]}}, "InvalidIdentityToken", "doesn't contain the requested Role"),
        ((), {"attributes": {"RoleSessionName": ["a b"]}}, "InvalidIdentityToken", "RoleSessionName in AuthnResponse must match"),
        (("--duration-seconds", "7200"), {}, "ValidationError", "exceeds the MaxSessionDuration set for this role."),
    ],
    ids=["another key", "unsigned assertion", "another recipient", "another role", "session name", "too long"],
)  # fmt: skip
def test_the_command_line_is_told_why_it_is_refused(
    words: tuple[str, ...],
    changes: dict[str, Any],
    code: str,
    sentence: str,
    served_aws: ServedAws,
    provisioned: AwsCli,
) -> None:
    refused = _assume(served_aws, provisioned, *words, **changes)
    assert refused.status == 254
    assert f"An error occurred ({code}) when calling the AssumeRoleWithSAML operation (" in refused.err
    assert sentence in refused.err


def test_a_fault_reaches_the_command_line_as_aws_s(served_aws: ServedAws, provisioned: AwsCli) -> None:
    served_aws.local.faults.set(Fault("throttle", "sts", times=1))
    assert "(Throttling)" in _assume(served_aws, provisioned).err
    assert _assume(served_aws, provisioned).status == 0


def test_an_account_s_alias_numbers_and_simulations_are_told_to_the_command_line(
    served_aws: ServedAws, aws: AwsCli
) -> None:
    served_aws.account.alias = "our-company"
    assert aws("iam", "list-account-aliases").json == {"AccountAliases": ["our-company"]}
    assert aws("iam", "get-account-summary").json["SummaryMap"]["Roles"] == len(served_aws.account.roles)
    asked = ("--policy-source-arn", served_aws.role.arn, "--action-names", "s3:GetObject", "iam:CreateUser")
    told = aws("iam", "simulate-principal-policy", *asked).json["EvaluationResults"]
    assert [one["EvalActionName"] for one in told] == ["s3:GetObject", "iam:CreateUser"]
    assert told[1]["EvalDecision"] == "implicitDeny"
    stranger = served_aws.user("stranger")
    for words in (("list-account-aliases",), ("get-account-summary",), ("simulate-principal-policy", *asked)):
        refused = aws("iam", *words, by=stranger)
        assert (refused.status, "(AccessDenied)" in refused.err) == (254, True)
