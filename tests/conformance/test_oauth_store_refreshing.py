"""Refresh tokens on both databases: one gives one new pair, and a replay ends the family."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from family_factories import family, let_in, pair, rotate
from oauth_store_factories import LENIENCY, ROUNDS, raced
from store_factories import entry

from federation_bridge.model import AuthorizationCode, TokenFamily
from federation_bridge.store import Store
from federation_bridge.store.token_families import Stale


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
