"""Somebody gets the source identity of a person while that person's end is being written: only the person ends."""

from __future__ import annotations

import pytest
from local_aws_factories import ACCOUNT
from revocation_factories import RevokingBridge

from federation_bridge.model import Errand
from federation_bridge.store.live_grants import LiveGrants


def _ended_while_ravi_comes(bridge: RevokingBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end looks before Ravi's line is there, and is committed after he has his session."""
    with monkeypatch.context() as before:
        before.setattr(LiveGrants, "of_source_identity", lambda *_: ())
        bridge.end("corp/mei")


def test_who_got_the_same_source_identity_before_the_end_was_committed_goes_on(
    bridge: RevokingBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = bridge.sold("corp/mei", source_identity="shared")
    ravi = bridge.sold("corp/ravi", source_identity="shared")
    _ended_while_ravi_comes(bridge, monkeypatch)
    bridge.work()

    assert bridge.states() == ["ended, checked"]
    assert bridge.is_denied(mei)
    assert not bridge.is_denied(ravi)


def test_a_node_that_was_killed_in_between_leaves_no_end_twice(
    bridge: RevokingBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = bridge.sold("corp/mei", source_identity="shared")
    ravi = bridge.sold("corp/ravi", source_identity="shared")
    _ended_while_ravi_comes(bridge, monkeypatch)
    with monkeypatch.context() as killed:
        killed.setattr(type(bridge.store.revocations), "remove", lambda *_: 1 / 0)
        now = bridge.aws.clock.now
        with pytest.raises(ZeroDivisionError):
            bridge.act()(Errand("revoke", ACCOUNT, 1, 0, now, now))
    assert len(bridge.states()) == 2
    bridge.act()(Errand("revoke", ACCOUNT, 1, 0, now, now))

    assert set(bridge.states()) == {"ended, checked"}
    assert bridge.is_denied(mei)
    assert not bridge.is_denied(ravi)
