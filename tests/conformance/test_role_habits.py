"""What people use and keep on top: written with the grant, bounded, forgotten with the person; on both databases."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

from databases import HeldClock
from store_factories import entry, live_grant

from federation_bridge.model import RoleHabit
from federation_bridge.store import Store, role_habits

ADA, ACCOUNT = "corp/ada", "111122223333"
_NUMBERS = itertools.count()


def _uses(store: Store, clock: HeldClock, role: str, times: int = 1, person: str = ADA) -> None:
    for _ in range(times):
        grant = replace(live_grant(clock()), id=f"_{next(_NUMBERS)}", person=person, account=ACCOUNT, role=role)
        name = person.rpartition("/")[2]
        assert store.session_names.claim(name, person, entry(clock()), live=grant)


def _habits(store: Store, person: str = ADA) -> dict[str, RoleHabit]:
    return {one.role: one for one in store.role_habits.of(person)}


def test_a_grant_is_a_use_of_its_person_alone(store: Store, clock: HeldClock) -> None:
    _uses(store, clock, "Admin", 3)
    _uses(store, clock, "Reader")
    _uses(store, clock, "Reader", person="corp/bob")
    found = _habits(store)
    assert {name: (one.heat, one.is_favourite) for name, one in found.items()} == {
        "Admin": (3_000, False),
        "Reader": (1_000, False),
    }
    assert found["Admin"].account == _habits(store, "corp/bob")["Reader"].account == found["Reader"].account
    assert found["Admin"].changed_at == clock()


def test_what_was_used_often_long_ago_is_less_than_what_is_used_now(store: Store, clock: HeldClock) -> None:
    _uses(store, clock, "Admin", 20)
    clock.advance(timedelta(weeks=6))
    _uses(store, clock, "Reader", 2)
    warm = {name: one.warmth(clock()) for name, one in _habits(store).items()}
    assert warm["Reader"] > warm["Admin"] > 0
    _uses(store, clock, "Admin")
    assert _habits(store)["Admin"].heat == 20_000 // 16 + 1_000
    clock.advance(timedelta(weeks=30))
    _uses(store, clock, "Admin")
    assert _habits(store)["Admin"].heat == 1_000


def test_a_role_is_kept_on_top_and_no_longer_and_its_uses_stay(store: Store, clock: HeldClock) -> None:
    _uses(store, clock, "Admin")
    account = _habits(store)["Admin"].account
    assert store.role_habits.favour(ADA, account, "Admin")
    assert store.role_habits.favour(ADA, account, "Other")
    _uses(store, clock, "Admin")
    assert {name: (one.heat, one.is_favourite) for name, one in _habits(store).items()} == {
        "Admin": (2_000, True),
        "Other": (0, True),
    }
    store.role_habits.unfavour(ADA, account, "Admin")
    store.role_habits.unfavour(ADA, account, "Nothing")
    assert {name: one.is_favourite for name, one in _habits(store).items()} == {"Admin": False, "Other": True}


def test_of_one_person_so_many_are_kept_and_no_more(store: Store, clock: HeldClock) -> None:
    most = role_habits.MOST_FAVOURITES
    assert all(store.role_habits.favour(ADA, ACCOUNT, f"Role{number}") for number in range(most))
    assert not store.role_habits.favour(ADA, ACCOUNT, "OneMore")
    assert store.role_habits.favour(ADA, ACCOUNT, "Role3"), "it is one of them already"
    assert store.role_habits.favour("corp/bob", ACCOUNT, "OneMore"), "others have their own"
    for number in range(role_habits.MOST_USED + 3):
        clock.advance(timedelta(seconds=1))
        _uses(store, clock, f"Used{number}")
    used = [name for name in _habits(store) if name.startswith("Used")]
    assert sorted(used) == sorted(f"Used{number}" for number in range(3, role_habits.MOST_USED + 3))
    assert sum(one.is_favourite for one in _habits(store).values()) == most


def test_who_is_erased_is_forgotten_here_too(store: Store, clock: HeldClock) -> None:
    _uses(store, clock, "Admin")
    store.role_habits.favour(ADA, ACCOUNT, "Other")
    store.role_habits.favour("corp/bob", ACCOUNT, "Other")
    store.erasure.forget(ADA, entry(clock()))
    assert not store.role_habits.of(ADA)
    assert store.role_habits.of("corp/bob")


def test_what_was_long_not_used_is_swept_and_of_who_is_gone_all(store: Store, clock: HeldClock) -> None:
    _uses(store, clock, "Admin")
    store.role_habits.favour(ADA, ACCOUNT, "Other")
    store.sweep(timedelta(days=90))
    assert len(_habits(store)) == 2
    clock.advance(timedelta(days=91))
    store.sweep(timedelta(days=90))
    assert not _habits(store), "nobody of that name is remembered"
