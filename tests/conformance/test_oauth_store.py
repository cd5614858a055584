"""What the authorization server remembers of families, on both databases: they end whole, and with their session."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from block_factories import LONG_AGO, block
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, USER_CODE, approved, family, let_in, pair, request, rotate, signed_in
from oauth_store_factories import LENIENCY, RACERS, ROUNDS, raced
from store_factories import entry, identity

from federation_bridge.errors import NotSignedIn
from federation_bridge.model import AuthorizationCode
from federation_bridge.store import Store
from federation_bridge.store.device_codes import Poll
from federation_bridge.store.tables import SESSIONS
from federation_bridge.store.token_families import Stale, insert_family

# ---------------------------------------------------------------------------------------------------------- families


ENDS: dict[str, Callable[[Store], object]] = {
    "sign-out of the browser": lambda store: store.sessions.end(BROWSER),
    "sign-out of the command line": lambda store: store.sessions.end("family"),
    "the end of all of a person": lambda store: store.sessions.end_of_person("corp/alice"),
    "its own end": lambda store: store.token_families.end("family"),
    "a block": lambda store: store.blocks.put(block(LONG_AGO), lambda _: ()),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_family_ends_whole(store: Store, clock: HeldClock, end: Callable[[Store], object]) -> None:
    let_in(store, clock())
    let_in(store, clock(), "other", approved_in="b" * 64, identity=identity("bob"))
    end(store)
    assert store.token_families.live("access family") is None
    rotated = rotate(store, "refresh family", "fedbridge", None, pair(clock(), "2"), LENIENCY)
    assert rotated is Stale.UNKNOWN
    assert store.token_families.holding("access family") is None
    assert store.token_families.live("access other") is not None


def test_a_family_that_ends_before_its_code_was_collected_is_not_collected(store: Store, clock: HeldClock) -> None:
    device = approved(store, clock())
    store.sessions.end(BROWSER)
    assert store.device_codes.redeem(device, "fedbridge", None, pair(clock())) is Poll.UNKNOWN
    assert store.token_families.live("access 1") is None


def test_families_go_over_to_the_session_that_succeeds(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    signed_in(store, clock(), "b" * 64)
    store.sessions.succeed(BROWSER, "b" * 64)
    assert [one.key for one in store.sessions.living()] == ["b" * 64]
    assert store.token_families.live("access family") is not None
    store.sessions.end("b" * 64)
    assert store.token_families.live("access family") is None


def test_families_end_where_the_session_that_succeeds_has_ended_meanwhile(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    signed_in(store, clock(), "b" * 64)
    store.sessions.end("b" * 64)
    store.sessions.succeed(BROWSER, "b" * 64)
    assert store.token_families.living() == ()


def test_a_claimed_code_goes_over_to_the_session_that_succeeds_and_to_no_other(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock())
    signed_in(store, clock(), "b" * 64)
    signed_in(store, clock(), "c" * 64)
    store.device_codes.begin("device", USER_CODE, request(clock()))
    store.device_codes.claim(USER_CODE, BROWSER)
    store.sessions.succeed(BROWSER, "b" * 64)
    for other in (BROWSER, "c" * 64):
        assert store.device_codes.claim(USER_CODE, other) is None
        assert not store.device_codes.deny(USER_CODE, other)
    assert store.device_codes.approve(USER_CODE, "b" * 64, replace(family(clock()), approved_in="b" * 64))
    assert not store.device_codes.deny(USER_CODE, "b" * 64)


def test_a_claimed_code_is_refused_where_the_session_that_succeeds_has_ended_meanwhile(
    store: Store, clock: HeldClock
) -> None:
    signed_in(store, clock())
    store.device_codes.begin("device", USER_CODE, request(clock()))
    store.device_codes.claim(USER_CODE, BROWSER)
    store.sessions.succeed(BROWSER, "b" * 64)
    assert store.device_codes.redeem("device", "fedbridge", None, pair(clock())) is Poll.DENIED


# ------------------------------------------------------------------------------------- the session that approves ends


CODE = AuthorizationCode("fedbridge", "http://127.0.0.1:1/callback", "x", "family", datetime(2026, 3, 4, tzinfo=UTC))


def _by_device(store: Store, now: datetime) -> bool:
    return store.device_codes.approve(USER_CODE, BROWSER, family(now), entry(now))


def _by_code(store: Store, now: datetime) -> bool:
    store.authorization_codes.issue("code", CODE, family(now), entry(now))
    return True


APPROVALS = {"device": _by_device, "browser": _by_code}
SESSION_ENDS: dict[str, Callable[[Store], object]] = {
    "sign-out": lambda store: store.sessions.end(BROWSER),
    "the operator's end": lambda store: store.sessions.end_of_person("corp/alice"),
    "a block": lambda store: store.blocks.put(block(LONG_AGO), lambda _: ()),
    "a sign-in anew": lambda store: store.sessions.succeed(BROWSER, "b" * 64),
}


@pytest.mark.parametrize("end", SESSION_ENDS.values(), ids=SESSION_ENDS)
@pytest.mark.parametrize("approve", APPROVALS.values(), ids=APPROVALS)
def test_nothing_is_approved_in_a_session_that_has_ended(
    store: Store, clock: HeldClock, approve: Callable[[Store, datetime], bool], end: Callable[[Store], object]
) -> None:
    """The request that approves has looked its session up before; the end was committed in between."""
    signed_in(store, clock())
    store.device_codes.begin("device", USER_CODE, request(clock()))
    store.device_codes.claim(USER_CODE, BROWSER)
    end(store)
    with pytest.raises(NotSignedIn):
        approve(store, clock())
    assert store.token_families.uncollected("family") is None
    assert store.authorization_codes.take("code") is None
    assert store.audit.entries() == ()


@pytest.mark.parametrize("approve", APPROVALS.values(), ids=APPROVALS)
def test_nothing_is_approved_in_a_session_whose_time_is_over(
    store: Store, clock: HeldClock, approve: Callable[[Store, datetime], bool]
) -> None:
    signed_in(store, clock())
    clock.advance(timedelta(hours=12))
    store.device_codes.begin("device", USER_CODE, request(clock()))
    store.device_codes.claim(USER_CODE, BROWSER)
    with pytest.raises(NotSignedIn):
        approve(store, clock())
    assert store.token_families.uncollected("family") is None


@pytest.mark.parametrize("end", SESSION_ENDS.values(), ids=SESSION_ENDS)
def test_an_end_waits_for_an_approval_in_flight_and_reaches_it(
    own_database: OwnDatabase, end: Callable[[Store], object]
) -> None:
    store, other, now = own_database.open(), own_database.open(), own_database.clock()
    signed_in(store, now)
    signed_in(store, now, "b" * 64)
    with ThreadPoolExecutor(1) as thread:
        with store.audit.writing() as approving:
            insert_family(approving, family(now), now)
            ending = thread.submit(end, other)
            with pytest.raises(TimeoutError):
                ending.result(0.3)
        ending.result(30)
    # Handed over to the session that succeeds, or gone: never of a session that is no more.
    store.sessions.end("b" * 64)
    assert store.token_families.uncollected("family") is None


def test_an_approval_waits_for_an_end_in_flight_and_is_refused(own_database: OwnDatabase) -> None:
    store, other, now = own_database.open(), own_database.open(), own_database.clock()
    signed_in(store, now)
    with ThreadPoolExecutor(1) as thread:
        with store.audit.writing() as ending:
            ending.execute(SESSIONS.delete().where(SESSIONS.c.token_hash == BROWSER), {})
            approving = thread.submit(_by_code, other, now)
            with pytest.raises(TimeoutError):
                approving.result(0.3)
        with pytest.raises(NotSignedIn):
            approving.result(30)
    assert store.token_families.uncollected("family") is None


def test_of_approvals_and_ends_at_once_no_family_outlives_its_session(own_database: OwnDatabase) -> None:
    store, now = own_database.open(), own_database.clock()
    for number in range(ROUNDS):
        signed_in(store, now, f"{number:064d}")

    def approve_or_end(own: Store, number: int, racer: int) -> bool:
        if racer == 0:
            own.sessions.end(f"{number:064d}")
            return False
        name = f"f{number} {racer}"
        given = replace(CODE, family_id=name)
        try:
            own.authorization_codes.issue(name, given, family(now, name, approved_in=f"{number:064d}"))
        except NotSignedIn:
            return False
        return True

    raced(own_database, approve_or_end)
    names = [f"f{number} {racer}" for number in range(ROUNDS) for racer in range(RACERS)]
    assert [name for name in names if store.token_families.uncollected(name) is not None] == []


def test_the_living_are_listed_by_person(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    let_in(store, clock(), "bobs", approved_in="b" * 64, identity=identity("bob"))
    assert [one.id for one in store.token_families.living("corp/bob")] == ["bobs"]
    assert {one.id for one in store.token_families.living()} == {"family", "bobs"}


def test_no_code_and_no_token_stands_in_the_database(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    approved(store, clock())
    with store._database.reading() as connection:
        tables = ("tokens", "token_families", "device_codes", "authorization_codes")
        rows = [str(row) for table in tables for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]
    assert rows
    assert not [row for row in rows if "refresh family" in row or "access family" in row or "device 0" in row]
