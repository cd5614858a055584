"""Roles that have a boundary of their own: ended by an attached policy, where the operator accepted that in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from databases import OwnDatabase
from local_aws_factories import ACCOUNT, allow, policy, refusal
from onboarding_factories import REVOKING
from pydantic import ValidationError
from revocation_factories import POLICY_ARN, REVOKER, RevokingBridge, onboarded, registered

from federation_bridge.aws.onboarding import AccountPlan, Additions, cloudformation, planned, shell, terraform
from federation_bridge.aws.revocations import DENY_NOBODY, first_attached_policy
from federation_bridge.aws.revoker import grant_of_the_bridge
from federation_bridge.aws.revoking_permissions import permissions_on
from federation_bridge.model import Errand
from federation_bridge.sandbox.aws.provisioning import apply_template
from federation_bridge.settings import Aws
from federation_bridge.settings.aws import accepted_risk

ATTACHED_ARN = f"{POLICY_ARN}-attached"
ACCEPTED = {ACCOUNT: accepted_risk(ACCOUNT)}


@pytest.fixture
def bridge(sqlite_database: OwnDatabase) -> Iterator[RevokingBridge]:
    """`Admin` has a boundary of the company's and the attached policy; `Reader` has ours."""
    with onboarded() as aws:
        sqlite_database.clock.now = aws.clock.now
        made = RevokingBridge(aws, sqlite_database.open())
        made.settings = Aws(local_endpoint=aws.address, attached_revocations=ACCEPTED)
        iam = made.root()
        theirs = iam.create_policy(PolicyName="company", PolicyDocument=json.dumps(policy(allow("s3:*", "sts:*"))))
        iam.put_role_permissions_boundary(RoleName="Admin", PermissionsBoundary=theirs["Policy"]["Arn"])
        text = json.dumps(first_attached_policy())
        iam.create_policy(PolicyName="federation-bridge-revocations-attached", PolicyDocument=text)
        iam.attach_role_policy(RoleName="Admin", PolicyArn=ATTACHED_ARN)
        own = json.dumps(permissions_on(POLICY_ARN, attached_arn=ATTACHED_ARN))
        iam.put_role_policy(RoleName=REVOKER, PolicyName="own", PolicyDocument=own)
        yield made


def _attached(bridge: RevokingBridge) -> list[dict[str, Any]]:
    iam = bridge.root()
    version = iam.get_policy(PolicyArn=ATTACHED_ARN)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=ATTACHED_ARN, VersionId=version)["PolicyVersion"]["Document"]
    statements: list[dict[str, Any]] = found["Statement"]
    return statements


def test_a_session_in_a_role_with_another_boundary_ends_and_a_colleagues_goes_on(bridge: RevokingBridge) -> None:
    mei, hers, ravi = bridge.sold("corp/mei"), bridge.sold("corp/mei", "Reader"), bridge.sold("corp/ravi")
    assert not bridge.is_denied(mei), "the policy takes nothing away before an end"
    bridge.end("corp/mei")
    bridge.work()

    assert bridge.states() == ["ended, checked"]
    assert bridge.is_denied(mei)
    assert bridge.is_denied(hers), "by the boundary, in the other role"
    assert not bridge.is_denied(ravi)
    assert all(one["Effect"] == "Deny" for one in _attached(bridge)), "it hangs on roles, so it may only take away"


def test_it_is_swept_as_the_boundary_is(bridge: RevokingBridge) -> None:
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    bridge.work()
    assert len(_attached(bridge)) == 2
    bridge.store.revocations.remove(bridge.store.revocations.newest(9))
    now = bridge.aws.clock.now
    bridge.act()(Errand("revoke", ACCOUNT, 1, 0, now, now))

    assert _attached(bridge) == [DENY_NOBODY]


@pytest.mark.parametrize("lacking", ["not accepted", "not attached", "no policy", "no permission"])
def test_where_it_is_not_whole_somebody_is_told_and_the_boundary_still_ends(
    bridge: RevokingBridge, lacking: str
) -> None:
    iam = bridge.root()
    if lacking == "not accepted":
        bridge.settings = Aws(local_endpoint=bridge.aws.address)
    if lacking in ("not attached", "no policy"):
        iam.detach_role_policy(RoleName="Admin", PolicyArn=ATTACHED_ARN)
    if lacking == "no policy":
        iam.delete_policy(PolicyArn=ATTACHED_ARN)
    if lacking == "no permission":
        iam.put_role_policy(RoleName=REVOKER, PolicyName="own", PolicyDocument=json.dumps(permissions_on(POLICY_ARN)))
    mei, ravi = bridge.sold("corp/mei"), bridge.sold("corp/ravi", "Reader")
    bridge.end("corp/mei")
    bridge.end("corp/ravi")
    bridge.work()

    found = {one.person: one for one in bridge.store.revocations.newest(9)}
    assert str(found["corp/ravi"].state) == "ended, checked"
    assert bridge.is_denied(ravi)
    assert str(found["corp/mei"].state) == "could not"
    assert "as an inline policy" in found["corp/mei"].told
    assert not bridge.is_denied(mei)


