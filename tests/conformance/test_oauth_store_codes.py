"""Device codes and codes of the authorization server on both databases: each is claimed, decided and redeemed once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from family_factories import BROWSER, USER_CODE, approved, family, let_in, pair, request, signed_in
from oauth_store_factories import ROUNDS, raced
from store_factories import entry

from federation_bridge.model import AuthorizationCode, TokenFamily
from federation_bridge.store import Store
from federation_bridge.store.device_codes import Poll

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
