"""The ledger of live grants on both databases: with `grant.made` or not at all, completed, read, swept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, signed_in
from store_factories import NOBODY, entry, live_grant, revocation, session

from federation_bridge.errors import RoleWithheld, Unavailable
from federation_bridge.model import LiveGrant, LiveGrantQuery, Session
from federation_bridge.store import Store

_EVERYTHING = LiveGrantQuery()
_HOUR = timedelta(hours=1)


def _made(store: Store, clock: HeldClock, grant: LiveGrant) -> LiveGrant:
    asked = (grant.session_name, grant.person, entry(clock(), person=grant.person))
    assert store.session_names.claim(*asked, live=grant, within=_here(store, clock))
    return grant


def _here(store: Store, clock: HeldClock) -> Session:
    """Alice's session, in which it is decided."""
    signed_in(store, clock())
    return session(clock(), BROWSER)


def _sold(store: Store, clock: HeldClock, grant: LiveGrant, key: str) -> LiveGrant:
    sold = replace(grant, access_key_id=key, ends_at=grant.made_at + timedelta(minutes=50))
    store.live_grants.completed(sold, entry(clock()), NOBODY)
    return sold


def _living(store: Store, query: LiveGrantQuery = _EVERYTHING) -> tuple[LiveGrant, ...]:
    return store.live_grants.living(query, 100)[0]


@pytest.mark.parametrize("is_first", [True, False], ids=["a new name", "a name that is long theirs"])
def test_a_grant_stands_in_the_ledger_with_its_entry(store: Store, clock: HeldClock, *, is_first: bool) -> None:
    if not is_first:
        store.session_names.claim("alice", "corp/alice")
    grant = _made(store, clock, live_grant(clock()))
    assert store.live_grants.grant("_grant") == grant
    assert _living(store) == (grant,)
    assert len(store.audit.entries()) == 1


def test_a_name_of_somebody_else_writes_no_line(store: Store, clock: HeldClock) -> None:
    store.session_names.claim("alice", "corp/mallory")
    assert not store.session_names.claim("alice", "corp/alice", entry(clock()), live=live_grant(clock()))
    assert _living(store) == ()
    assert store.audit.entries() == ()


_OF_ANOTHER = {"person": "corp/mallory", "source_identity": "corp=mallory"}
_IN_QUESTION = {
    "of the person": {},
    "of everybody in a role": {"kind": "role", "person": "", "source_identity": "", "role_arn": "arn:of-another-role"},
    "of another with the source identity": {**_OF_ANOTHER, "source_identity": "corp=alice"},
    "over already": {"issued_before": datetime(2000, 1, 1, tzinfo=UTC)},
}
_OF_NO_CONCERN = {"of another": _OF_ANOTHER, "in another account": {"account": "444455556666"}}


@pytest.mark.parametrize("is_known", [True, False], ids=["a name that is long theirs", "a new name"])
@pytest.mark.parametrize("changes", _IN_QUESTION.values(), ids=_IN_QUESTION)
def test_nothing_is_granted_where_a_revocation_may_be_about_it_and_the_demand_says_no(
    store: Store, clock: HeldClock, changes: dict[str, Any], *, is_known: bool
) -> None:
    if is_known:
        store.session_names.claim("alice", "corp/alice")
    store.revocations.add([revocation(clock(), **changes)])

    def demand() -> None:
        raise RoleWithheld("until then")

    made = live_grant(clock())
    with pytest.raises(RoleWithheld):
        store.session_names.claim("alice", "corp/alice", entry(clock()), live=made, demand=demand)
    assert (_living(store), store.audit.entries()) == ((), ())

    assert store.session_names.claim("alice", "corp/alice", entry(clock()), live=made, demand=lambda: None)
    assert _living(store) == (made,)
    assert len(store.audit.entries()) == 1


@pytest.mark.parametrize("changes", _OF_NO_CONCERN.values(), ids=_OF_NO_CONCERN)
def test_the_statement_sees_itself_that_no_revocation_is_about_the_grant(
    store: Store, clock: HeldClock, changes: dict[str, Any]
) -> None:
    store.session_names.claim("alice", "corp/alice")
    store.revocations.add([revocation(clock(), **changes)])
    demands: list[str] = []
    made = live_grant(clock())
    how: dict[str, Any] = {"live": made, "within": _here(store, clock), "demand": lambda: demands.append("asked")}
    assert store.session_names.claim("alice", "corp/alice", entry(clock()), **how)
    assert (_living(store), demands) == ((made,), [])


