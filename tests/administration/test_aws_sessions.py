"""Ends in AWS by an administrator's word: audited, with a reason, and refused with the nearest name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from databases import HeldClock
from store_factories import live_grant, revocation

from federation_bridge.administration import aws_sessions
from federation_bridge.administration.aws_sessions import (
    Whose,
    all_aws_endings,
    aws_endings,
    end_in_aws,
    lines_of,
    waits_for_somebody,
)
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.keys_and_endings import endings_of
from federation_bridge.model import Cause, HandedToAws, RevocationKind, RevocationState
from federation_bridge.store import Store

CAUSE = Cause("administrator", "corp/ada", "left")


def _alive(store: Store, clock: HeldClock) -> None:
    live = live_grant(clock())
    assert store.session_names.claim(live.session_name, live.person, live=live)


def _end(store: Store, clock: HeldClock, kind: RevocationKind, name: str, cause: Cause = CAUSE) -> HandedToAws:
    return end_in_aws(store, endings_of(store, clock), clock, Whose(kind, name), cause)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("person", "corp/alice"), ("grant", "_grant"), ("role", "111122223333/reader"), ("account", "111122223333")],
)
def test_an_end_is_asked_for_and_audited(store: Store, clock: HeldClock, kind: RevocationKind, name: str) -> None:
    _alive(store, clock)

    assert _end(store, clock, kind, name).sessions == 1

    [found] = all_aws_endings(store)
    assert (found.kind, found.account, found.because) == (kind, "111122223333", "corp/ada: left")
    [entry] = store.audit.entries()
    assert (entry.event, entry.details["whose"]) == ("aws_sessions.end_asked", name)
    assert [one.subject for one in store.errands.waiting("revoke")] == ["111122223333"]


@pytest.mark.parametrize(
    ("kind", "name", "nearest"),
    [
        ("person", "corp/alise", "corp/alice"),
        ("grant", "_grand", "_grant"),
        ("role", "111122223333/raeder", "111122223333/reader"),
        ("account", "111122223332", "111122223333"),
    ],
)
def test_an_end_of_nobody_is_refused_with_the_nearest_name(
    store: Store, clock: HeldClock, kind: RevocationKind, name: str, nearest: str
) -> None:
    _alive(store, clock)

    with pytest.raises(NotFound, match=nearest):
        _end(store, clock, kind, name)

    assert aws_endings(store) == ((), None)
    assert store.audit.entries() == ()


def test_an_end_without_a_reason_is_refused(store: Store, clock: HeldClock) -> None:
    _alive(store, clock)
    with pytest.raises(BadRequest, match="reason"):
        _end(store, clock, "person", "corp/alice", Cause("administrator", "corp/ada", " "))


def test_what_somebody_has_to_do_is_shown_whole(store: Store, clock: HeldClock) -> None:
    statement = '{"Version": "2012-10-17", "Statement": []}' * 60
    could_not = revocation(clock(), state=RevocationState.COULD_NOT, told=f"do this: {statement}\x1b[2J")
    store.revocations.add([could_not, revocation(clock(), "other", state=RevocationState.ENDED)])

    found = tuple(all_aws_endings(store))
    lines = list(lines_of(found))

    assert waits_for_somebody(found)
    assert any(statement in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_no_end_is_hidden_behind_a_page(store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one instant there may be many; and whoever has to act is told of the oldest one as well."""
    monkeypatch.setattr(aws_sessions, "MOST_SHOWN", 2)
    oldest = revocation(clock(), "oldest", state=RevocationState.COULD_NOT, told="do this", asked_at=clock())
    later = clock() + timedelta(seconds=1)
    store.revocations.add([oldest, *(revocation(later, f"{n}", asked_at=later) for n in range(4))])

    found = tuple(all_aws_endings(store))

    assert [one.id for one in found] == ["0", "1", "2", "3", "oldest"]
    assert waits_for_somebody(found)
