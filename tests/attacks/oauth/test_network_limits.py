"""Flooding with device codes (catalogue N03), by network: what a flood takes from others, beside who still gets theirs.

On both databases, by the limits themselves; the doors that ask them are in `test_device_guesses.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from databases import HeldClock
from store_factories import identity, session

from federation_bridge.addresses import network_of
from federation_bridge.bridge import token_hash
from federation_bridge.oauth.limits import begun_limits, guess_limits
from federation_bridge.store import Store

OFFICE = "198.51.100.7"


def _asks(store: Store, addresses: Iterable[str]) -> int:
    """How many of these get a device code."""
    return sum(store.rate_limits.take(begun_limits(address, store.neighbours.people)) is None for address in addresses)


def _signs_in(store: Store, clock: HeldClock, who: str, address: str, times: int = 1) -> None:
    for number in range(times):
        name = f"{who} {number} {address}"
        made = session(clock(), token_hash(name), who)
        ends_at = clock() + timedelta(minutes=5)
        store.sessions.admit(made, "issuer", name, ends_at, network=network_of(address))


def test_an_address_gets_sixty_codes_in_ten_minutes(store: Store, clock: HeldClock) -> None:
    assert _asks(store, [OFFICE] * 70) == 60
    clock.advance(timedelta(minutes=10))
    assert _asks(store, [OFFICE]) == 1


def test_sixty_anonymous_requests_from_an_office_leave_its_people_theirs(store: Store, clock: HeldClock) -> None:
    """The same sixty that were all there was; a network of nobody keeps its sixty."""
    for number in range(3):
        _signs_in(store, clock, f"colleague {number}", OFFICE)
    assert _asks(store, [OFFICE] * 60) == 60
    assert _asks(store, [OFFICE] * 70) == 60
    assert _asks(store, ["203.0.113.9"] * 70) == 60


def test_a_flood_from_before_anybody_came_stops_nobody_who_signs_in(store: Store, clock: HeldClock) -> None:
    assert _asks(store, [OFFICE] * 70) == 60
    _signs_in(store, clock, "alice", OFFICE)
    assert _asks(store, [OFFICE] * 100) == 80


def test_one_person_counts_once_however_often_they_sign_in(store: Store, clock: HeldClock) -> None:
    _signs_in(store, clock, "alice", OFFICE, times=30)
    assert _asks(store, [OFFICE] * 100) == 80


def test_the_share_of_an_address_has_an_end(store: Store, clock: HeldClock) -> None:
    for number in range(120):
        _signs_in(store, clock, f"colleague {number}", OFFICE)
    own, wider, _ = begun_limits(OFFICE, store.neighbours.people)
    assert own.most + own.share == wider.most + wider.share == 2_000


def test_whose_session_has_ended_adds_nothing(store: Store, clock: HeldClock) -> None:
    _signs_in(store, clock, "alice", OFFICE)
    clock.advance(timedelta(hours=12))
    assert _asks(store, [OFFICE] * 100) == 60


def test_one_ipv6_network_does_not_lock_out_its_site(store: Store) -> None:
    assert _asks(store, [f"2001:db8:1:1::{number:x}" for number in range(100)]) == 60
    assert _asks(store, ["2001:db8:1:2::1"]) == 1


def test_one_ipv6_delegation_does_not_lock_out_its_site(store: Store) -> None:
    assert _asks(store, [f"2001:db8:1:{number:x}::1" for number in range(200)]) == 120
    assert _asks(store, ["2001:db8:1:100::1"]) == 1


def test_one_ipv6_site_does_not_switch_the_device_flow_off_for_others(store: Store) -> None:
    assert _asks(store, [f"2001:db8:1:{number * 64:x}::1" for number in range(1_000)]) == 240
    assert _asks(store, ["2001:db8:2::1", "192.0.2.1"]) == 2


def test_one_ipv4_network_does_not_switch_the_device_flow_off_for_others(store: Store) -> None:
    assert _asks(store, [f"203.0.113.{number % 256}" for number in range(600)]) == 240
    assert _asks(store, ["203.0.114.1", "2001:db8:2::1"]) == 2


def test_strangers_nearby_use_up_nothing_of_who_signed_in(store: Store, clock: HeldClock) -> None:
    _signs_in(store, clock, "alice", "203.0.113.9")
    _signs_in(store, clock, "alice", "2001:db8:1:1::9")
    assert _asks(store, [f"203.0.113.{10 + number % 200}" for number in range(400)]) == 260
    assert _asks(store, [f"2001:db8:1:{2 + number:x}::1" for number in range(500)]) > 200
    assert _asks(store, ["203.0.113.9", "2001:db8:1:1::7"]) == 2


def test_strangers_from_everywhere_stop_strangers_and_no_office(store: Store, clock: HeldClock) -> None:
    _signs_in(store, clock, "alice", OFFICE)
    for limit in begun_limits("192.0.2.1", store.neighbours.people)[-1:]:
        assert limit.most == 10_000
        everybody = [limit]
    for _ in range(100):
        store.rate_limits.take(everybody)
    # As if ten thousand had come: the row of all strangers is full.
    full = [type(limit)(limit.kind, limit.asker, 100, limit.within)]
    assert store.rate_limits.take(full) == full[0]
    office = begun_limits(OFFICE, store.neighbours.people)
    assert office[-1].bucket != limit.bucket
    assert store.rate_limits.take(office) is None


def test_who_has_no_address_shares_one_limit(store: Store) -> None:
    assert _asks(store, ["", "unknown", "@"] * 30) == 60


def test_people_are_counted_by_the_network_alone(store: Store, clock: HeldClock) -> None:
    _signs_in(store, clock, "alice", "2001:db8:1:2::9")
    _signs_in(store, clock, "bob", "2001:db8:1:3::9")
    _signs_in(store, clock, "carol", "203.0.113.9:4711")
    _signs_in(store, clock, "dan", "")
    asked = [
        "6:20010db800010002",
        "6:20010db800010003",
        "6:20010db800010004",
        "6:20010db80001",
        "4:cb007109",
        "4:cb0071",
    ]
    assert store.neighbours.people(asked, 100) == [1, 1, 0, 2, 1, 1]
    assert store.neighbours.people(["6:20010db80001"], 1) == [1]


def test_wrong_codes_are_counted_by_person_and_connection_alone() -> None:
    kinds = [(limit.kind, limit.asker) for limit in guess_limits(identity("alice"))]
    assert kinds == [("user code by person", "corp/alice"), ("user code by connection", "corp")]
