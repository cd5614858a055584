"""What the audit is asked: each question finds what it means and nothing else, by an index, a page at a time."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from databases import INTEGRITY_KEY, HeldClock
from postgresql import Server

from federation_bridge.administration.rule_use import rule_uses
from federation_bridge.audit import (
    AuditQuery,
    ConsoleOpened,
    Entry,
    GrantFailed,
    GrantHandedOver,
    GrantMade,
    GrantRedeemed,
    GrantRefused,
    SignInRefused,
)
from federation_bridge.model import RequestOrigin
from federation_bridge.store import Store, audit_log, open_store
from federation_bridge.store.audit_log import RulesUsed
from federation_bridge.store.audit_reading import last_uses, newest
from federation_bridge.store.tables import AUDIT

_ASKED = {
    "reference": "ref-1",
    "grant_id": "grant-1",
    "access_key_id": "ASIA1",
    "person": "corp/alice",
    "address": "192.0.2.7",
    "account": "111122223333",
    "role": "Reader",
    "event": "grant.refused",
    "connection": "corp",
}


def _entries(clock: HeldClock) -> list[Entry]:
    refused = GrantRefused("111122223333", "Reader", "no rule")
    origin = RequestOrigin("ref-1", "192.0.2.7", "Browser/1")
    other = RequestOrigin("ref-2", "192.0.2.8", "Browser/1")
    redeemed = GrantRedeemed("grant-1", "ASIA1", "request", "eu-central-1", clock(), "arn")
    of_another = replace(redeemed, grant_id="grant-2", access_key_id="ASIA2")
    return [
        Entry(clock(), origin, refused, person="corp/alice", connection="corp"),
        Entry(clock(), origin, redeemed, person="corp/alice", connection="corp"),
        Entry(clock(), other, of_another, person="other/bob", connection="other"),
        Entry(clock(), other, replace(refused, account="444455556666", role="Writer"), "other/bob", "other"),
    ]


def test_every_field_of_a_question_is_tried_here() -> None:
    assert {member.name for member in fields(AuditQuery)} == set(_ASKED) | {"since", "until"}


@pytest.mark.parametrize("name", _ASKED)
def test_a_question_finds_what_has_the_value_and_nothing_else(store: Store, clock: HeldClock, name: str) -> None:
    store.audit.record(*_entries(clock))
    found = [{**row.details, **{n: getattr(row, n) for n in ("person", "reference", "address", "event", "connection")}}
             for row in store.audit.found(_asking(name))]  # fmt: skip
    assert found
    assert {row[name] for row in found} == {_ASKED[name]}
    assert len(found) == len([row for row in _all(store) if row.get(name) == _ASKED[name]])


def _all(store: Store) -> list[dict[str, object]]:
    names = ("person", "reference", "address", "event", "connection")
    return [{**row.details, **{n: getattr(row, n) for n in names}} for row in store.audit.found(AuditQuery())]


def test_several_conditions_all_hold(store: Store, clock: HeldClock) -> None:
    store.audit.record(*_entries(clock))
    both = AuditQuery(person="corp/alice", event="grant.redeemed", connection="corp")
    assert [row.details["grant_id"] for row in store.audit.found(both)] == ["grant-1"]
    assert not list(store.audit.found(AuditQuery(person="corp/alice", account="444455556666")))


def test_a_time_takes_its_beginning_and_leaves_its_end(store: Store, clock: HeldClock) -> None:
    began = clock()
    for minute in range(4):
        clock.now = began + timedelta(minutes=minute)
        store.audit.record(
            Entry(clock(), RequestOrigin(f"ref-{minute}", "", ""), SignInRefused("no", "bad"), "corp/alice")
        )
    asked = AuditQuery(since=began + timedelta(minutes=1), until=began + timedelta(minutes=3))
    assert [row.reference for row in store.audit.found(asked)] == ["ref-2", "ref-1"]


def test_pages_lose_and_repeat_nothing_within_one_instant(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "_PAGE", 3)
    store.audit.record(*(_entries(clock) * 5))
    found = [row.number for row in store.audit.found(AuditQuery())]
    assert found == sorted(found, key=lambda number: -(number or 0))
    assert len(set(found)) == 20


def test_a_reader_that_stops_reads_one_page(store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "_PAGE", 2)
    store.audit.record(*(_entries(clock) * 3))
    database = Mock(wraps=store.audit._database)
    monkeypatch.setattr(store.audit, "_database", database)
    assert len(list(islice(store.audit.found(AuditQuery(person="corp/alice")), 2))) == 2
    assert database.rows.call_count == 1


@pytest.mark.parametrize("name", [*_ASKED, "time"])
def test_no_question_reads_the_whole_audit(tmp_path: Path, clock: HeldClock, name: str) -> None:
    """SQLite has no statistics: what it plans on an empty table is what it does with a million rows.

    PostgreSQL plans by its statistics: `make bench` measures both.
    """
    url = f"sqlite:///{tmp_path / 'bridge.db'}"
    store = open_store(url, clock=clock, integrity_key=INTEGRITY_KEY, make=True)
    asked = AuditQuery(since=clock()) if name == "time" else _asking(name)
    assert _index_of(store, asked) == f"ix_audit_{'at' if name == 'time' else name}"
    # The least selective conditions beside it must not lead the database astray.
    busy = replace(asked, event=asked.event or "token.issued", connection="corp")
    assert _index_of(store, busy) == f"ix_audit_{'event' if name in ('time', 'connection') else name}"
    store.close()


def _asking(name: str) -> AuditQuery:
    narrowed: dict[str, Any] = {name: _ASKED[name]}
    return AuditQuery(**narrowed)


def _index_of(store: Store, query: AuditQuery) -> str:
    statement = newest(AUDIT, query, "sqlite", None, 50)
    with store._database.reading() as connection:
        text = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
        (plan, *rest) = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert all("TEMP B-TREE" in line for line in rest)
    found = re.search(r"USING INDEX (\w+)", plan)
    return found[1] if found else plan


_GRANTS = (("alice", "readers"), ("alice", 'odd "rule'), ("bob", "readers"), ("bob", "writers"))


def _made(clock: HeldClock, grant_id: str, person: str, role: str = "Reader", rule: str = "readers") -> Entry:
    made = GrantMade(
        grant_id, "111122223333", role, timedelta(hours=1), "n", "", {}, rule, "v", ("because",), "", (), ""
    )
    return Entry(clock(), RequestOrigin("ref-1", "192.0.2.7", "Browser/1"), made, person=person, connection="corp")


def test_the_last_use_of_a_role_is_that_of_the_last_grant_that_left_the_bridge(store: Store, clock: HeldClock) -> None:
    """A grant that AWS refused was no use; one whose statement was handed over may be one, and counts."""
    origin = RequestOrigin("ref-1", "192.0.2.7", "Browser/1")
    assert store.audit.begins_at() is None
    begin = clock()
    store.audit.record(_made(clock, "g-1", "corp/alice"), _made(clock, "g-2", "corp/alice"))
    store.audit.record(_made(clock, "g-3", "corp/alice", "Writer"), _made(clock, "g-4", "corp/bob"))
    times = []
    for event in (
        GrantRedeemed("g-1", "ASIA1", "request", "eu-central-1", clock(), "arn"),
        ConsoleOpened("g-2", "form", "https://console.aws.amazon.com/"),
        GrantFailed("g-3", "AccessDenied", "no"),
        GrantHandedOver("g-4", "web identity", clock()),
    ):
        clock.advance(timedelta(minutes=1))
        times.append(clock())
        store.audit.record(Entry(clock(), origin, event, person="corp/alice", connection="corp"))
    assert store.audit.last_uses() == {
        ("corp/alice", "111122223333", "Reader"): times[1],
        ("corp/bob", "111122223333", "Reader"): times[3],
    }
    assert store.audit.begins_at() == begin
    assert store.audit.last_uses(AuditQuery(person="corp/bob")) == {("corp/bob", "111122223333", "Reader"): times[3]}
    assert len(store.audit.last_uses(AuditQuery(account="111122223333", role="Reader"))) == 2
    assert store.audit.last_uses(AuditQuery(role="Writer")) == {}


@pytest.mark.usefixtures("as_owner")
def test_the_rules_by_which_something_was_granted_are_known_and_those_of_erased_people_counted(
    store: Store, clock: HeldClock
) -> None:
    store.audit.record(_made(clock, "g-0", "corp/alice", rule="older"))
    clock.advance(timedelta(days=1))
    begin = clock()
    made = [_made(clock, f"g-{n}", f"corp/{who}", rule=rule) for n, (who, rule) in enumerate(_GRANTS, 1)]
    store.audit.record(*made)
    assert store.audit.rules_used(begin) == RulesUsed(frozenset({"readers", "writers", 'odd "rule'}), 0, None)
    rows = list(store.erasure.entries("corp/bob"))
    store.erasure.erase([(row.number, "digest") for row in rows])
    assert store.audit.rules_used(begin) == RulesUsed(frozenset({"readers", 'odd "rule'}), 2, None)
    assert store.audit.rules_used(clock() + timedelta(seconds=1)) == RulesUsed(frozenset(), 0, None)


def test_of_more_grants_than_are_looked_at_it_is_told_since_when_the_rules_are_known(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = clock()
    for number, rule in enumerate(("older", "older", "newer", "newest")):
        store.audit.record(_made(clock, f"g-{number}", "corp/alice", rule=rule))
        clock.advance(timedelta(minutes=1))
    assert store.audit.rules_used(begin) == RulesUsed(frozenset({"older", "newer", "newest"}), 0, None)
    assert rule_uses(store, clock(), timedelta(days=1)).known_since == begin
    monkeypatch.setattr(audit_log, "MOST_GRANTS", 2)
    newer = begin + timedelta(minutes=2)
    assert store.audit.rules_used(begin) == RulesUsed(frozenset({"newer", "newest"}), 0, newer)
    assert rule_uses(store, clock(), timedelta(days=1)).known_since == newer


NARROWED = {
    "": (AuditQuery(), "made USING COVERING INDEX ix_audit_grant_id"),
    "person": (AuditQuery(person="corp/alice"), "made USING INDEX ix_audit_person"),
    "account": (AuditQuery(account="111122223333", role="Reader"), "made USING INDEX ix_audit_account"),
    "role": (AuditQuery(role="Reader"), "made USING INDEX ix_audit_role"),
}


@pytest.mark.parametrize("name", NARROWED)
def test_the_last_uses_are_read_from_indexes_alone(tmp_path: Path, clock: HeldClock, name: str) -> None:
    """At a million rows the whole table is a gigabyte, and what a last use is told from a thirtieth of it."""
    store = open_store(f"sqlite:///{tmp_path / 'bridge.db'}", clock=clock, integrity_key=INTEGRITY_KEY, make=True)
    query, made = NARROWED[name]
    with store._database.reading() as connection:
        statement = last_uses(query, "sqlite").compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    store.close()
    assert any(made in line for line in plan), plan
    assert any("used USING COVERING INDEX ix_audit_grant_id" in line for line in plan), plan


def test_on_postgresql_the_index_by_grant_is_enough_for_all_last_uses(postgresql_server: Server) -> None:
    """Which plan it takes hangs on its statistics: told that reading the table costs much, it need not."""
    postgresql_server.make_database("plan_of_last_uses")
    url, password = postgresql_server.url("plan_of_last_uses"), postgresql_server.password
    store = open_store(url, clock=HeldClock(), integrity_key=INTEGRITY_KEY, password=password, make=True)
    store.migrate()
    with store._database.reading() as reading:
        statement = last_uses(AuditQuery(), "postgresql").compile(reading, compile_kwargs={"literal_binds": True})
    with postgresql_server.admin("plan_of_last_uses") as connection:
        for way in ("seqscan", "bitmapscan", "sort"):
            connection.execute(f"SET enable_{way} = off")
        plan = [row[0].strip() for row in connection.execute(f"EXPLAIN (COSTS OFF) {statement}")]
    store.close()
    scans = [line for line in plan if "Scan" in line]
    assert scans == [f"->  Index Only Scan using ix_audit_grant_id on audit {name}" for name in ("made", "used")], plan