def test_what_somebody_has_it_allow_is_taken_out_and_their_denies_stay(bridge: RevokingBridge) -> None:
    """A boundary is not widened by us. This one hangs on roles: an allowing statement would give them something."""
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
    text = {"Version": "2012-10-17", "Statement": [DENY_NOBODY, theirs, allow("*")]}
    iam = bridge.root()
    iam.create_policy_version(PolicyArn=ATTACHED_ARN, PolicyDocument=json.dumps(text), SetAsDefault=True)
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    bridge.work()

    statements = _attached(bridge)
    assert theirs in statements
    assert {one["Effect"] for one in statements} == {"Deny"}


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (ACCOUNT, "yes"),
        (ACCOUNT, accepted_risk(ACCOUNT).lower()),
        (ACCOUNT, accepted_risk("444455556666")),
        ("production", accepted_risk("production")),
        (f"{ACCOUNT}\n", accepted_risk(f"{ACCOUNT}\n")),
    ],
)
def test_the_risk_is_accepted_for_one_account_in_these_words_alone(account: str, words: str) -> None:
    assert Aws(attached_revocations=ACCEPTED).attached_revocations == ACCEPTED
    with pytest.raises(ValidationError, match="attached_revocations"):
        Aws(attached_revocations={account: words})


def _plan(accounts: frozenset[str]) -> AccountPlan:
    named = {"entity_id": "https://bridge.example.com/saml", "issuer": "https://bridge.example.com"}
    return planned(registered(), metadata="<x/>", additions=Additions(revoking=REVOKING, attached_in=accounts), **named)


@pytest.mark.parametrize(
    "write", [lambda plan: cloudformation.templates(plan)[0], shell.script, terraform.configuration]
)
def test_onboarding_makes_the_policy_only_in_accounts_that_accepted_it(write: Any) -> None:
    name = "federation-bridge-revocations-attached"
    assert name in write(_plan(frozenset({ACCOUNT})))
    assert name not in write(_plan(frozenset({"444455556666"})))


def test_the_revoking_role_may_version_both_policies_and_attach_neither(bridge: RevokingBridge) -> None:
    bridge.aws.account.roles.clear()
    bridge.aws.account.saml_providers.clear()
    bridge.aws.account.policies.clear()
    for text in cloudformation.templates(_real_plan()):
        apply_template(bridge.aws.local.state, bridge.aws.account, text)
    act = bridge.act()
    made = grant_of_the_bridge(registered(), REVOKER, bridge.aws.clock.now, "_own")
    keys = act.revoker.sts.redeem(made, act.revoker.state(made)).credentials
    session = {
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "SessionToken": keys.session_token,
    }
    iam = bridge.aws.client("iam", session)
    text = json.dumps(first_attached_policy())
    iam.create_policy_version(PolicyArn=ATTACHED_ARN, PolicyDocument=text, SetAsDefault=True)
    for wrong in (
        lambda: iam.attach_role_policy(RoleName="Admin", PolicyArn=ATTACHED_ARN),
        lambda: iam.detach_role_policy(RoleName="Admin", PolicyArn=ATTACHED_ARN),
        lambda: iam.put_role_policy(RoleName="Admin", PolicyName="x", PolicyDocument=text),
        lambda: iam.delete_policy(PolicyArn=ATTACHED_ARN),
    ):
        assert refusal(wrong)[0] == "AccessDenied"


def _real_plan() -> AccountPlan:
    from aws_factories import ENTITY_ID, ISSUER, key_ring  # noqa: PLC0415 - this test alone needs them

    from federation_bridge.aws import issuer  # noqa: PLC0415 - the same

    metadata = issuer.saml_metadata(key_ring(), ENTITY_ID, ISSUER).decode()
    added = Additions(revoking=REVOKING, attached_in=frozenset({ACCOUNT}))
    return planned(registered(), entity_id=ENTITY_ID, issuer=ISSUER, metadata=metadata, additions=added)