@pytest.mark.parametrize("is_first", [True, False], ids=["a new name", "a name that is long theirs"])
def test_a_line_that_cannot_be_written_takes_the_entry_with_it(
    store: Store, clock: HeldClock, *, is_first: bool
) -> None:
    """A grant id is used once: its second use writes nothing, so nothing is granted."""
    _made(store, clock, live_grant(clock()))
    name = "other" if is_first else "alice"
    with pytest.raises(Unavailable):
        store.session_names.claim(name, "corp/alice", entry(clock()), live=live_grant(clock()))
    assert len(store.audit.entries()) == 1


def test_what_aws_answered_completes_the_line(store: Store, clock: HeldClock) -> None:
    sold = _sold(store, clock, _made(store, clock, live_grant(clock())), "ASIA1")
    assert store.live_grants.grant("_grant") == sold
    assert store.live_grants.of_key("ASIA1") == (sold,)
    assert store.live_grants.of_key("ASIA2") == ()
    assert len(store.audit.entries()) == 2


def test_a_line_that_a_failover_took_is_written_anew_when_aws_answers(store: Store, clock: HeldClock) -> None:
    sold = _sold(store, clock, live_grant(clock()), "ASIA1")
    assert store.live_grants.grant("_grant") == sold


def test_lines_are_found_by_person_and_by_role(store: Store, clock: HeldClock) -> None:
    alice = _made(store, clock, live_grant(clock(), "_1"))
    clock.advance(timedelta(seconds=1))
    admin = _made(store, clock, live_grant(clock(), "_2", role="admin"))
    bob = _made(store, clock, live_grant(clock(), "_3", "corp/bob"))
    grants = store.live_grants
    assert grants.of_person("corp/alice") == (alice, admin)
    assert grants.of_person("corp/nobody") == ()
    assert set(grants.of_role(alice.account, "reader")) == {alice, bob}
    assert set(grants.of_role(alice.account)) == {alice, admin, bob}
    assert grants.of_role("999999999999") == ()
    assert set(_living(store, LiveGrantQuery(role="reader"))) == {alice, bob}
    assert _living(store, LiveGrantQuery(person="corp/alice", account=alice.account, role="admin")) == (admin,)


@pytest.mark.parametrize("subject", ["a/b", "", "\u00e9'%_", "x" * 2048])
def test_a_person_comes_back_as_they_are_called(store: Store, clock: HeldClock, subject: str) -> None:
    grant = _made(store, clock, replace(live_grant(clock(), person=f"corp/{subject}"), session_name="name"))
    assert store.live_grants.of_person(f"corp/{subject}") == (grant,)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8])
def test_pages_give_each_line_once_what_lives_longest_first(store: Store, clock: HeldClock, most: int) -> None:
    made = []
    for number in range(7):
        made.append(_made(store, clock, live_grant(clock(), f"_{number}")))
        clock.advance(timedelta(seconds=number % 2))
    found: list[LiveGrant] = []
    page, cursor = store.live_grants.living(_EVERYTHING, most)
    pages = 1
    found += page
    while cursor is not None:
        page, cursor = store.live_grants.living(_EVERYTHING, most, cursor)
        found += page
        pages += 1
    assert found == sorted(made, key=lambda one: (one.ends_at, one.id), reverse=True)
    assert pages == -(-7 // most)


def test_what_has_ended_is_not_alive_and_stays_as_long_as_a_session_that_it_assumed(
    store: Store, clock: HeldClock
) -> None:
    grant = _made(store, clock, live_grant(clock()))
    clock.advance(_HOUR)
    assert _living(store) == ()
    assert store.live_grants.of_person("corp/alice") == (grant,)
    clock.advance(_HOUR - timedelta(microseconds=1))
    store.sweep()
    assert store.live_grants.grant("_grant") == grant
    clock.advance(timedelta(microseconds=1))
    store.sweep()
    assert store.live_grants.grant("_grant") is None


def test_a_line_swept_while_its_answer_comes_is_written_and_swept_again(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    """Two nodes: one sweeps what is over, the other completes it late."""
    one, other = own_database.open(), own_database.open()
    grant = _made(one, clock, live_grant(clock()))
    clock.advance(3 * _HOUR)
    other.sweep()
    _sold(one, clock, grant, "ASIA1")
    assert _living(one) == ()
    other.sweep()
    assert one.live_grants.of_key("ASIA1") == ()
