"""What a grant asks of the store, with 100,000 live grants and 1,000 blocks, beside the same where there are none."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, text

from federation_bridge.audit import Entry, GrantMade, GrantRedeemed
from federation_bridge.model import Block, Identity, LiveGrant, LiveGrantQuery, RequestOrigin, Session
from federation_bridge.store import Store, blocks, live_grants, open_store
from federation_bridge.store.hand_overs import Acting
from federation_bridge.store.row_mac import RowMac
from federation_bridge.store.tables import BLOCKS, LIVE_GRANTS
from tests.benchmarks.processes import DoesNotWork
from tests.benchmarks.table import Row, median
from tests.postgresql import Server

GRANTS, BLOCKED = 100_000, 1_000
_TIMES, _WARM_UP, _AT_ONCE = 300, 20, 5_000
_NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
_KEY = bytes(32)
_ORIGIN = RequestOrigin("reference", "192.0.2.7", "Browser/1")
_ADA = Session("a" * 64, Identity("corp", "ada", "Ada"), _NOW, _NOW, _NOW + timedelta(hours=12))


def measure(folder: Path, postgresql: Server | None, grants: int = GRANTS, blocked: int = BLOCKED) -> list[Row]:
    """Medians, in turns: a session read, a grant and its line made, and both completed; and what is asked of them."""
    where = "SQLite" if postgresql is None else "PostgreSQL"
    folder.mkdir(parents=True, exist_ok=True)
    empty, full = (_store(folder, postgresql, name) for name in ("few", "many"))
    _fill(full, grants, blocked)
    numbers = itertools.count()
    costs: tuple[list[float], list[float]] = ([], [])
    for _ in range(_WARM_UP + _TIMES):
        for store, found in zip((empty, full), costs, strict=True):
            found.append(_seconds(lambda store=store: _decision(store, next(numbers))))  # type: ignore[misc]
    few, many = (median(found[_WARM_UP:]) * 1000 for found in costs)
    asked = {
        "who used an access key": lambda: full.live_grants.of_key(f"ASIA{grants // 2:016}"),
        "a person's live grants": lambda: full.live_grants.of_person("corp/person7"),
        "a first page of what is alive": lambda: full.live_grants.living(LiveGrantQuery(), 100),
    }
    told = [
        Row(f"{name}, {grants:,} live grants, {where}", median([_seconds(ask) for _ in range(9)]) * 1000, "ms", most=50)
        for name, ask in asked.items()
    ]
    empty.close()
    full.close()
    what = f"a decision in the store, {grants:,} live grants and {blocked:,} blocks, {where}"
    return [Row(what, many, "ms", yardstick=few, most=1.1), *told]


def _store(folder: Path, postgresql: Server | None, name: str) -> Store:
    url, password = f"sqlite:///{folder / name}.db", None
    if postgresql is not None:
        postgresql.make_database(f"ledger_{name}")
        url, password = postgresql.url(f"ledger_{name}"), postgresql.password
    store = open_store(url, clock=lambda: _NOW, integrity_key=_KEY, password=password, make=True)
    store.migrate()
    store.sessions.admit(_ADA, "issuer", "_m", _NOW + timedelta(minutes=5))
    return store


def _seconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def _decision(store: Store, number: int) -> None:
    line = _line(f"_new{number}", "corp/ada")
    if store.sessions.live(_ADA.key, timedelta(hours=1)) is None:
        raise DoesNotWork("nobody is signed in")
    made = GrantMade(line.id, line.account, line.role, timedelta(hours=1), "ada", "ada", {}, "rule", "v", ())
    if not store.session_names.claim(line.session_name, line.person, _entry(made), live=line):
        raise DoesNotWork("no grant was made")
    key = f"ASIANEW{number:013}"
    sold = GrantRedeemed(line.id, key, "request", "us-east-1", line.ends_at, "arn")
    if not store.live_grants.completed(replace(line, access_key_id=key), _entry(sold), Acting(_ADA.key, "corp/ada")):
        raise DoesNotWork("the grant may not be handed over")


def _entry(event: GrantMade | GrantRedeemed) -> Entry:
    return Entry(_NOW, _ORIGIN, event, "corp/ada", "corp")


def _line(grant_id: str, person: str, number: int = 0) -> LiveGrant:
    account, role = f"{111122220000 + number % 240}", f"Role{number % 9}"
    return LiveGrant(
        id=grant_id,
        person=person,
        partition="aws",
        account=account,
        role=role,
        role_arn=f"arn:aws:iam::{account}:role/{role}",
        session_name=person.rpartition("/")[2],
        source_identity=person.replace("/", "="),
        road="oidc",
        made_at=_NOW,
        ends_at=_NOW + timedelta(minutes=15 + number % 700),
        is_handed_over=False,
    )


def _sold(number: int) -> LiveGrant:
    return replace(_line(f"_{number}", f"corp/person{number % 3000}", number), access_key_id=f"ASIA{number:016}")


def _fill(store: Store, grants: int, blocked: int) -> None:
    mac = RowMac(_KEY)
    with store._database.writing() as connection:
        for first in range(0, grants, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, grants))
            connection.execute(insert(LIVE_GRANTS), [live_grants.row_of(mac, _sold(number)) for number in numbers])
        put = (Block(f"corp/left{n}", "administrator", "operator", "left", _NOW) for n in range(blocked))
        connection.execute(insert(BLOCKS), [mac.with_mac(BLOCKS, blocks.row_of(one)) for one in put])
        # As autovacuum does within minutes.
        connection.execute(text("ANALYZE live_grants"))
        connection.execute(text("ANALYZE blocks"))
