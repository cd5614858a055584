"""Who signed in is remembered as they were told last, with the sign-in itself, and only so long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from database_place import HeldClock
from database_traffic import commits
from forged_rows import change, rows_of
from store_material import entry, session

from federation_bridge.errors import MessageReplayed
from federation_bridge.model import Groups, PersonSeen, Session
from federation_bridge.store import Store, people
from federation_bridge.store.tables import PEOPLE

_YEAR = timedelta(days=365)


def signed_in(store: Store, clock: HeldClock, name: str, *groups: str, message: str = "") -> Session:
    made = session(clock(), name)
    made = replace(made, identity=replace(made.identity, groups=Groups(groups or ("staff",), gap=None)))
    store.sessions.admit(made, "issuer", message or f"_{name}", clock(), entry(clock()))
    return made


def test_a_person_is_remembered_as_they_were_told_last_and_since_when(store: Store, clock: HeldClock) -> None:
    began = clock()
    signed_in(store, clock, "a", "staff")
    clock.advance(timedelta(days=1))
    last = signed_in(store, clock, "b", "staff", "admins")
    assert store.people.one("corp/alice") == PersonSeen(last.identity, began, clock())
    assert store.people.seen_since(began) == (PersonSeen(last.identity, began, clock()),)
    assert store.people.one("corp/Alice") is None


def test_only_those_who_came_since_are_given(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock, "a")
    clock.advance(timedelta(days=1))
    assert store.people.seen_since(clock()) == ()


def test_a_replay_is_not_remembered_and_a_sign_in_is_in_one_durable_transaction(store: Store, clock: HeldClock) -> None:
    with commits(store) as made:
        signed_in(store, clock, "a", "staff")
        assert made == ["durable"]
    with pytest.raises(MessageReplayed):
        signed_in(store, clock, "b", "admins", message="_a")
    person = store.people.one("corp/alice")
    assert person is not None
    assert person.identity.groups.names == ("staff",)


def test_a_person_is_forgotten_after_the_time_that_the_setting_says(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock, "a")
    clock.advance(timedelta(days=29))
    store.sweep(timedelta(days=30))
    assert store.people.one("corp/alice")
    clock.advance(timedelta(days=1))
    store.sweep(timedelta(days=30))
    assert store.people.one("corp/alice") is None


def test_groups_that_somebody_wrote_into_the_database_are_nobodys(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock, "a")
    (row,) = rows_of(store, PEOPLE)
    change(store, PEOPLE, row, identity=row["identity"].replace("staff", "admins"))
    assert store.people.one("corp/alice") is None
    assert store.people.seen_since(clock() - _YEAR) == ()


def test_everybody_is_given_once_page_by_page_and_a_forged_page_ends_nothing(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who can write rows but not their MAC put a page of nobodies first: all behind it would be missing."""
    monkeypatch.setattr(people, "_PAGE_BY_KEY", people._PAGE_BY_KEY.limit(2))
    for number in range(7):
        made = session(clock(), str(number))
        made = replace(made, identity=replace(made.identity, subject=f"p{number}"))
        store.sessions.admit(made, "issuer", f"_{number}", clock(), entry(clock()))
    for row in sorted(rows_of(store, PEOPLE), key=lambda row: row["person"])[:2]:
        change(store, PEOPLE, row, identity=row["identity"].replace("staff", "admins") + " ")
    found = [one.identity.person for one in store.people.each_seen_since(clock() - _YEAR)]
    assert len(found) == len(set(found)) == 5
    assert sorted(found) == sorted(one.identity.person for one in store.people.seen_since(clock() - _YEAR))
