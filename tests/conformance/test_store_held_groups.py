"""Groups that a directory tells anew: all of a person's sessions and command lines take them at once, or none does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, family, let_in, pair, signed_in, told_anew
from forged_rows import rows_of
from store_factories import IDLE, entry, identity, live_grant, session

from federation_bridge.errors import NotSignedIn, RoleWithheld, Unavailable
from federation_bridge.model import AuthorizationCode, Groups, Session
from federation_bridge.store import Store
from federation_bridge.store.held_groups import change_in
from federation_bridge.store.live_grants import of_person_in
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.store.tables import TOKEN_FAMILIES
from federation_bridge.store.writing import Writing

ALICE = "corp/alice"
LATER = timedelta(minutes=5)
STAFF = Groups(("staff",))


def _held(store: Store) -> list[Groups]:
    """What each of Alice's sessions and command lines holds."""
    sessions, families = store.sessions.living(), store.token_families.living()
    people = (*(one.identity for one in sessions), *(one.identity for one in families))
    return [one.groups for one in people if one.person == ALICE]


def _signed_in_twice(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock())
    signed_in(store, clock(), "b" * 64)
    let_in(store, clock(), "one")
    let_in(store, clock(), "two", approved_in="b" * 64)


def test_all_sessions_and_command_lines_of_the_person_take_them_and_nobody_elses(
    store: Store, clock: HeldClock
) -> None:
    _signed_in_twice(store, clock)
    store.sessions.admit(session(clock(), "d" * 64, "bob"), "issuer", "_bob", clock())
    clock.advance(LATER)

    assert told_anew(store, ALICE, STAFF) == 4

    assert _held(store) == [STAFF] * 4
    bob = store.sessions.live("d" * 64, IDLE)
    assert bob is not None
    assert bob.identity == identity("bob")


def test_nothing_but_the_groups_changes_and_every_row_still_bears_our_mac(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock())
    made = let_in(store, clock())
    before = store.sessions.live(BROWSER, IDLE)
    clock.advance(LATER)
    told_anew(store, ALICE, STAFF)

    told = replace(identity(), groups=STAFF)
    assert before is not None
    assert store.sessions.live(BROWSER, IDLE) == replace(before, identity=told)
    assert store.token_families.live("access family") == replace(made, identity=told)
    assert store.token_families.rotate("refresh family", "fedbridge", None, pair(clock(), "2")) is not None
    assert "row.forged" not in [one.event for one in store.audit.entries()]


