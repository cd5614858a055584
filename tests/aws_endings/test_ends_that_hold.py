"""An end means everything of somebody that can be alive, for as long as it can be, and nothing of anybody else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aws_factories import grant
from databases import OwnDatabase
from local_aws_factories import ACCOUNT, HeldClock
from revocation_factories import CAUSE, POLICY_ARN, REVOKER, RevokingBridge, onboarded, registered
from sqlalchemy import select

from federation_bridge.administration.aws_sessions import Whose, end_in_aws
from federation_bridge.aws.revoking_permissions import permissions_on
from federation_bridge.bridge.ended_in_aws import demand_not_ended
from federation_bridge.errors import NotFound, RoleWithheld
from federation_bridge.model import CHAINED, Block, LiveGrantQuery, RevocationState
from federation_bridge.store.tables import LIVE_GRANTS
from federation_bridge.store.writing import Writing


@pytest.fixture
def later(bridge: RevokingBridge, sqlite_database: OwnDatabase) -> Any:
    def move(span: timedelta) -> None:
        bridge.aws.clock.now += span
        sqlite_database.clock.now = bridge.aws.clock.now

    return move


def test_a_long_session_that_was_on_its_way_when_the_end_came_stays_denied_until_it_ends(
    bridge: RevokingBridge,
) -> None:
    """Who knows that they are put out takes a long session at that moment: its line comes after the end was decided."""
    bridge.sold("corp/mei", duration=timedelta(minutes=15))
    bridge.end("corp/mei")
    assert bridge.only().longest < 2 * CHAINED, "of the short one, which is all that there was"
    long_one = bridge.sold("corp/mei", "Reader", duration=timedelta(hours=4))
    bridge.work()

    assert bridge.is_denied(long_one)
    [live] = bridge.store.live_grants.of_role(ACCOUNT, "Reader")
    one = bridge.only()
    assert one.over_at >= live.over_at, "it is denied as long as it can be alive"


def test_an_incident_means_sessions_that_were_assumed_with_a_grant_that_is_over(
    bridge: RevokingBridge, later: Any
) -> None:
    bridge.sold("corp/mei", duration=timedelta(minutes=15))
    bridge.sold("corp/ada", duration=timedelta(minutes=15))
    later(timedelta(minutes=20))
    incident = Block("", "incident", "operator", "keys were stolen", bridge.aws.clock.now, ("corp/ada",))

    ended = bridge.endings.block(incident, in_aws=True)

    assert ended.aws.sessions == 1
    assert bridge.only().source_identity == "corp-mei"


def test_somebody_else_with_the_source_identity_waits_and_is_not_denied(bridge: RevokingBridge, later: Any) -> None:
    """A rule fills it from a claim: who comes in after the end would be denied as well until its instant."""
    mei = bridge.sold("corp/mei", source_identity="team")
    bridge.end("corp/mei")
    bridge.work()
    assert bridge.is_denied(mei)
    wanted = grant(account=registered(), person="corp/ravi", source_identity="team")

    with pytest.raises(RoleWithheld):
        demand_not_ended(bridge.store, wanted, bridge.aws.clock.now)
    demand_not_ended(bridge.store, replace(wanted, source_identity="other"), bridge.aws.clock.now)

    later(bridge.only().issued_before - bridge.aws.clock.now)
    demand_not_ended(bridge.store, wanted, bridge.aws.clock.now)
    ravi = bridge.sold("corp/ravi", source_identity="team")
    assert not bridge.is_denied(ravi)


def test_who_is_let_in_again_waits_for_no_account_that_cannot_be_told_when_nothing_is_alive(
    bridge: RevokingBridge,
) -> None:
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    one = bridge.only()
    assert one.state is RevocationState.ENDING
    last = one.over_at - timedelta(seconds=1)

    assert one.over_at > one.issued_before + one.longest
    assert one.holds_up("corp/mei", "role", last), "AWS is not told yet, and something may be alive"
    assert not one.holds_up("corp/mei", "role", one.over_at)


def test_a_node_that_is_late_puts_no_instant_back(bridge: RevokingBridge) -> None:
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    stale = bridge.only()
    moved = replace(stale, issued_before=stale.issued_before + timedelta(minutes=5), longest=timedelta(hours=9))
    bridge.store.revocations.settle([moved])

    bridge.store.revocations.settle([replace(stale, told="IAM has no time")])

    kept = bridge.only()
    assert (kept.issued_before, kept.longest, kept.told) == (moved.issued_before, moved.longest, "IAM has no time")


def test_a_shared_source_identity_is_found_without_reading_the_whole_ledger(bridge: RevokingBridge) -> None:
    bridge.sold("corp/mei", source_identity="team")
    bridge.sold("corp/ravi", source_identity="team")
    bridge.sold("corp/ada")

    found = bridge.store.live_grants.of_source_identity(ACCOUNT, "team")

    assert sorted(one.person for one in found) == ["corp/mei", "corp/ravi"]
    with bridge.store.audit.writing() as writing:
        bridge.endings.aws.person(writing, "corp/ada", CAUSE)
    assert bridge.only().source_identity == "corp-ada"


@pytest.mark.parametrize("slow", [timedelta(0), timedelta(minutes=2)])
def test_a_node_whose_clock_is_slow_ends_what_aws_issued_last(bridge: RevokingBridge, slow: timedelta) -> None:
    """AWS compares instants by its own clock: 30 seconds ahead of a slow one, the newest sessions would go on."""
    mei, ravi = bridge.sold("corp/mei"), bridge.sold("corp/ravi")
    node = replace(bridge, aws=replace(bridge.aws, clock=HeldClock()))
    node.aws.clock.now = bridge.aws.clock.now - slow
    with bridge.store.audit.writing() as writing:
        [live] = bridge.store.live_grants.of_person("corp/mei")
        writing.change(LIVE_GRANTS, _row(writing, live.id), made_at=live.made_at - slow)
    node.end("corp/mei")
    node.work()

    assert bridge.only().state is RevocationState.ENDED
    assert bridge.is_denied(mei)
    assert not bridge.is_denied(ravi)


def _row(writing: Writing, grant_id: str) -> Any:
    return writing.row(select(LIVE_GRANTS).where(LIVE_GRANTS.c.grant_id == grant_id), {}, LIVE_GRANTS)


def test_where_the_boundary_is_not_seen_the_end_says_so(bridge: RevokingBridge) -> None:
    """Whoever takes the permission away, and a role's boundary, must not be covered by the word `checked`."""
    bridge.sold("corp/mei")
    own = permissions_on(POLICY_ARN)
    listing = "iam:ListEntitiesForPolicy"
    own["Statement"][0]["Action"] = [one for one in own["Statement"][0]["Action"] if one != listing]
    iam = bridge.root()
    iam.put_role_policy(RoleName=REVOKER, PolicyName="own", PolicyDocument=json.dumps(own))
    bridge.end("corp/mei")
    bridge.work()
    assert listing in bridge.only().told

    iam.put_role_policy(RoleName=REVOKER, PolicyName="own", PolicyDocument=json.dumps(permissions_on(POLICY_ARN)))
    bridge.store.errands.ask("revoke", ACCOUNT)
    bridge.work()
    assert (bridge.only().state, bridge.only().told) == (RevocationState.ENDED, "")


def test_a_name_that_names_nothing_ends_nothing(own_database: OwnDatabase) -> None:
    """Without the role behind the slash, the ledger gave all roles of the account, and one of them was ended."""
    wrong = [
        Whose("role", f"{ACCOUNT}/"),
        Whose("role", ACCOUNT),
        *(Whose("grant", name) for name in ("_a\x00", "\udcff")),
        *(Whose("account", name) for name in ("\x00", "\udcff")),
        *(Whose("role", f"{ACCOUNT}/{name}") for name in ("\x00", "\udcff")),
    ]
    with onboarded() as aws:
        own_database.clock.now = aws.clock.now
        bridge = RevokingBridge(aws, own_database.open())
        bridge.sold("corp/mei")

        for whose in wrong:
            with pytest.raises(NotFound):
                end_in_aws(bridge.store, bridge.endings, aws.clock, whose, CAUSE)
        assert bridge.store.live_grants.living(LiveGrantQuery(role="\x00"), 9) == ((), None)
        assert bridge.store.revocations.newest(9) == ()

        assert end_in_aws(bridge.store, bridge.endings, aws.clock, Whose("role", f"{ACCOUNT}/Admin"), CAUSE).sessions
        assert bridge.only().role_arn.endswith("/Admin")
