"""What `aws onboard` writes is all that the bridge needs to end sessions, and no more."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import hcl2
import pytest
from aws_factories import ENTITY_ID, ISSUER, key_ring
from databases import OwnDatabase
from local_aws_factories import ServedAws, allow, policy, refusal, served
from onboarding_factories import REVOKING
from revocation_factories import POLICY_ARN, REVOKER, RevokingBridge, boto_form, registered, root_of

from federation_bridge.aws import issuer
from federation_bridge.aws.onboarding import AccountPlan, Additions, cloudformation, planned, shell, terraform
from federation_bridge.aws.revoker import grant_of_the_bridge
from federation_bridge.model import RevocationState
from federation_bridge.sandbox.aws.provisioning import apply_template


def _plan() -> AccountPlan:
    metadata = issuer.saml_metadata(key_ring(), ENTITY_ID, ISSUER).decode()
    return planned(
        registered(), entity_id=ENTITY_ID, issuer=ISSUER, metadata=metadata, additions=Additions(revoking=REVOKING)
    )


@pytest.fixture
def aws() -> Iterator[ServedAws]:
    with served() as made:
        made.account.roles.clear()
        yield made


def _let_read(aws: ServedAws) -> None:
    root = root_of(aws)
    for role in ("Admin", "Reader"):
        root.put_role_policy(RoleName=role, PolicyName="s3", PolicyDocument=json.dumps(policy(allow("s3:*"))))


@pytest.mark.parametrize("for_any_account", [False, True], ids=["template", "stack set"])
def test_in_an_account_made_by_the_template_a_session_ends(
    aws: ServedAws, sqlite_database: OwnDatabase, *, for_any_account: bool
) -> None:
    for text in cloudformation.templates(_plan(), for_any_account=for_any_account):
        apply_template(aws.local.state, aws.account, text)
    _let_read(aws)
    sqlite_database.clock.now = aws.clock.now
    bridge = RevokingBridge(aws, sqlite_database.open())
    mei, ravi = bridge.sold("corp/mei"), bridge.sold("corp/ravi")

    bridge.end("corp/mei")
    bridge.work()

    assert bridge.is_denied(mei)
    assert not bridge.is_denied(ravi)
    [found] = bridge.store.revocations.newest(9)
    assert found.state is RevocationState.ENDED


def test_the_revoking_role_may_version_that_policy_and_nothing_else(
    aws: ServedAws, sqlite_database: OwnDatabase
) -> None:
    for text in cloudformation.templates(_plan()):
        apply_template(aws.local.state, aws.account, text)
    bridge = RevokingBridge(aws, sqlite_database.open())
    made = grant_of_the_bridge(registered(), REVOKER, aws.clock.now, "_own")
    act = bridge.act()
    credentials = act.revoker.sts.redeem(made, act.revoker.state(made)).credentials
    iam = aws.client("iam", boto_form(credentials))

    assert iam.get_policy(PolicyArn=POLICY_ARN)["Policy"]["PermissionsBoundaryUsageCount"] == 2
    text = json.dumps(policy(allow("*")))
    for wrong in (
        lambda: iam.put_role_policy(RoleName="Admin", PolicyName="x", PolicyDocument=text),
        lambda: iam.attach_role_policy(RoleName=REVOKER, PolicyArn=POLICY_ARN),
        lambda: iam.delete_role_permissions_boundary(RoleName="Admin"),
        lambda: iam.update_assume_role_policy(RoleName=REVOKER, PolicyDocument=text),
        lambda: iam.create_policy(PolicyName="y", PolicyDocument=text),
        lambda: iam.delete_policy(PolicyArn=POLICY_ARN),
    ):
        assert refusal(wrong)[0] == "AccessDenied"


def test_terraform_keeps_its_hands_off_the_versions() -> None:
    """Else each `apply` would take out what the bridge has denied."""
    made: dict[str, Any] = hcl2.loads(terraform.configuration(_plan()))
    resources = {name: body for one in made["resource"] for kind in one.values() for name, body in kind.items()}
    named = {name.strip('"'): body for name, body in resources.items()}

    assert named["revocations"]["lifecycle"][0]["ignore_changes"] == ["policy"]
    roles = [body for name, body in named.items() if name.startswith("role_")]
    assert {body["permissions_boundary"] for body in roles} == {"${aws_iam_policy.revocations.arn}"}


def test_the_script_bounds_every_role_and_makes_the_policy_first() -> None:
    commands = shell.commands(_plan())
    named = [words[2] for words in commands]

    assert named.index("create-policy") < named.index("create-role")
    for words in commands:
        if words[2] == "create-role" and f"--role-name={REVOKER}" not in words:
            assert f"--permissions-boundary={POLICY_ARN}" in words
    subprocess.run(["sh", "-n"], input=shell.script(_plan()), text=True, check=True)


def test_who_wants_nothing_ended_gets_none_of_it() -> None:
    metadata = issuer.saml_metadata(key_ring(), ENTITY_ID, ISSUER).decode()
    plain = planned(registered(), entity_id=ENTITY_ID, issuer=ISSUER, metadata=metadata, additions=Additions())

    assert "Boundary" not in cloudformation.templates(plain)[0]
