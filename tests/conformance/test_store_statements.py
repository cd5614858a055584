"""What goes to the driver itself gives what SQLAlchemy's own way gives, value for value, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from databases import END_CONNECTIONS, HeldClock, OwnDatabase
from sqlalchemy import bindparam, delete, false, insert, select, true
from store_factories import entry

from federation_bridge.errors import Unavailable
from federation_bridge.store import engine
from federation_bridge.store.tables import AUDIT, SEALED_KEYS, SESSIONS, TOKENS
from federation_bridge.store.writing import insertion_where

INSTANT = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)

ROWS: dict[str, tuple[Any, dict[str, Any]]] = {
    "texts, instants and yes or no": (
        SESSIONS,
        {
            "token_hash": "t",
            "person": "p",
            "identity": "Ålice \u2603 \U0001f511",
            "network": "",
            "mac": "m",
            "started_at": INSTANT,
            "last_seen_at": INSTANT,
            "ends_at": INSTANT,
            "confirmed": True,
        },
    ),
    "bytes": (SEALED_KEYS, {"purpose": "p", "serial": 1, "sealed": b"\0\xff'", "made_at": INSTANT}),
    "nothing, and a number that the database gives": (
        AUDIT,
        {
            "at": INSTANT,
            "event": "e",
            "person": "",
            "connection": "%s ? :name",
            "reference": "r",
            "address": "",
            "user_agent": "",
            "grant_id": None,
            "access_key_id": None,
            "details": "{}",
        },
    ),
}


@pytest.mark.parametrize("what", ROWS)
def test_values_cross_as_by_sqlalchemys_own_way(own_database: OwnDatabase, what: str) -> None:
    table, row = ROWS[what]
    database = own_database.open()._database
    with database.writing() as connection:
        database.statements.execute(connection.connection, insert(table), row)
        theirs = connection.execute(select(table)).all()
        ours = database.statements.execute(connection.connection, select(table), {}).all()
    assert [tuple(one) for one in ours] == [tuple(one) for one in theirs]
    for name, value in row.items():
        assert getattr(ours[0], name) == value
        assert type(getattr(ours[0], name)) is type(value)


def test_the_first_of_two_columns_with_one_name_is_the_attribute(own_database: OwnDatabase) -> None:
    table, row = ROWS["texts, instants and yes or no"]
    database = own_database.open()._database
    with database.writing() as connection:
        database.statements.execute(connection.connection, insert(table), row)
        other = SESSIONS.alias()
        both = select(SESSIONS.c.identity, other.c.identity, other.c.network.label("count")).select_from(
            SESSIONS.join(other, SESSIONS.c.token_hash == other.c.token_hash)
        )
        found = database.statements.execute(connection.connection, both, {}).all()[0]
    assert (found.identity, found.count) == (row["identity"], "")  # type: ignore[comparison-overlap]  # a column
    assert found[:2] == (row["identity"], row["identity"])


def test_a_value_that_is_missing_is_never_taken_for_nothing(own_database: OwnDatabase) -> None:
    database = own_database.open()._database
    with database.writing() as connection, pytest.raises(KeyError):
        removal = delete(TOKENS).where(TOKENS.c.token == bindparam("token"), TOKENS.c.kind == bindparam("kind"))
        database.statements.execute(connection.connection, removal, {"token": "t"})


def test_a_statement_whose_text_depends_on_its_values_is_none_of_ours(own_database: OwnDatabase) -> None:
    with pytest.raises(TypeError, match="depends on its values"):
        own_database.open()._database.rows(select(TOKENS).where(TOKENS.c.token.in_(["a", "b"])), {})


def test_a_connection_that_is_cut_within_a_transaction_is_refused_and_leaves_the_pool(
    postgresql_database: OwnDatabase,
) -> None:
    table, row = ROWS["bytes"]
    database = postgresql_database.open()._database
    with pytest.raises(Unavailable), database.writing() as connection:
        database.statements.execute(connection.connection, insert(table), row)
        postgresql_database.admin(END_CONNECTIONS)
        database.statements.execute(connection.connection, insert(table), {**row, "serial": 2})
    assert database.rows(select(table), {}) == []


def test_a_statement_alone_is_never_sent_on_a_connection_that_rested_and_may_be_gone(
    postgresql_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_FRESH", -1.0)
    store = postgresql_database.open()
    store.audit.record(entry(clock()))
    postgresql_database.admin(END_CONNECTIONS)
    assert store.audit.record_where(insertion_where(true()), {}, entry(clock()))
    assert len(store.audit.entries()) == 2


def test_an_entry_is_recorded_alone_only_where_its_condition_holds(own_database: OwnDatabase, clock: HeldClock) -> None:
    told: list[int | None] = []
    lines = SimpleNamespace(write=lambda rows: told.extend(row.number for row in rows))
    store = own_database.open(lines)
    assert not store.audit.record_where(insertion_where(false()), {}, entry(clock()))
    assert store.audit.entries() == ()
    assert store.audit.record_where(insertion_where(true()), {}, entry(clock()))
    assert [one.number for one in store.audit.entries()] == told
