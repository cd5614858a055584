"""The database was put back: what was held is over, what is older counts no more, and people wait for a yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from block_factories import put
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, USER_CODE, let_in, pair, request, signed_in
from store_factories import IDLE, entry, session, sign_in

from federation_bridge.errors import Blocked, MessageReplayed, NotYetConfirmed, SignInOver, SignInRejected, Unavailable
from federation_bridge.model import Block, Ended, Restoration
from federation_bridge.store import Store, same_tables
from federation_bridge.store.device_codes import Poll
from federation_bridge.store.restorations import EVERYBODY, SOURCE

MINUTES = timedelta(minutes=5)


def restored(store: Store, clock: HeldClock) -> Ended:
    """As after an hour that is lost."""
    block = Block(EVERYBODY, SOURCE, "operator", "put back", clock())
    return store.restorations.begin(clock() - timedelta(hours=1), block, lambda _: [entry(clock())])


def confirmed(store: Store, clock: HeldClock) -> None:
    assert store.restorations.confirm(entry(clock())) is not None


def same_tables_told(store: Store) -> None:
    """As the migration leaves it."""
    with store.audit.writing() as writing:
        same_tables.tell("postgresql", writing.execute)


def comes_in(
    store: Store, now: datetime, key: str, *, left_at: datetime | None = None, issued_at: datetime | None = None
) -> None:
    """By a sign-in of ours that began then, or unasked by a message of then."""
    left = None if left_at is None else replace(sign_in(left_at), handle=key)
    store.sessions.admit(session(now, key), "issuer", f"_{key}", now, entry(now), sign_in=left, begun_at=issued_at)


def test_all_that_anybody_holds_ends_whatever_it_is(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    signed_in(store, clock(), "b" * 64, "bob")
    assert store.device_codes.begin("device", USER_CODE, request(clock()))
    assert restored(store, clock) == Ended(sessions=2, command_lines=1, pending=1)
    assert store.sessions.living() == ()
    assert store.token_families.living() == ()
    assert store.token_families.rotate("refresh family", "fedbridge", None, pair(clock(), "2")) is None
    assert store.device_codes.redeem("device", "fedbridge", None, pair(clock(), "3")) is Poll.UNKNOWN
    assert restored(store, clock) == Ended()


def test_nobody_comes_in_before_it_is_confirmed_and_a_sign_in_that_began_since_then_does(
    own_database: OwnDatabase, clock: HeldClock
) -> None:
    store, node = own_database.open(), own_database.open()
    restored(store, clock)
    # Begun too soon for other machines' clocks: people read what they wait for all the same.
    with pytest.raises(NotYetConfirmed):
        comes_in(store, clock(), "c" * 64, left_at=clock())
    clock.advance(MINUTES)
    for one in (store, node):
        with pytest.raises(NotYetConfirmed) as refused:
            comes_in(one, clock(), "c" * 64, left_at=clock())
        assert (refused.value.code, refused.value.status) == ("not_yet_confirmed", 503)
    confirmed(store, clock)
    assert store.restorations.confirm(entry(clock())) is None
    # Nothing of what was refused was spent.
    comes_in(node, clock(), "c" * 64, left_at=clock())
    assert node.sessions.live("c" * 64, IDLE)


def test_what_began_or_was_issued_before_is_believed_no_more(store: Store, clock: HeldClock) -> None:
    """Replay: that it was used stood in a row which is lost."""
    before = clock()
    restored(store, clock)
    confirmed(store, clock)
    clock.advance(MINUTES)
    with pytest.raises(SignInOver, match="before the database was put back"):
        comes_in(store, clock(), "c" * 64, left_at=before)
    with pytest.raises(MessageReplayed, match="before the database was put back"):
        comes_in(store, clock(), "c" * 64, issued_at=before)
    with pytest.raises(MessageReplayed):  # of which nobody says when it was issued
        comes_in(store, clock(), "c" * 64)
    assert store.sessions.living() == ()
    # Its twin, a moment younger.
    last = store.restorations.last()
    assert last is not None
    comes_in(store, clock(), "c" * 64, issued_at=last.not_before)


def test_a_sign_in_that_was_taken_before_it_was_checked_is_held_to_its_beginning(
    store: Store, clock: HeldClock
) -> None:
    left = sign_in(clock())
    restored(store, clock)
    confirmed(store, clock)
    clock.advance(MINUTES)
    store.sessions.take(left)
    with pytest.raises(SignInRejected, match="before the database was put back"):
        comes_in(store, clock(), "c" * 64, issued_at=left.started_at)


def test_a_database_that_was_never_put_back_asks_nobody_for_their_age(store: Store, clock: HeldClock) -> None:
    comes_in(store, clock(), "c" * 64)
    assert store.sessions.live("c" * 64, IDLE)
    assert store.restorations.last() is None


def test_a_confirmation_lifts_nobody_elses_block(store: Store, clock: HeldClock) -> None:
    put(store, clock)
    restored(store, clock)
    confirmed(store, clock)
    clock.advance(MINUTES)
    with pytest.raises(Blocked) as refused:
        comes_in(store, clock(), "c" * 64, left_at=clock())
    assert refused.value.code == "blocked"
    assert store.sessions.live(BROWSER, IDLE) is None


def test_the_last_of_several_counts(own_database: OwnDatabase, clock: HeldClock) -> None:
    store = own_database.open()
    restored(store, clock)
    first = clock()
    clock.advance(timedelta(days=1))
    restored(store, clock)
    apart = timedelta(seconds=1 if own_database.is_sqlite else 121)
    assert store.restorations.last() == Restoration(2, first + timedelta(hours=23), clock(), clock() + apart)
    confirmed(store, clock)
    with pytest.raises(SignInOver):
        comes_in(store, clock(), "c" * 64, left_at=first + timedelta(hours=1))


def test_a_program_that_would_not_ask_for_the_age_is_not_ready_any_more(
    own_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = own_database.open()
    monkeypatch.setattr("federation_bridge.store.schema.HEAD", "0029")
    assert store.schema_problem() is None
    restored(store, clock)
    assert "takes programs from step 0030 on" in (store.schema_problem() or "")


def test_tables_that_a_dump_made_are_known_and_nobody_serves_with_them(
    postgresql_database: OwnDatabase, clock: HeldClock
) -> None:
    """As `pg_restore` leaves them: the same rows in another table. In SQLite nothing tells them apart."""
    own_database, store = postgresql_database, postgresql_database.open()
    assert store.schema_problem() is None
    own_database.admin("ALTER TABLE sessions RENAME TO old_sessions")
    own_database.admin("CREATE TABLE sessions (LIKE old_sessions INCLUDING ALL)")
    own_database.admin("ALTER TABLE sessions OWNER TO bridge")
    try:
        assert "was put back from a backup, and the bridge was not told" in (store.problem() or "")
        # A node that nobody has stopped notices it, too, and believes no row any more.
        store.same_tables.look()
        with pytest.raises(Unavailable, match="was put back from a backup"):
            store.same_tables.demand()
        restored(store, clock)
        assert store.schema_problem() is None
        store.same_tables.look()
        store.same_tables.demand()
    finally:
        own_database.admin("DROP TABLE sessions")
        own_database.admin("ALTER TABLE old_sessions RENAME TO sessions")
        same_tables_told(store)
