"""What may go wrong between an end and AWS's denial: each fault is told, and the end holds in the end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from databases import OwnDatabase
from local_aws_factories import allow, policy
from revocation_factories import POLICY_ARN, REVOKER, RevokingBridge
from store_factories import revocation

from federation_bridge.aws.revocations import ALLOW_ALL
from federation_bridge.model import Block, RevocationState
from federation_bridge.sandbox.aws.faults import Fault
from federation_bridge.store.ends import nothing_told


@pytest.fixture
def later(bridge: RevokingBridge, sqlite_database: OwnDatabase) -> Any:
    def move(**span: float) -> None:
        bridge.aws.clock.now += timedelta(**span)
        sqlite_database.clock.now = bridge.aws.clock.now

    return move


def _pasted(told: str) -> dict[str, Any]:
    """The policy that somebody is told to put on a role."""
    document: dict[str, Any] = json.loads(told[told.index("{") : told.rindex("}") + 1])
    return document


@pytest.mark.parametrize("action", ["GetPolicy", "CreatePolicyVersion", "GetPolicyVersion"])
def test_throttled_iam_is_asked_again_until_it_holds(bridge: RevokingBridge, later: Any, action: str) -> None:
    mei = bridge.sold("corp/mei")
    bridge.aws.local.faults.set(Fault("throttle", service="iam", action=action, times=1))
    bridge.end("corp/mei")

    bridge.work()
    assert bridge.only().state is RevocationState.ENDING
    assert "Throttling" in bridge.only().told
    later(seconds=2)
    bridge.work()

    assert bridge.is_denied(mei)
    assert bridge.only().state is RevocationState.ENDED


def test_an_outage_is_no_reason_to_give_up_and_the_instant_moves_on(bridge: RevokingBridge, later: Any) -> None:
    mei = bridge.sold("corp/mei")
    bridge.aws.local.faults.set(Fault("outage", service="iam"))
    bridge.end("corp/mei")
    first = bridge.only().issued_before
    bridge.work()
    later(seconds=60)
    bridge.aws.local.faults.set()

    bridge.work()

    assert bridge.is_denied(mei)
    assert bridge.only().issued_before > first + timedelta(seconds=55)


def test_a_node_that_dies_between_writing_and_noting_it_is_followed(bridge: RevokingBridge, later: Any) -> None:
    """AWS holds the deny, and no row says so: the next node finds it there, and writes nothing."""
    mei = bridge.sold("corp/mei")
    bridge.end("corp/mei")
    errand = bridge.store.errands.take("revoke", "dies", timedelta(minutes=2))
    assert errand is not None
    act = bridge.act()
    with pytest.raises(KeyboardInterrupt):
        replace(act, store=_Dying(bridge.store))(errand)  # type: ignore[arg-type]
    assert bridge.is_denied(mei)
    assert bridge.only().state is RevocationState.ENDING
    assert bridge.work() == 0

    later(minutes=2)
    bridge.work()

    assert bridge.only().state is RevocationState.ENDED
    assert bridge.is_denied(mei)


class _Dying:
    """A store of a process that is killed before it notes anything."""

    def __init__(self, store: Any) -> None:
        self.live_grants, self.audit, self.restorations = store.live_grants, store.audit, store.restorations
        self.revocations = self
        self.of_account = store.revocations.of_account

    def settle(self, *_: object) -> None:
        raise KeyboardInterrupt


def test_two_nodes_that_write_at_once_leave_both_ends(bridge: RevokingBridge) -> None:
    mei, ravi = bridge.sold("corp/mei"), bridge.sold("corp/ravi")
    bridge.end("corp/mei")
    errand = bridge.store.errands.take("revoke", "slow", timedelta(0))
    assert errand is not None
    bridge.end("corp/ravi")
    bridge.act()(errand)
    bridge.errands("quick").do_due()

    assert bridge.is_denied(mei)
    assert bridge.is_denied(ravi)
    assert bridge.states() == ["ended, checked", "ended, checked"]


def test_an_account_that_is_gone_is_told_with_what_to_do(bridge: RevokingBridge) -> None:
    bridge.sold("corp/mei")
    bridge.accounts.clear()
    bridge.end("corp/mei")
    bridge.work()

    found = bridge.only()
    assert found.state is RevocationState.COULD_NOT
    assert "is not in the register" in found.told
    assert "the role Admin of account 111122223333" in found.told
    assert _pasted(found.told)["Statement"][0]["Effect"] == "Deny"


def test_what_is_told_to_paste_ends_the_session(bridge: RevokingBridge) -> None:
    mei, ravi = bridge.sold("corp/mei"), bridge.sold("corp/ravi")
    bridge.root().delete_role_permissions_boundary(RoleName="Admin")
    bridge.end("corp/mei")
    bridge.work()
    assert bridge.only().state is RevocationState.COULD_NOT
    assert "boundary" in bridge.only().told
    assert not bridge.is_denied(mei)

    document = json.dumps(_pasted(bridge.only().told))
    bridge.root().put_role_policy(RoleName="Admin", PolicyName="pasted", PolicyDocument=document)

    assert bridge.is_denied(mei)
    assert not bridge.is_denied(ravi)


def test_a_boundary_that_was_put_back_is_noticed(bridge: RevokingBridge, later: Any) -> None:
    mei = bridge.sold("corp/mei")
    bridge.root().delete_role_permissions_boundary(RoleName="Admin")
    bridge.end("corp/mei")
    bridge.work()
    instant = bridge.only().issued_before

    bridge.root().put_role_permissions_boundary(RoleName="Admin", PermissionsBoundary=POLICY_ARN)
    later(minutes=5)
    new = bridge.sold("corp/mei", id="_let-in-again")
    bridge.work()

    assert bridge.only().state is RevocationState.ENDED
    assert bridge.only().issued_before == instant, "it does not move over who was let in again"
    assert bridge.is_denied(mei)
    assert not bridge.is_denied(new)


@pytest.mark.parametrize("what", ["the policy", "the role"])
def test_a_policy_or_a_role_that_is_not_there_is_told(bridge: RevokingBridge, what: str) -> None:
    bridge.sold("corp/mei")
    if what == "the role":
        bridge.aws.account.roles.pop(REVOKER)
    else:
        bridge.aws.account.policies.clear()
    bridge.end("corp/mei")
    bridge.work()

    assert bridge.only().state is RevocationState.COULD_NOT
    assert ("cannot be assumed" if what == "the role" else "there is no policy") in bridge.only().told


def test_the_sixth_version_takes_the_place_of_the_oldest(bridge: RevokingBridge) -> None:
    sold = [bridge.sold(f"corp/person-{number}") for number in range(7)]
    for number in range(7):
        bridge.end(f"corp/person-{number}")
        bridge.work()

    assert all(map(bridge.is_denied, sold))
    versions = bridge.root().list_policy_versions(PolicyArn=POLICY_ARN)["Versions"]
    assert [one["VersionId"] for one in versions] == ["v8", "v7", "v6", "v5", "v4"]


def test_a_foreign_deny_stays_and_an_end_that_somebody_took_out_comes_back(bridge: RevokingBridge) -> None:
    mei, ravi = bridge.sold("corp/mei"), bridge.sold("corp/ravi")
    foreign = {"Sid": "Ours", "Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
    bridge.end("corp/mei")
    bridge.work()
    bridge.root().create_policy_version(
        PolicyArn=POLICY_ARN, PolicyDocument=json.dumps(policy(ALLOW_ALL, foreign)), SetAsDefault=True
    )
    assert not bridge.is_denied(mei)

    [waits] = bridge.store.errands.waiting("revoke")
    assert waits.due_at - bridge.aws.clock.now == timedelta(minutes=10), "as long as something is denied, it is read"
    bridge.store.errands.ask("revoke", waits.subject)
    bridge.work()

    assert bridge.is_denied(mei)
    assert not bridge.is_denied(ravi)
    assert foreign in bridge.policy()["Statement"]


def test_a_policy_that_somebody_made_narrower_is_not_written_over(bridge: RevokingBridge) -> None:
    """To allow all again would give the roles what somebody took from them."""
    bridge.sold("corp/mei")
    narrow = policy(allow("s3:*"))
    bridge.root().create_policy_version(PolicyArn=POLICY_ARN, PolicyDocument=json.dumps(narrow), SetAsDefault=True)
    bridge.end("corp/mei")
    bridge.work()

    assert bridge.policy() == narrow
    assert bridge.only().state is RevocationState.COULD_NOT
    assert "narrower" in bridge.only().told


def test_a_full_policy_denies_whom_it_holds_and_tells_of_the_others(bridge: RevokingBridge) -> None:
    now = bridge.aws.clock.now
    mei = bridge.sold("corp/mei")
    names = [f"person-{number:03}" + "x" * 50 for number in range(150)]
    many = [revocation(now, name, person=f"corp/{name}", source_identity=name) for name in names]
    bridge.end("corp/mei")
    bridge.work()
    bridge.store.revocations.add(many)

    bridge.work()

    assert bridge.is_denied(mei), "who was denied already stays so"
    states = bridge.states()
    assert 50 < states.count("ended, checked") < 151
    assert states.count("could not") == 151 - states.count("ended, checked")
    full = next(one for one in bridge.store.revocations.newest(200) if one.state is RevocationState.COULD_NOT)
    assert "the policy is full" in full.told
    assert full.source_identity in json.dumps(_pasted(full.told))


def test_a_needless_deny_is_left_out_and_the_errand_ends(bridge: RevokingBridge, later: Any) -> None:
    now = bridge.aws.clock.now
    over = revocation(now - timedelta(hours=9), "over", state=RevocationState.ENDED)
    bridge.store.revocations.add([over])
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    bridge.work()

    assert [one.id for one in bridge.store.revocations.newest(9)] != ["over"]
    assert len(bridge.policy()["Statement"]) == 2
    assert len(bridge.store.errands.waiting("revoke")) == 1, "it is looked at as long as something is denied"


@pytest.mark.parametrize("is_restored", [True, False])
def test_ends_that_a_restored_database_does_not_know_hold_on(
    bridge: RevokingBridge, later: Any, *, is_restored: bool
) -> None:
    """Rows that asked for them are lost, and the next end writes the policy anew."""
    mei, bo = bridge.sold("corp/mei"), bridge.sold("corp/bo")
    bridge.end("corp/mei")
    bridge.work()
    later(seconds=60)
    assert bridge.is_denied(mei)
    bridge.store.revocations.remove(bridge.store.revocations.newest(9))
    if is_restored:
        now = bridge.aws.clock()
        bridge.store.restorations.begin(now, Block("", "restore", "operator", "put back", now), nothing_told)
    bridge.end("corp/bo")
    bridge.work()
    later(seconds=60)
    assert bridge.is_denied(bo)
    # Its twin: where nothing was lost, a deny that no row asks for is needless.
    assert bridge.is_denied(mei) is is_restored
