"""What the authorization server remembers, on both databases: one-time things are taken once, families end whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from block_factories import LONG_AGO, block
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, USER_CODE, approved, family, let_in, pair, request, rotate, signed_in
from store_factories import entry, identity

from federation_bridge.errors import NotSignedIn
from federation_bridge.model import AuthorizationCode, TokenFamily
from federation_bridge.store import Store
from federation_bridge.store.device_codes import Poll
from federation_bridge.store.rate_limits import Limit
from federation_bridge.store.tables import SESSIONS
from federation_bridge.store.token_families import Stale, insert_family

RACERS, ROUNDS = 4, 10
LENIENCY = timedelta(seconds=10)


def raced(own_database: OwnDatabase, verb: Callable[[Store, int, int], bool]) -> list[int]:
    """How many of the racers, each with a store of its own, won each round."""
    barrier = threading.Barrier(RACERS)

    def run(racer: int) -> list[bool]:
        store = own_database.open()
        won = []
        for number in range(ROUNDS):
            barrier.wait(60)
            won.append(verb(store, number, racer))
        return won

    with ThreadPoolExecutor(RACERS) as threads:
        outcomes = list(threads.map(run, range(RACERS)))
    return [sum(round_) for round_ in zip(*outcomes, strict=True)]


# ------------------------------------------------------------------------------------------------------------ device


def test_a_device_code_goes_from_pending_to_its_tokens_once(store: Store, clock: HeldClock) -> None:
    now = clock()
    signed_in(store, now)
    assert store.device_codes.begin("device", USER_CODE, request(now), entry(now))
    assert store.device_codes.redeem("device", "fedbridge", None, pair(now)) is Poll.PENDING
    assert store.device_codes.claim(USER_CODE, BROWSER) == request(now)
    assert store.device_codes.approve(USER_CODE, BROWSER, family(now), entry(now))
    found = store.device_codes.redeem("device", "fedbridge", "key", pair(now))
    assert found == family(now, dpop_jkt="key")
    assert store.device_codes.redeem("device", "fedbridge", "key", pair(now, "2")) is Poll.UNKNOWN
    assert store.token_families.live("access 1") == found
    assert store.token_families.live("access 2") is None


def test_a_user_code_in_use_is_not_given_twice(store: Store, clock: HeldClock) -> None:
    assert store.device_codes.begin("one", USER_CODE, request(clock()), entry(clock()))
    assert not store.device_codes.begin("two", USER_CODE, request(clock()), entry(clock()))
    assert len(store.audit.entries()) == 1


def test_a_claimed_code_is_the_first_sessions_alone(store: Store, clock: HeldClock) -> None:
    now = clock()
    signed_in(store, now)
    store.device_codes.begin("device", USER_CODE, request(now))
    assert store.device_codes.claim(USER_CODE, BROWSER)
    assert store.device_codes.claim(USER_CODE, BROWSER)
    assert store.device_codes.claim(USER_CODE, "b" * 64) is None
    assert not store.device_codes.approve(USER_CODE, "b" * 64, family(now))
    assert not store.device_codes.deny(USER_CODE, "b" * 64)
    assert store.device_codes.approve(USER_CODE, BROWSER, family(now))


def test_a_claimed_request_is_told_to_its_session_alone_and_asking_claims_nothing(
    store: Store, clock: HeldClock
) -> None:
    now = clock()
    codes = store.device_codes
    codes.begin("device", USER_CODE, request(now))
    assert codes.claimed(USER_CODE, "b" * 64) is None
    assert codes.claim(USER_CODE, BROWSER)
    assert codes.claimed(USER_CODE, BROWSER) == request(now)
    assert codes.claimed(USER_CODE, "b" * 64) is None
    assert codes.deny(USER_CODE, BROWSER)
    assert codes.claimed(USER_CODE, BROWSER) is None


def test_nobody_approves_what_was_not_claimed_and_no_family_is_left(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock())
    store.device_codes.begin("device", USER_CODE, request(clock()))
    assert not store.device_codes.approve(USER_CODE, BROWSER, family(clock()), entry(clock()))
    assert store.token_families.collect("family", None, pair(clock())) is None
    assert store.audit.entries() == ()


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_a_decision_is_final(store: Store, clock: HeldClock, decision: str) -> None:
    now = clock()
    signed_in(store, now)
    store.device_codes.begin("device", USER_CODE, request(now))
    store.device_codes.claim(USER_CODE, BROWSER)
    codes = store.device_codes
    assert codes.approve(USER_CODE, BROWSER, family(now)) if decision == "approve" else codes.deny(USER_CODE, BROWSER)
    assert not codes.approve(USER_CODE, BROWSER, family(now, "other"))
    assert not codes.deny(USER_CODE, BROWSER)
    assert codes.claim(USER_CODE, BROWSER) is None
    expected = TokenFamily if decision == "approve" else Poll
    assert isinstance(codes.redeem("device", "fedbridge", None, pair(now)), expected)


def test_polling_too_soon_slows_the_poller_down_by_five_seconds_each_time(store: Store, clock: HeldClock) -> None:
    store.device_codes.begin("device", USER_CODE, request(clock()))

    def poll(after: int) -> Any:
        clock.advance(timedelta(seconds=after))
        return store.device_codes.redeem("device", "fedbridge", None, pair(clock()))

    assert [poll(0), poll(5), poll(1), poll(5), poll(14), poll(20)] == [
        Poll.PENDING,
        Poll.PENDING,
        Poll.TOO_SOON,
        Poll.TOO_SOON,
        Poll.TOO_SOON,
        Poll.PENDING,
    ]


def test_an_expired_code_says_so_and_is_final_and_swept_later(store: Store, clock: HeldClock) -> None:
    approved(store, clock())
    clock.advance(timedelta(minutes=10))
    assert store.device_codes.redeem("device 0", "fedbridge", None, pair(clock())) is Poll.EXPIRED
    assert store.device_codes.claim(f"{0:064d}", BROWSER) is None
    clock.advance(timedelta(hours=9))
    assert store.sweep() >= 1
    assert store.device_codes.redeem("device 0", "fedbridge", None, pair(clock())) is Poll.UNKNOWN


def test_another_client_or_key_gets_nothing_and_spoils_nothing(store: Store, clock: HeldClock) -> None:
    now = clock()
    device = approved(store, now, dpop_jkt="key")
    assert store.device_codes.redeem(device, "aws-sso", "key", pair(now)) is Poll.UNKNOWN
    assert store.device_codes.redeem(device, "fedbridge", "other", pair(now)) is Poll.UNKNOWN
    assert store.device_codes.redeem(device, "fedbridge", None, pair(now)) is Poll.UNKNOWN
    assert isinstance(store.device_codes.redeem(device, "fedbridge", "key", pair(now)), TokenFamily)


def test_of_many_polls_one_gets_the_tokens(own_database: OwnDatabase) -> None:
    store, now = own_database.open(), own_database.clock()
    for number in range(ROUNDS):
        approved(store, now, number)

    def poll(own: Store, number: int, racer: int) -> bool:
        fresh = pair(now, f"{number} {racer}")
        return isinstance(own.device_codes.redeem(f"device {number}", "fedbridge", None, fresh), TokenFamily)

    assert raced(own_database, poll) == [1] * ROUNDS


def test_of_many_sessions_one_claims_a_code(own_database: OwnDatabase) -> None:
    store, now = own_database.open(), own_database.clock()
    for number in range(ROUNDS):
        store.device_codes.begin(f"device {number}", f"{number:064d}", request(now))

    def claim(own: Store, number: int, racer: int) -> bool:
        return own.device_codes.claim(f"{number:064d}", f"session {racer}") is not None

    assert raced(own_database, claim) == [1] * ROUNDS


# -------------------------------------------------------------------------------------------------------------- code


def test_of_many_who_bring_a_code_one_gets_it(own_database: OwnDatabase) -> None:
    store, now = own_database.open(), own_database.clock()
    signed_in(store, now)
    for number in range(ROUNDS):
        given = AuthorizationCode("fedbridge", "http://127.0.0.1:1/callback", "x", f"f{number}", now)
        store.authorization_codes.issue(f"code {number}", given, family(now, f"f{number}"), entry(now))

    def take(own: Store, number: int, racer: int) -> bool:
        return own.authorization_codes.take(f"code {number}") is not None

    assert raced(own_database, take) == [1] * ROUNDS
    assert store.authorization_codes.family_of("code 0") == "f0"
    assert store.authorization_codes.family_of("no such code") is None


def test_a_family_is_collected_once(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    assert store.token_families.collect("family", None, pair(clock(), "2")) is None


# ---------------------------------------------------------------------------------------------------------- families


def test_a_refresh_token_gives_one_new_pair(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    clock.advance(timedelta(minutes=14))
    rotated = rotate(store, "refresh family", "fedbridge", None, pair(clock(), "2"), LENIENCY)
    assert isinstance(rotated, TokenFamily)
    assert rotated.last_used_at == clock()
    assert store.token_families.live("access 2") == rotated


def test_a_refresh_token_can_be_looked_at_without_using_it_up(store: Store, clock: HeldClock) -> None:
    made = let_in(store, clock(), jkt="key")
    families = store.token_families
    for _ in range(2):
        assert families.usable("refresh family", "fedbridge", "key") == made
    for client, jkt in (("aws-sso", "key"), ("fedbridge", "other"), ("fedbridge", None)):
        assert families.usable("refresh family", client, jkt) is None
    assert families.usable("access family", "fedbridge", "key") is None
    assert isinstance(rotate(store, "refresh family", "fedbridge", "key", pair(clock(), "2"), LENIENCY), TokenFamily)
    assert families.usable("refresh family", "fedbridge", "key") is None
    assert families.usable("refresh 2", "fedbridge", "key") is not None
    clock.advance(timedelta(hours=8))
    assert families.usable("refresh 2", "fedbridge", "key") is None


def test_tokens_and_the_entry_that_tells_of_them_stand_together_or_not_at_all(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    fresh = pair(clock(), "2")
    families = store.token_families
    assert families.rotate("refresh family", "fedbridge", None, fresh, lambda _: entry(clock())) is not None
    assert len(store.audit.entries()) == 1
    assert families.rotate("refresh family", "fedbridge", None, fresh, lambda _: entry(clock())) is None
    assert len(store.audit.entries()) == 1

    def failing(_: TokenFamily) -> Any:
        raise RuntimeError("the audit cannot be written")

    with pytest.raises(RuntimeError):
        families.rotate("refresh 2", "fedbridge", None, pair(clock(), "3"), failing)
    assert families.live("access 3") is None
    assert families.usable("refresh 2", "fedbridge", None) is not None


def test_how_and_from_where_a_family_was_approved_is_kept_and_a_label_is_given_once(
    store: Store, clock: HeldClock
) -> None:
    made = let_in(store, clock(), label="", way="browser", approved_from="192.0.2.7")
    assert (made.way, made.approved_from, made.label) == ("browser", "192.0.2.7", "")
    labelled = let_in(store, clock(), "second", label="laptop")
    assert labelled.label == "laptop"
    waiting = family(clock(), "third", label="")
    store.authorization_codes.issue(
        "code third", AuthorizationCode("fedbridge", "http://127.0.0.1:1/callback", "x", "third", clock()), waiting
    )
    assert store.token_families.uncollected("third") == waiting
    found = store.token_families.collect("third", None, replace(pair(clock(), "third"), label="aws-cli/2 (linux)"))
    assert found is not None
    assert found.label == "aws-cli/2 (linux)"
    assert store.token_families.uncollected("third") is None


def test_of_many_who_refresh_with_one_token_one_gets_a_pair_and_the_family_lives(own_database: OwnDatabase) -> None:
    store, now = own_database.open(), own_database.clock()
    for number in range(ROUNDS):
        let_in(store, now, f"f{number}")

    def renew(own: Store, number: int, racer: int) -> bool:
        fresh = pair(now, f"{number} {racer}")
        return isinstance(rotate(own, f"refresh f{number}", "fedbridge", None, fresh, LENIENCY), TokenFamily)

    assert raced(own_database, renew) == [1] * ROUNDS
    assert len(store.token_families.living()) == ROUNDS


def test_a_replay_ends_the_family_and_a_quick_second_use_does_not(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    families = store.token_families
    rotate(store, "refresh family", "fedbridge", None, pair(clock(), "2"), LENIENCY)
    clock.advance(LENIENCY)
    assert rotate(store, "refresh family", "fedbridge", None, pair(clock(), "3"), LENIENCY) is Stale.JUST_USED
    assert families.live("access 2") is not None
    clock.advance(timedelta(seconds=1))
    assert rotate(store, "refresh family", "fedbridge", None, pair(clock(), "3"), LENIENCY) is Stale.REPLAYED
    assert [families.live(f"access {name}") for name in ("family", "2", "3")] == [None] * 3
    assert rotate(store, "refresh 2", "fedbridge", None, pair(clock(), "4"), LENIENCY) is Stale.UNKNOWN


@pytest.mark.parametrize(("client", "jkt"), [("aws-sso", "key"), ("fedbridge", "other"), ("fedbridge", None)])
def test_another_client_or_key_refreshes_nothing_and_uses_nothing_up(
    store: Store, clock: HeldClock, client: str, jkt: str | None
) -> None:
    let_in(store, clock(), jkt="key")
    assert rotate(store, "refresh family", client, jkt, pair(clock(), "2"), LENIENCY) is Stale.UNKNOWN
    assert isinstance(rotate(store, "refresh family", "fedbridge", "key", pair(clock(), "3"), LENIENCY), TokenFamily)


def test_an_access_token_is_no_refresh_token_and_the_other_way_round(store: Store, clock: HeldClock) -> None:
    let_in(store, clock())
    families = store.token_families
    assert rotate(store, "access family", "fedbridge", None, pair(clock(), "2"), LENIENCY) is Stale.UNKNOWN
    assert families.live("refresh family") is None


def test_access_ends_with_its_token_and_everything_with_the_family(store: Store, clock: HeldClock) -> None:
    let_in(store, clock(), ends_at=clock() + timedelta(minutes=20))
    clock.advance(timedelta(minutes=15))
    assert store.token_families.live("access family") is None
    rotate(store, "refresh family", "fedbridge", None, pair(clock(), "2"), LENIENCY)
    clock.advance(timedelta(minutes=5))
    assert store.token_families.live("access 2") is None
    assert rotate(store, "refresh 2", "fedbridge", None, pair(clock(), "3"), LENIENCY) is Stale.UNKNOWN
    assert store.token_families.living() == ()
    assert store.sweep() > 0


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


# ------------------------------------------------------------------------------------------------------------- limits


def test_tries_are_counted_and_given_back_and_forgotten(store: Store, clock: HeldClock) -> None:
    limit = Limit("guess", "alice", 2, timedelta(minutes=10))
    other = Limit("guess", "bob", 2, timedelta(minutes=10))
    assert [store.rate_limits.take([limit]) for _ in range(3)] == [None, None, limit]
    assert store.rate_limits.take([other]) is None
    store.rate_limits.give_back([limit])
    assert store.rate_limits.take([limit, other]) is None
    assert store.rate_limits.take([limit]) == limit
    clock.advance(timedelta(minutes=10))
    assert store.rate_limits.take([limit]) is None


def test_many_at_once_get_no_more_tries_than_one(own_database: OwnDatabase) -> None:
    limits = [Limit("guess", "alice", 5, timedelta(minutes=10)), Limit("all", "", 100, timedelta(minutes=10))]
    won = raced(own_database, lambda own, number, racer: own.rate_limits.take(limits) is None)
    assert sum(won) == 5


def test_who_is_over_a_limit_of_their_own_uses_up_nothing_that_is_shared(store: Store) -> None:
    span = timedelta(minutes=10)
    own, others, shared = Limit("guess", "alice", 2, span), Limit("guess", "bob", 2, span), Limit("all", "", 4, span)
    assert [store.rate_limits.take([shared, own]) for _ in range(9)] == [None, None] + [own] * 7
    assert [store.rate_limits.take([others, shared]) for _ in range(3)] == [None, None, others]
    assert store.rate_limits.take([Limit("guess", "carol", 2, span), shared]) == shared


def test_floods_of_many_at_once_leave_the_shared_limit_exact(own_database: OwnDatabase) -> None:
    span = timedelta(minutes=10)
    shared = Limit("all", "", 7, span)

    def flood(own: Store, number: int, racer: int) -> bool:
        return own.rate_limits.take([shared, Limit("guess", f"asker {racer}", 2, span)]) is None

    assert sum(raced(own_database, flood)) == 7
    fewer = Limit("few", "", 100, span)
    won = raced(
        own_database, lambda own, number, racer: own.rate_limits.take([fewer, Limit("g", str(racer), 2, span)]) is None
    )
    assert sum(won) == 2 * RACERS
    store = own_database.open()
    assert sum(store.rate_limits.take([fewer]) is None for _ in range(100)) == 100 - 2 * RACERS


def test_of_many_who_show_one_proof_one_is_first(own_database: OwnDatabase) -> None:
    ends = own_database.clock() + timedelta(minutes=1)
    assert (
        raced(own_database, lambda own, number, racer: own.spent_proofs.spend("key", f"{number}", ends)) == [1] * ROUNDS
    )
