"""An end counts as checked only once IAM says that what is meant is denied, where the operator wants that."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from databases import OwnDatabase
from local_aws_factories import ACCOUNT
from onboarding_factories import REVOKING
from revocation_factories import POLICY_ARN, REVOKER, RevokingBridge, onboarded, registered

from federation_bridge.aws.onboarding.plan import Additions, planned
from federation_bridge.aws.revoker import Bounded, Policy
from federation_bridge.aws.revoking_permissions import permissions_on
from federation_bridge.errors import CannotRevoke
from federation_bridge.model import Errand
from federation_bridge.settings import Aws

PROBED = f"arn:aws:iam::{ACCOUNT}:role/*"


@pytest.fixture
def bridge(sqlite_database: OwnDatabase) -> Iterator[RevokingBridge]:
    with onboarded() as aws:
        sqlite_database.clock.now = aws.clock.now
        made = RevokingBridge(aws, sqlite_database.open())
        made.settings = Aws(local_endpoint=aws.address, revocation_probe=True)
        yield made


def _permit(bridge: RevokingBridge) -> None:
    text = permissions_on(POLICY_ARN, PROBED)
    bridge.root().put_role_policy(RoleName=REVOKER, PolicyName="own", PolicyDocument=json.dumps(text))


def test_an_end_is_checked_once_iam_denies_what_is_meant(bridge: RevokingBridge) -> None:
    _permit(bridge)
    mei = bridge.sold("corp/mei")
    bridge.end("corp/mei")
    bridge.work()

    assert bridge.states() == ["ended, checked"]
    assert bridge.is_denied(mei)


def test_where_iam_does_not_deny_it_the_end_is_not_checked(
    bridge: RevokingBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy reads back as it was written, and does not reach the role."""
    _permit(bridge)
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    monkeypatch.setattr(Policy, "bounded", lambda _: Bounded(frozenset({"Admin"})))
    bridge.root().delete_role_permissions_boundary(RoleName="Admin")
    bridge.work()

    [one] = bridge.store.revocations.newest(9)
    assert str(one.state) == "ending"
    assert "does not deny it yet in Admin" in one.told


def test_where_the_probe_may_not_be_asked_somebody_is_told_what_to_do(
    bridge: RevokingBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    bridge.work()

    [one] = bridge.store.revocations.newest(9)
    assert str(one.state) == "could not"
    assert "give the revoking role iam:SimulatePrincipalPolicy" in one.told
    _permit(bridge)
    bridge.root().delete_role_permissions_boundary(RoleName="Admin")
    with monkeypatch.context() as patched:
        patched.setattr(Policy, "bounded", lambda _: Bounded(frozenset({"Admin"})))
        with pytest.raises(CannotRevoke):
            bridge.act()(Errand("revoke", ACCOUNT, 1, 0, bridge.aws.clock.now, bridge.aws.clock.now))
    [again] = bridge.store.revocations.newest(9)
    assert (again.state, again.issued_before) == (one.state, one.issued_before), "people may be let in after it"


@pytest.mark.parametrize("is_probing", [False, True])
def test_onboarding_gives_the_permission_only_where_the_setting_says_so(is_probing: bool) -> None:
    plan = planned(
        registered(),
        entity_id="https://bridge.example.com",
        issuer="https://bridge.example.com",
        metadata="<xml/>",
        additions=Additions(revoking=REVOKING, is_probing=is_probing),
    )
    assert plan.revocation is not None
    asked = [one["Action"] for one in plan.revocation.permissions["Statement"]]
    assert ("iam:SimulatePrincipalPolicy" in asked) is is_probing
