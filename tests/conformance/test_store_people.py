"""Who signed in is remembered as they were told last, with the sign-in itself, and only so long."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from database_traffic import commits
from databases import HeldClock
from forged_rows import change, rows_of
from store_factories import entry, session

from federation_bridge.errors import MessageReplayed
from federation_bridge.model import Groups, PersonSeen, Session
from federation_bridge.store import Store, people
from federation_bridge.store.tables import GROUP_CHANGES, PEOPLE

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


# ------------------------------------------------------------------------------------------------- groups as they were


def _groups_at(store: Store, at: datetime) -> tuple[str, ...] | None:
    found = store.people.one_at("corp/alice", at)
    return None if found is None else found.identity.groups.names


def test_the_groups_of_a_past_time_are_known_by_the_sign_in_that_brought_them(store: Store, clock: HeldClock) -> None:
    began = clock()
    signed_in(store, clock, "a", "staff")
    clock.advance(timedelta(days=1))
    signed_in(store, clock, "b", "staff")
    clock.advance(timedelta(days=1))
    signed_in(store, clock, "c", "staff", "admins")
    clock.advance(timedelta(days=1))
    assert _groups_at(store, clock()) == ("staff", "admins")
    assert _groups_at(store, began + timedelta(days=1, hours=23)) == ("staff",)
    assert _groups_at(store, began) == ("staff",)
    assert _groups_at(store, began - timedelta(seconds=1)) is None
    assert store.people.one_at("corp/bob", clock()) is None


def test_one_row_is_kept_for_each_change_however_often_somebody_comes(store: Store, clock: HeldClock) -> None:
    for number, groups in enumerate((("a", "b"), ("b", "a"), ("a", "b"), ("a",), ("a",), ("a", "b"))):
        signed_in(store, clock, f"s{number}", *groups)
        clock.advance(timedelta(hours=1))
    assert len(rows_of(store, GROUP_CHANGES)) == 3


def test_two_changes_in_one_instant_are_both_kept(store: Store, clock: HeldClock) -> None:
    for number, groups in enumerate((("a",), ("b",), ("a",))):
        signed_in(store, clock, f"s{number}", *groups)
    assert len(rows_of(store, GROUP_CHANGES)) == 2


def test_a_sign_in_has_no_statement_more_for_it(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock, "a", "staff")
    with commits(store) as made:
        signed_in(store, clock, "b", "admins")
        assert made == ["durable"]


def test_groups_are_forgotten_once_nobody_can_ask_for_them(store: Store, clock: HeldClock) -> None:
    began = clock()
    for name in ("first", "second", "third"):
        signed_in(store, clock, name, name)
        clock.advance(timedelta(days=20))
    # Thirty days are kept, and they began with the groups of the second time.
    store.sweep(timedelta(days=30))
    assert _groups_at(store, began + timedelta(days=19)) is None
    assert _groups_at(store, began + timedelta(days=30)) == ("second",)
    assert _groups_at(store, clock()) == ("third",)
    clock.advance(timedelta(days=30))
    store.sweep(timedelta(days=30))
    assert rows_of(store, GROUP_CHANGES) == []


def test_past_groups_that_somebody_wrote_into_the_database_are_nobodys(store: Store, clock: HeldClock) -> None:
    began = clock()
    signed_in(store, clock, "a", "staff")
    clock.advance(timedelta(days=1))
    signed_in(store, clock, "b", "other")
    row = next(one for one in rows_of(store, GROUP_CHANGES) if "staff" in one["identity"])
    assert _groups_at(store, began) == ("staff",)
    change(store, GROUP_CHANGES, row, identity=row["identity"].replace("staff", "admins"))
    assert _groups_at(store, began) is None
