"""The audit: every entry whole and in order, nobody changes one, lines come after the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from databases import HeldClock, OwnDatabase
from store_factories import entry, session

from federation_bridge.audit import GrantRedeemed, Recorded, RequestRefused, SignedOut, json_line, recorded
from federation_bridge.errors import SignInRejected, Unavailable
from federation_bridge.store import Store


class Heard:
    """Lines that remember what they were told, and what the database held at that moment."""

    def __init__(self, own_database: OwnDatabase) -> None:
        self._place = own_database
        self.rows: list[Recorded] = []
        self.stood: list[int] = []

    def write(self, rows: Sequence[Recorded]) -> None:
        self.rows.extend(rows)
        self.stood.append(len(self._place.open().audit.entries()))


def test_an_entry_comes_back_as_it_was_recorded(store: Store, clock: HeldClock) -> None:
    store.audit.record(entry(clock()))
    (row,) = store.audit.entries()
    assert json.loads(json_line(row)) | {"number": None} == json.loads(json_line(recorded(entry(clock()))))


def test_entries_are_read_newest_first_and_limited(store: Store, clock: HeldClock) -> None:
    for number in range(5):
        store.audit.record(entry(clock(), RequestRefused(code=str(number), detail="", path="/")))
    assert [row.details["code"] for row in store.audit.entries(limit=3)] == ["4", "3", "2"]


def test_entries_are_found_by_person_reference_grant_and_access_key(store: Store, clock: HeldClock) -> None:
    redeemed = GrantRedeemed(
        "_grant", "ASIAEXAMPLE", "request", "eu-west-1", clock(), "arn:aws:sts::1:assumed-role/r/n"
    )
    store.audit.record(entry(clock(), person="corp/\x1b[31mred"), entry(clock(), redeemed))
    assert len(store.audit.entries(person="corp/\x1b[31mred")) == 1
    assert len(store.audit.entries(reference="ref-1")) == 2
    assert len(store.audit.entries(grant_id="_grant", person="corp/alice")) == 1
    assert len(store.audit.entries(access_key_id="ASIAEXAMPLE")) == 1
    assert store.audit.entries(person="CORP/ALICE") == ()


def test_text_that_databases_do_not_take_is_recorded_all_the_same(store: Store, clock: HeldClock) -> None:
    store.audit.record(entry(clock(), RequestRefused("c\x00", "\ud800", "/" + "x" * 100_000), person="\x00\udfff"))
    (row,) = store.audit.entries()
    assert row.person == r"\u0000\udfff"


@pytest.mark.parametrize("change", ["UPDATE audit SET person = 'nobody'", "DELETE FROM audit"])
def test_no_statement_changes_or_removes_an_entry(
    store: Store, own_database: OwnDatabase, clock: HeldClock, change: str
) -> None:
    store.audit.record(entry(clock()))
    with pytest.raises(Exception, match="append-only"):
        own_database.admin(change)
    assert [row.person for row in store.audit.entries()] == ["corp/alice"]


def test_postgresql_truncates_no_audit(postgresql_database: OwnDatabase, clock: HeldClock) -> None:
    postgresql_database.open().audit.record(entry(clock()))
    with pytest.raises(Exception, match="append-only"):
        postgresql_database.admin("TRUNCATE audit")


def test_sqlite_replaces_no_entry(sqlite_database: OwnDatabase, clock: HeldClock) -> None:
    sqlite_database.open().audit.record(entry(clock()))
    with pytest.raises(Exception, match="append-only"):
        sqlite_database.admin("INSERT OR REPLACE INTO audit SELECT * FROM audit")


def test_several_entries_stand_or_fall_together(store: Store, own_database: OwnDatabase, clock: HeldClock) -> None:
    own_database.admin("CREATE UNIQUE INDEX one_reference ON audit (reference)")
    try:
        with pytest.raises(Unavailable):
            store.audit.record(entry(clock()), entry(clock()))
        assert store.audit.entries() == ()
    finally:
        own_database.admin("DROP INDEX one_reference")


def test_lines_are_told_after_the_entry_stands(own_database: OwnDatabase, clock: HeldClock) -> None:
    heard = Heard(own_database)
    store = own_database.open(lines=heard)
    store.audit.record(entry(clock()))
    store.audit.record(entry(clock()))
    store.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()))
    store.sessions.end("a" * 64, entry(clock(), SignedOut()))
    store.session_names.claim("alice", "corp/alice", entry(clock()))
    assert heard.stood == [1, 2, 3, 4, 5]
    assert heard.rows == list(reversed(store.audit.entries()))


def test_entries_are_read_again_by_their_numbers(store: Store, clock: HeldClock) -> None:
    for number in range(5):
        store.audit.record(entry(clock(), RequestRefused(code=str(number), detail="", path="/")))
    numbers = [row.number for row in reversed(store.audit.entries())]
    found = store.audit.numbered(numbers[1] or 0, numbers[4] or 0, 3)
    assert [row.number for row in found] == numbers[1:4]


def test_lines_hear_nothing_of_what_was_rolled_back(own_database: OwnDatabase, clock: HeldClock) -> None:
    heard = Heard(own_database)
    store = own_database.open(lines=heard)
    store.sessions.admit(session(clock()), "issuer", "_m", clock() + timedelta(minutes=1))
    with pytest.raises(SignInRejected):
        store.sessions.admit(session(clock(), "b"), "issuer", "_m", clock(), entry(clock()))
    own_database.admin("ALTER TABLE audit RENAME TO audit_away")
    try:
        with pytest.raises(Unavailable):
            store.audit.record(entry(clock()))
    finally:
        own_database.admin("ALTER TABLE audit_away RENAME TO audit")
    assert heard.rows == []
