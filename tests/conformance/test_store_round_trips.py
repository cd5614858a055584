"""How many round trips to PostgreSQL each step of a sign-in and of a grant takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import postgresql
import pytest
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from family_factories import BROWSER, signed_in
from postgresql_wire import Wire, counting_relay
from store_factories import IDLE, NOBODY, entry, live_grant, session, sign_in

from federation_bridge.store import Store, open_store


@pytest.fixture
def wire(postgresql_server: postgresql.Server) -> Iterator[Wire]:
    with counting_relay(postgresql_server.port) as found:
        yield found


@pytest.fixture
def counted(postgresql_database: OwnDatabase, wire: Wire, clock: HeldClock) -> Iterator[Store]:
    """A store whose every message to PostgreSQL is counted."""
    port = postgresql_database.url.rpartition(":")[2].partition("/")[0]
    url = postgresql_database.url.replace(f":{port}/", f":{wire.port}/")
    store = open_store(url, clock=clock, integrity_key=INTEGRITY_KEY, password=postgresql_database.password)
    assert store.schema_problem() is None
    yield store
    store.close()


@pytest.mark.parametrize("is_answer", [True, False])
def test_an_admission_is_one_statement_and_one_round_trip(
    counted: Store, wire: Wire, clock: HeldClock, *, is_answer: bool
) -> None:
    wire.clear()
    left = sign_in(clock()) if is_answer else None
    counted.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()), sign_in=left)
    assert [said.split()[0] for said in wire.statements] == ["WITH"]
    assert wire.round_trips == 1


def test_a_sign_in_is_taken_in_one_round_trip(counted: Store, wire: Wire, clock: HeldClock) -> None:
    wire.clear()
    counted.sessions.take(sign_in(clock()))
    assert wire.round_trips == 1


def test_a_session_is_read_in_one_round_trip(counted: Store, wire: Wire, clock: HeldClock) -> None:
    counted.sessions.admit(session(clock()), "issuer", "_m", clock())
    wire.clear()
    assert counted.sessions.live(BROWSER, IDLE)
    assert wire.round_trips == 1


def test_an_ordered_entry_takes_no_round_trip_more_than_a_durable_one(
    counted: Store, wire: Wire, clock: HeldClock
) -> None:
    trips = []
    for durable in (True, False):
        wire.clear()
        counted.audit.record(entry(clock()), durable=durable)
        trips.append(wire.round_trips)
    assert trips == [1, 1]


def test_a_grant_under_a_known_name_is_recorded_in_one_round_trip(counted: Store, clock: HeldClock, wire: Wire) -> None:
    assert counted.session_names.claim("alice", "corp/alice", entry(clock()))
    wire.clear()
    assert counted.session_names.claim("alice", "corp/alice", entry(clock()))
    assert wire.round_trips == 1
    assert len(counted.audit.entries()) == 2


def test_a_grant_and_its_line_of_the_ledger_take_no_round_trip_more(
    counted: Store, clock: HeldClock, wire: Wire
) -> None:
    signed_in(counted, clock())
    assert counted.session_names.claim("alice", "corp/alice", entry(clock()))
    wire.clear()
    made, within = live_grant(clock()), session(clock(), BROWSER)
    assert counted.session_names.claim("alice", "corp/alice", entry(clock()), live=made, within=within)
    assert wire.round_trips == 1
    counted.live_grants.completed(replace(live_grant(clock()), access_key_id="ASIA1"), entry(clock()), NOBODY)
    assert wire.round_trips == 2
    assert counted.live_grants.of_key("ASIA1")
    assert len(counted.audit.entries()) == 3
