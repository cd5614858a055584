"""An end reaches AWS: live sessions are denied, nobody else's, and who is let in again is not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from databases import OwnDatabase
from local_aws_factories import policy
from revocation_factories import CAUSE, RevokingBridge, boto_form

from federation_bridge.model import RevocationState


def _later(bridge: RevokingBridge, database: OwnDatabase, span: timedelta) -> None:
    bridge.aws.clock.now += span
    database.clock.now = bridge.aws.clock.now


def test_a_persons_live_session_is_denied_and_a_colleagues_in_the_same_role_goes_on(bridge: RevokingBridge) -> None:
    mei, ravi = bridge.sold("corp/mei"), bridge.sold("corp/ravi")
    assert not bridge.is_denied(mei)

    ended = bridge.end("corp/mei")
    assert ended.aws.sessions == 1
    assert bridge.work() == 1

    assert bridge.is_denied(mei)
    assert not bridge.is_denied(ravi)
    [revocation] = bridge.store.revocations.newest(9)
    assert revocation.state is RevocationState.ENDED
    assert [one.event for one in bridge.store.audit.entries()][:1] == ["aws_sessions.denied"]


def _signal(bridge: RevokingBridge, event_at: datetime) -> int:
    with bridge.store.audit.writing() as writing:
        handed = bridge.endings.aws.person(writing, "corp/mei", CAUSE, event_at)
    bridge.work()
    return handed.sessions


def test_a_late_event_leaves_sessions_alone_that_were_all_sold_for_sign_ins_after_it(bridge: RevokingBridge) -> None:
    event_at = bridge.aws.clock() - timedelta(minutes=5)
    mei = bridge.sold("corp/mei", signed_in_at=event_at + timedelta(seconds=1))
    assert _signal(bridge, event_at) == 0
    assert not bridge.is_denied(mei)


def test_a_late_event_ends_all_where_one_was_sold_for_a_sign_in_before_it(bridge: RevokingBridge) -> None:
    event_at = bridge.aws.clock() - timedelta(minutes=5)
    new = bridge.sold("corp/mei", signed_in_at=event_at + timedelta(seconds=1))
    old = bridge.sold("corp/mei", "Reader", signed_in_at=event_at)
    assert _signal(bridge, event_at) == 2
    assert bridge.is_denied(old)
    assert bridge.is_denied(new), "an older sign-in may have bought the newest: AWS cannot tell"


def test_a_session_of_which_no_sign_in_is_known_is_meant_by_each_event(bridge: RevokingBridge) -> None:
    mei = bridge.sold("corp/mei")
    assert _signal(bridge, bridge.aws.clock() - timedelta(days=1)) == 1
    assert bridge.is_denied(mei)


def test_who_is_let_in_again_is_not_denied(bridge: RevokingBridge, sqlite_database: OwnDatabase) -> None:
    old = bridge.sold("corp/mei")
    bridge.end("corp/mei")
    bridge.work()
    [revocation] = bridge.store.revocations.newest(9)

    _later(bridge, sqlite_database, revocation.issued_before - bridge.aws.clock.now)
    new = bridge.sold("corp/mei")
    bridge.store.errands.ask("revoke", revocation.account)
    bridge.work()

    assert bridge.is_denied(old)
    assert not bridge.is_denied(new)


def test_a_session_that_assumed_another_role_ends_with_its_person(bridge: RevokingBridge) -> None:
    mei = bridge.sold("corp/mei")
    reader = bridge.aws.account.roles["Reader"]
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    trusting = {"Effect": "Allow", "Principal": {"AWS": bridge.aws.account.arn("root")}, "Action": actions}
    bridge.root().update_assume_role_policy(RoleName="Reader", PolicyDocument=json.dumps(policy(trusting)))
    sts = bridge.aws.sts(boto_form(mei))
    chained = sts.assume_role(RoleArn=reader.arn, RoleSessionName="anything")["Credentials"]
    s3 = bridge.aws.client("s3", chained)
    s3.list_objects_v2(Bucket="reports")

    bridge.end("corp/mei")
    bridge.work()

    with pytest.raises(s3.exceptions.ClientError, match="explicit deny in a permissions boundary"):
        s3.list_objects_v2(Bucket="reports")


def test_one_grant_ends_and_the_same_persons_other_role_goes_on(bridge: RevokingBridge) -> None:
    admin, reader = bridge.sold("corp/mei"), bridge.sold("corp/mei", "Reader")
    [live] = bridge.store.live_grants.of_role(bridge.aws.account.id, "Admin")

    with bridge.store.audit.writing() as writing:
        handed = bridge.endings.aws.grant(writing, live.id, CAUSE)
    bridge.work()

    assert handed.sessions == 1
    assert bridge.is_denied(admin)
    assert not bridge.is_denied(reader)


def test_a_role_ends_for_everybody_in_it_and_another_role_goes_on(bridge: RevokingBridge) -> None:
    admins = [bridge.sold("corp/mei"), bridge.sold("corp/ravi")]
    reader = bridge.sold("corp/mei", "Reader")

    with bridge.store.audit.writing() as writing:
        assert bridge.endings.aws.role(writing, bridge.aws.account.id, "Admin", CAUSE).sessions == 2
    bridge.work()

    assert all(map(bridge.is_denied, admins))
    assert not bridge.is_denied(reader)


def test_an_account_ends_for_everybody_and_the_bridge_can_still_work_there(
    bridge: RevokingBridge, sqlite_database: OwnDatabase
) -> None:
    everybody = [bridge.sold("corp/mei"), bridge.sold("corp/ravi", "Reader")]

    with bridge.store.audit.writing() as writing:
        assert bridge.endings.aws.account(writing, bridge.aws.account.id, CAUSE).sessions == 2
    bridge.work()

    assert all(map(bridge.is_denied, everybody))
    _later(bridge, sqlite_database, timedelta(seconds=31))
    ravi = bridge.sold("corp/ravi")
    bridge.end("corp/ravi")
    bridge.work()
    assert bridge.is_denied(ravi)


def test_an_end_that_is_asked_for_again_adds_nothing(bridge: RevokingBridge) -> None:
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    bridge.end("corp/mei")
    bridge.work()
    bridge.end("corp/mei")

    assert len(bridge.store.revocations.newest(9)) == 1


def test_a_source_identity_of_two_people_ends_one_of_them_by_name(bridge: RevokingBridge) -> None:
    """A rule may fill it from any claim: by it, somebody else's session would end as well."""
    mei, ravi = bridge.sold("corp/mei", source_identity="team"), bridge.sold("corp/ravi", source_identity="team")

    ended = bridge.end("corp/mei")
    bridge.work()

    assert bridge.is_denied(mei)
    assert not bridge.is_denied(ravi)
    assert "somebody else's too" in ended.aws.told


@pytest.mark.parametrize("key", [None, "ASIALINK"], ids=["a form or a token file", "a sign-in link"])
def test_the_instant_lies_behind_the_end_of_everything_that_was_handed_out(
    bridge: RevokingBridge, key: str | None
) -> None:
    bridge.sold("corp/mei")
    [live] = bridge.store.live_grants.of_person("corp/mei")
    handed = replace(live, id="_handed", is_handed_over=True, access_key_id=key)
    assert bridge.store.session_names.claim(live.session_name, "corp/mei", live=handed)

    bridge.end("corp/mei")
    bridge.work()

    [revocation] = bridge.store.revocations.newest(9)
    assert revocation.issued_before >= handed.made_at + timedelta(minutes=15)
    assert revocation.holds_up("corp/mei", live.role_arn, bridge.aws.clock.now + timedelta(minutes=14))
    assert not revocation.holds_up("corp/ravi", live.role_arn, bridge.aws.clock.now)
