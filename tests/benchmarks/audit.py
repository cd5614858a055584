"""What the audit is asked, at a million rows, and what its indexes cost a grant."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy

from federation_bridge.audit import AuditQuery, Entry, GrantMade
from federation_bridge.model import RequestOrigin
from federation_bridge.store import Store, open_store
from tests.benchmarks.table import Row, median
from tests.postgresql import Server

ROWS = 1_000_000
_NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
_EVENTS = ("token.issued", "sign_in.finished", "grant.made", "grant.redeemed", "console.opened", "grant.refused")
_FILL = """
INSERT INTO audit (at, event, person, connection, reference, address, user_agent, grant_id, access_key_id, account,
  role, details) VALUES (:at, :event, :person, :connection, :reference, :address, 'Browser/1', :grant_id,
  :access_key_id, :account, :role, '{"padding":"' || :padding || '"}')
"""


def measure(folder: Path, postgresql: Server | None, rows: int = ROWS) -> list[Row]:
    """Each question at so many rows: median of a first page of fifty; and what one entry costs to write."""
    where = "SQLite" if postgresql is None else "PostgreSQL"
    folder.mkdir(parents=True, exist_ok=True)
    url, password = _place(folder, postgresql)
    store = open_store(url, clock=lambda: _NOW, integrity_key=bytes(32), password=password, make=True)
    store.migrate()
    empty = _cost_of_an_entry(store)
    _fill(url, password, rows)
    asked = {name: _seconds(store, query) for name, query in _questions(rows).items()}
    uses = {
        name: _seconds_of(lambda query=query: store.audit.last_uses(query))  # type: ignore[misc] # bound at once
        for name, query in (("all", AuditQuery()), ("one person's", AuditQuery(person="corp/person2")))
    }
    full = _cost_of_an_entry(store)
    store.close()
    return [
        *(Row(f"audit by {name}, {rows:,} rows, {where}", s * 1000, "ms", most=50) for name, s in asked.items()),
        *(Row(f"{name} last uses, {rows:,} rows, {where}", s * 1000, "ms") for name, s in uses.items()),
        Row(f"an ordered audit entry at {rows:,} rows, {where}", full * 1000, "ms", yardstick=empty * 1000, most=2),
    ]


def _place(folder: Path, postgresql: Server | None) -> tuple[str, str | None]:
    if postgresql is None:
        return f"sqlite:///{folder / 'audit.db'}", None
    postgresql.make_database("audit_benchmark")
    return postgresql.url("audit_benchmark"), postgresql.password


def _questions(rows: int) -> dict[str, AuditQuery]:
    middle = rows // 2 // 6 * 6 + 3
    values = _row(middle, rows)
    names = ("person", "reference", "address", "event", "connection", "grant_id", "access_key_id")
    asked = {name: AuditQuery(**{name: values[name]}) for name in names}
    made = _row(middle - 1, rows)
    asked |= {name: AuditQuery(**{name: made[name]}) for name in ("account", "role")}
    then = datetime.fromtimestamp(values["at"] / 1e6, UTC)
    asked["time"] = AuditQuery(since=then - timedelta(hours=1), until=then)
    asked["event and time"] = AuditQuery(event=values["event"], since=then - timedelta(hours=1), until=then)
    asked["nothing that is there"] = AuditQuery(person="corp/nobody", event="grant.made")
    return asked


def _row(number: int, rows: int) -> dict[str, Any]:
    event = _EVENTS[number % 6]
    is_grant, is_role = (
        event.startswith("grant.") and event != "grant.refused",
        event in ("grant.made", "grant.refused"),
    )
    return {
        "at": int((_NOW - timedelta(seconds=15) * (rows - number)).timestamp() * 1e6),
        "event": event,
        "person": f"corp/person{number % 3000}",
        "connection": ("corp", "partner")[number % 20 == 3],
        "reference": f"ref-{number}",
        "address": f"192.0.{number // 7 % 250}.{number % 250}",
        "grant_id": f"grant-{number // 6}" if is_grant else None,
        "access_key_id": f"ASIA{number}" if event == "grant.redeemed" else None,
        "account": f"{111122220000 + number // 6 % 240}" if is_role else None,
        "role": f"Role{number // 6 % 9}" if is_role else None,
        "padding": "x" * 400,
    }


def _fill(url: str, password: str | None, rows: int) -> None:
    made = sqlalchemy.make_url(url)
    if made.drivername.startswith("postgresql"):
        _copy(made, password, rows)
        return
    with sqlalchemy.create_engine(made).begin() as connection:
        for first in range(0, rows, 10_000):
            connection.execute(sqlalchemy.text(_FILL), [_row(n, rows) for n in range(first, min(first + 10_000, rows))])


def _copy(url: sqlalchemy.URL, password: str | None, rows: int) -> None:
    names = [name for name in _row(0, 1) if name != "padding"]
    plain = url.set(drivername="postgresql", password=password).render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        columns = f"{', '.join(names)}, user_agent, details"
        with connection.cursor() as cursor, cursor.copy(f"COPY audit ({columns}) FROM STDIN") as copy:
            for number in range(rows):
                row = _row(number, rows)
                copy.write_row([*(row[name] for name in names), "Browser/1", f'{{"padding":"{row["padding"]}"}}'])
        # As autovacuum does within minutes.
        connection.execute("ANALYZE audit")


def _seconds(store: Store, query: AuditQuery) -> float:
    return _seconds_of(lambda: list(islice(store.audit.found(query), 50)))


def _seconds_of(asked: Callable[[], object]) -> float:
    def once() -> float:
        began = time.perf_counter()
        asked()
        return time.perf_counter() - began

    once()
    return median([once() for _ in range(9)])


def _cost_of_an_entry(store: Store, times: int = 300) -> float:
    event = GrantMade("grant", "111122223333", "Reader", timedelta(hours=1), "alice", "alice", {}, "rule", "v", ())
    origin = RequestOrigin("reference", "192.0.2.7", "Browser/1")
    costs = []
    for _ in range(times):
        began = time.perf_counter()
        store.audit.record(Entry(_NOW, origin, event, "corp/person1", "corp"), durable=False)
        costs.append(time.perf_counter() - began)
    return median(costs)