def test_where_one_row_cannot_be_written_none_is(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _signed_in_twice(store, clock)
    before, change, written = _held(store), Writing.change, []

    def third_fails(self: Writing, *args: object, **changes: object) -> bool:
        written.append(args)
        if len(written) == 3:
            raise Unavailable("the disk is full")
        return change(self, *args, **changes)  # type: ignore[arg-type]

    monkeypatch.setattr(Writing, "change", third_fails)
    with pytest.raises(Unavailable):
        told_anew(store, ALICE, STAFF)
    assert len(written) == 3
    assert _held(store) == before


def _granted(store: Store, now: datetime, within: Session, name: str) -> bool:
    return store.session_names.claim("alice", ALICE, entry(now), live=live_grant(now, name, ALICE), within=within)


def _issued(store: Store, now: datetime) -> None:
    """A command line approved by somebody who read their session before."""
    given = AuthorizationCode("fedbridge", "http://127.0.0.1:1/", "x", "family", now + timedelta(minutes=1))
    store.authorization_codes.issue("code", given, family(now))


def test_a_command_line_begins_with_the_groups_that_its_session_holds_by_then(store: Store, clock: HeldClock) -> None:
    """Else an approval that was under way while a group was taken away would carry it on until the session's end."""
    signed_in(store, clock())
    told_anew(store, ALICE, STAFF)
    _issued(store, clock())
    made = store.token_families.uncollected("family")
    assert made is not None
    assert made.identity == replace(identity(), groups=STAFF)


def test_nobody_approves_in_the_session_of_another_person(store: Store, clock: HeldClock) -> None:
    store.sessions.admit(session(clock(), BROWSER, "bob"), "issuer", "_bob", clock())
    with pytest.raises(NotSignedIn):
        _issued(store, clock())
    assert rows_of(store, TOKEN_FAMILIES) == []


def test_an_approval_that_meets_it_leaves_no_command_line_with_the_old_groups(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    stores = [own_database.open(), own_database.open()]
    for number in range(8):
        name = f"{number}" * 64
        signed_in(stores[0], clock(), name)
        barrier = threading.Barrier(2)

        def approve(store: Store = stores[0], name: str = name, both: threading.Barrier = barrier) -> None:
            given = AuthorizationCode("fedbridge", "http://127.0.0.1:1/", "x", name, clock() + timedelta(minutes=1))
            both.wait(60)
            store.authorization_codes.issue(f"code {name}", given, family(clock(), name, approved_in=name))

        def tell(store: Store = stores[1], both: threading.Barrier = barrier) -> None:
            both.wait(60)
            told_anew(store, ALICE, STAFF)

        with ThreadPoolExecutor(2) as threads:
            for future in [threads.submit(approve), threads.submit(tell)]:
                future.result(60)
        made = stores[0].token_families.uncollected(name)
        assert made is not None
        assert made.identity.groups.names == ("staff",)


@pytest.mark.parametrize("is_family", [False, True], ids=["a session", "a command line"])
def test_a_grant_that_meets_a_lost_group_is_in_the_ledger_when_that_looks_or_is_none(
    own_database: OwnDatabase, clock: HeldClock, is_family: bool
) -> None:
    stores, looked, is_over = [own_database.open(), own_database.open()], threading.Event(), threading.Event()
    signed_in(stores[0], clock())
    made = let_in(stores[0], clock())
    within = session(clock(), BROWSER)
    within = replace(within, key=made.id, identity=made.identity) if is_family else within
    assert _granted(stores[0], clock(), within, "first")  # from now on it is one statement

    def grant() -> bool:
        assert looked.wait(60)
        try:
            return _granted(stores[0], clock(), within, "second")
        except RoleWithheld:
            return False
        finally:
            is_over.set()

    def tell() -> set[str]:
        def work(changes: ProvisionedChanges) -> set[str]:
            change_in(changes.writing, ALICE, lambda _: STAFF)
            found = {one.id for one in of_person_in(changes.writing, ALICE)}
            looked.set()
            is_over.wait(0.5)  # a grant that does not wait for this transaction is through by then
            return found

        return stores[1].provisioned.change("corp", work)

    with ThreadPoolExecutor(2) as threads:
        granting, telling = threads.submit(grant), threads.submit(tell)
        assert telling.result(60) == {"first"}
        assert granting.result(60) is False
    assert [one.id for one in stores[0].live_grants.of_person(ALICE)] == ["first"]


def test_a_grant_that_is_in_the_ledger_is_seen_by_who_takes_the_group_away(store: Store, clock: HeldClock) -> None:
    """The valid twin; and of groups that stay as they are, every grant is one."""
    signed_in(store, clock())
    within = session(clock(), BROWSER)
    assert _granted(store, clock(), within, "first")
    assert told_anew(store, ALICE, within.identity.groups) == 0
    assert _granted(store, clock(), within, "second")
    assert told_anew(store, ALICE, STAFF) == 1
    with pytest.raises(RoleWithheld):
        _granted(store, clock(), within, "third")
    assert {one.id for one in store.live_grants.of_person(ALICE)} == {"first", "second"}
    assert len(store.audit.entries()) == 2


def test_a_row_that_is_not_ours_takes_nothing_and_stays_nobodys(own_database: OwnDatabase, clock: HeldClock) -> None:
    """Else groups told anew would put a good MAC on what somebody wrote into the database."""
    store = own_database.open()
    signed_in(store, clock())
    signed_in(store, clock(), "b" * 64)
    own_database.admin(f"UPDATE sessions SET ends_at = ends_at + 1 WHERE token_hash = '{BROWSER}'")

    assert told_anew(store, ALICE, STAFF) == 1

    assert store.sessions.live(BROWSER, IDLE) is None
    assert store.sessions.live("b" * 64, IDLE) is not None
