"""The database fails in the middle, is down, is full or wrongly named: refused, and nothing stands half."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import END_CONNECTIONS, INTEGRITY_KEY, HeldClock, OwnDatabase
from store_factories import IDLE, entry, session, sign_in

from federation_bridge.errors import ConfigurationInvalid, SignInExpired, Unavailable
from federation_bridge.store import Store, bounds, open_store

VERBS: dict[str, Callable[[Store, HeldClock], object]] = {
    "take": lambda store, clock: store.sessions.take(sign_in(clock())),
    "admit": lambda store, clock: store.sessions.admit(session(clock()), "issuer", "_m", clock()),
    "live": lambda store, _: store.sessions.live("a", IDLE),
    "seen": lambda store, _: store.sessions.seen("a"),
    "confirm": lambda store, _: store.sessions.confirm("a"),
    "end": lambda store, _: store.sessions.end("a"),
    "end_of_person": lambda store, _: store.sessions.end_of_person("corp/alice"),
    "record": lambda store, clock: store.audit.record(entry(clock())),
    "entries": lambda store, _: store.audit.entries(),
    "claim": lambda store, _: store.session_names.claim("alice", "corp/alice"),
    "last_good": lambda store, _: store.documents.last_good("rules", "r"),
    "keep": lambda store, _: store.documents.keep("rules", "r", "text"),
    "version": lambda store, _: store.documents.version("rules", "r"),
    "begin_look": lambda store, _: store.documents.begin_look("corp", timedelta(minutes=1)),
    "told": lambda store, _: store.service_marks.told("mark", "text"),
    "sealed": lambda store, _: store.sealed_keys.sealed("tokens"),
    "put_first": lambda store, _: store.sealed_keys.put_first("tokens", b"key"),
    "sweep": lambda store, _: store.sweep(),
    "schema_problem": lambda store, _: store.schema_problem(),
    "shape_problem": lambda store, _: store.shape_problem(),
    "migrate": lambda store, _: store.migrate(),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_refuses_while_the_database_is_down(clock: HeldClock, verb: str, free_port: int) -> None:
    store = open_store(
        f"postgresql+psycopg://bridge@127.0.0.1:{free_port}/bridge",
        clock=clock,
        integrity_key=INTEGRITY_KEY,
        password="x",
    )
    with pytest.raises(Unavailable):
        VERBS[verb](store, clock)
    store.close()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_refuses_on_a_file_that_is_no_database(
    sqlite_database: OwnDatabase, clock: HeldClock, verb: str
) -> None:
    store = sqlite_database.open()
    store.close()
    Path(sqlite_database.url.removeprefix("sqlite:///")).write_bytes(b"this is no database at all" * 1000)
    with pytest.raises(Unavailable):
        VERBS[verb](store, clock)


def test_the_store_comes_back_when_its_connections_were_cut(postgresql_database: OwnDatabase, clock: HeldClock) -> None:
    store = postgresql_database.open()
    store.sessions.take(sign_in(clock()))
    postgresql_database.admin(END_CONNECTIONS)
    with pytest.raises(SignInExpired):
        store.sessions.take(sign_in(clock()))


@pytest.mark.parametrize("table", ["audit", "sessions"])
def test_a_sign_in_that_fails_half_way_leaves_nothing(
    store: Store, own_database: OwnDatabase, clock: HeldClock, table: str
) -> None:
    own_database.admin(f"ALTER TABLE {table} RENAME TO away")
    try:
        with pytest.raises(Unavailable):
            store.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()), sign_in=sign_in(clock()))
    finally:
        own_database.admin(f"ALTER TABLE away RENAME TO {table}")
    assert store.sessions.live("a" * 64, IDLE) is None
    assert store.audit.entries() == ()
    # Neither the message nor the sign-in was spent: the person may send it once more.
    store.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()), sign_in=sign_in(clock()))


def test_a_claim_whose_audit_fails_claims_nothing(store: Store, own_database: OwnDatabase, clock: HeldClock) -> None:
    own_database.admin("ALTER TABLE audit RENAME TO away")
    try:
        with pytest.raises(Unavailable):
            store.session_names.claim("alice", "corp/alice", entry(clock()))
    finally:
        own_database.admin("ALTER TABLE away RENAME TO audit")
    assert store.session_names.claim("alice", "corp/bob")


def test_a_full_disk_refuses_and_leaves_nothing_half_written(sqlite_database: OwnDatabase, clock: HeldClock) -> None:
    store = sqlite_database.open()
    with store._database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(Unavailable, match="SQLITE_FULL"):
        for number in range(1_000):
            store.sessions.admit(session(clock(), f"t{number}"), "issuer", f"_{number}", clock(), entry(clock()))
    admitted = sum(store.sessions.live(f"t{n}", IDLE) is not None for n in range(1_000))
    assert admitted == len(store.audit.entries(limit=2_000)) > 0


def test_a_lock_that_is_held_too_long_refuses(
    sqlite_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "BUSY_MS", 20)
    store = sqlite_database.open()
    holder = sqlite3.connect(sqlite_database.url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="SQLITE_BUSY"):
        store.sessions.take(sign_in(clock()))
    # Who only reads does not wait for who writes.
    assert store.sessions.live("a", IDLE) is None
    holder.execute("ROLLBACK")
    holder.close()
    store.sessions.take(sign_in(clock()))


def test_a_refusal_quotes_no_value(store: Store, own_database: OwnDatabase, clock: HeldClock) -> None:
    store.sessions.admit(session(clock()), "issuer", "_m", clock())
    with pytest.raises(Unavailable) as caught:
        store.sessions.admit(session(clock()), "issuer", "_other", clock())
    told = f"{caught.value!r} {caught.value.detail} {caught.value.__cause__!r}"
    assert "alice" not in told
    assert "aaaa" not in told


def test_no_secret_of_a_sign_in_stands_in_the_database(sqlite_database: OwnDatabase, clock: HeldClock) -> None:
    store = sqlite_database.open()
    names = ("handle", "code_verifier", "nonce", "request_id", "return_to")
    secrets: dict[str, Any] = {name: f"secret-{name}" for name in names}
    left = replace(sign_in(clock()), **secrets)
    store.sessions.take(replace(left, handle="secret-other"))
    store.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()), sign_in=left)
    store.close()
    assert b"secret-" not in Path(sqlite_database.url.removeprefix("sqlite:///")).read_bytes()


def test_no_repr_shows_the_password(postgresql_database: OwnDatabase) -> None:
    store = postgresql_database.open()
    assert postgresql_database.password is not None
    assert postgresql_database.password not in f"{store!r} {store._database!r} {store._database._engine!r}"


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "URL"),
        ("bridge.db", "URL"),
        ("sqlite://", "file"),
        ("sqlite:///:memory:", "file"),
        ("mysql://bridge@db/bridge", "sqlite or postgresql"),
        ("postgresql://bridge:hunter2@db/bridge", "database_password"),
        ("sqlite:////nowhere/at/all/bridge.db", "cannot be made"),
    ],
)
def test_a_database_that_cannot_be_is_refused_in_words(clock: HeldClock, url: str, hint: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=hint) as caught:
        open_store(url, clock=clock, integrity_key=INTEGRITY_KEY, make=True)
    assert "hunter2" not in caught.value.detail


def test_a_new_sqlite_file_is_its_owners_alone(tmp_path: Path, clock: HeldClock) -> None:
    store = open_store(f"sqlite:///{tmp_path}/bridge.db", clock=clock, integrity_key=INTEGRITY_KEY, make=True)
    store.audit.record(entry(clock()))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    store.close()
    assert modes == {"bridge.db": 0o600, "bridge.db-wal": 0o600, "bridge.db-shm": 0o600}


def test_sqlite_commits_are_durable(sqlite_database: OwnDatabase) -> None:
    with sqlite_database.open()._database.reading() as connection:
        asked = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in _DURABLE}
    assert asked == _DURABLE


_DURABLE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_postgresql_commits_are_durable_and_bounded(postgresql_database: OwnDatabase) -> None:
    with postgresql_database.open()._database.reading() as connection:
        asked = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in _BOUNDED}
    assert asked == _BOUNDED


_BOUNDED = {
    "synchronous_commit": "on",
    "lock_timeout": "5s",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "20s",
    "default_transaction_isolation": "read committed",
}
