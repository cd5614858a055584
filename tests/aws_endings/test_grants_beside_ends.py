"""What an end forbids meanwhile: the revoking role to everybody, and new grants until its instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from aws_factories import grant
from revocation_factories import REVOKER, RevokingBridge, registered

from federation_bridge.bridge.ended_in_aws import demand_not_ended
from federation_bridge.errors import AwsRefused, RoleWithheld
from federation_bridge.model import Role


def test_nobody_can_use_the_revoking_role_by_a_grant(bridge: RevokingBridge) -> None:
    """Were it granted, its trust policy would still not take a person's statement (an attack)."""
    twin = bridge.sold("corp/mallory")
    assert not bridge.is_denied(twin)
    account = replace(registered(), roles={REVOKER: Role(REVOKER)})
    with pytest.raises(AwsRefused, match="trust policy"):
        bridge.sold("corp/mallory", REVOKER, account=account)


def test_no_new_grant_where_sessions_were_ended_until_the_instant(bridge: RevokingBridge) -> None:
    bridge.sold("corp/mei")
    bridge.end("corp/mei")
    made = grant(account=registered(), person="corp/mei")
    now = bridge.aws.clock.now

    with pytest.raises(RoleWithheld) as withheld:
        demand_not_ended(bridge.store, made, now)
    assert "once AWS knows" in str(withheld.value.public)
    bridge.work()
    until = bridge.only().issued_before
    with pytest.raises(RoleWithheld) as withheld:
        demand_not_ended(bridge.store, made, until - timedelta(seconds=1))
    assert f"{until:%Y-%m-%d %H:%M:%S}" in str(withheld.value.public)
    demand_not_ended(bridge.store, made, until)
    demand_not_ended(bridge.store, replace(made, person="corp/ravi"), now)
