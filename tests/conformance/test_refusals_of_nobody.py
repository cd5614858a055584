# ruff: noqa: F811 - fixtures are named where they are asked for
"""Refusals that belong to nobody: found like all others, and bounded whatever an anonymous client does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from databases import HeldClock, OwnDatabase
from refusals_fixtures import BOUNDS, audited, log, refusal  # noqa: F401 - a fixture
from store_factories import entry

from federation_bridge.audit import (
    DeviceRefused,
    Entry,
    GrantRefused,
    RequestRefused,
    SignInRefused,
    TokenRefused,
    VerifiersDisagreed,
)
from federation_bridge.audit.sparing import MINUTE, MOST_NETWORKS, MOST_OF_BELIEVED, Bounds, SparingAudit
from federation_bridge.model import RequestOrigin
from federation_bridge.store import Store


def test_refusals_of_nobody_do_not_grow_the_audit(
    log: SparingAudit, store: Store, own_database: OwnDatabase, clock: HeldClock
) -> None:
    for number in range(200):
        log.record(refusal(clock, f"R-{number}", f"192.0.2.{number}"))
    assert audited(own_database) == 1
    assert len(store.audit.entries(limit=1_000)) == 200


def test_each_refusal_is_counted_by_what_refused_it_wherever_it_lies(store: Store, clock: HeldClock) -> None:
    told: list[tuple[str, str, str]] = []
    log = SparingAudit(store.audit, store.refusals, BOUNDS, clock, lambda *kind: told.append(kind))
    for number in range(3):
        log.record(refusal(clock, f"R-{number}"))
    # The first stands in the audit, whose lines are counted there.
    assert told == [("sign_in.refused", "sign_in_rejected", "corp")] * 2


def test_a_refusal_is_found_whole_by_its_reference_wherever_it_lies(
    log: SparingAudit, store: Store, clock: HeldClock
) -> None:
    log.record(refusal(clock, "first"))
    log.record(refusal(clock, "sec\x1b[31mond"))
    (first,) = store.audit.entries(reference="first")
    (second,) = store.audit.entries(reference="sec\x1b[31mond")
    assert first.number is not None
    assert replace(second, number=first.number, reference="first") == first
    assert store.audit.entries(person="corp/alice") == ()


def test_entries_of_both_tables_are_read_newest_first_and_limited(
    log: SparingAudit, store: Store, clock: HeldClock
) -> None:
    for reference in ("a", "b", "c", "d"):
        log.record(refusal(clock, reference))
        clock.advance(timedelta(seconds=1))
    store.audit.record(entry(clock()))
    assert [row.reference for row in store.audit.entries(limit=4)] == ["ref-1", "d", "c", "b"]


@pytest.mark.parametrize(
    "event",
    [
        GrantRefused("111122223333", "Reader", "no rule"),
        VerifiersDisagreed("two"),
        SignInRefused("replayed", "sign_in_rejected"),
    ],
    ids=["not anonymous", "an alarm", "a believed message"],
)
def test_what_belongs_to_somebody_and_every_alarm_is_an_audit_row_at_once(
    log: SparingAudit,
    own_database: OwnDatabase,
    clock: HeldClock,
    event: GrantRefused | VerifiersDisagreed | SignInRefused,
) -> None:
    for _ in range(30):
        log.record(
            Entry(clock(), RequestOrigin("R", "192.0.2.7"), event, is_somebodys=isinstance(event, SignInRefused))
        )
    assert audited(own_database) == 30


@pytest.mark.parametrize(
    "event", [SignInRefused("r", "c"), DeviceRefused("r", "c"), TokenRefused("fedbridge", "r", "c")]
)
def test_a_refusal_of_a_person_is_an_audit_row(
    log: SparingAudit, own_database: OwnDatabase, clock: HeldClock, event: SignInRefused | DeviceRefused | TokenRefused
) -> None:
    for _ in range(30):
        log.record(entry(clock(), event))
    assert audited(own_database) == 30


def test_one_message_that_is_sent_for_ever_does_not_grow_the_audit_either(
    log: SparingAudit, store: Store, own_database: OwnDatabase, clock: HeldClock
) -> None:
    believed = replace(refusal(clock), is_somebodys=True)
    for _ in range(MOST_OF_BELIEVED + 20):
        log.record(believed)
    assert audited(own_database) == MOST_OF_BELIEVED
    assert len(store.audit.entries(limit=2_000)) == MOST_OF_BELIEVED + 20
    clock.advance(MINUTE)
    log.record(believed)
    assert audited(own_database) == MOST_OF_BELIEVED + 1


def test_the_first_of_each_kind_connection_and_network_in_a_minute_is_audited(
    log: SparingAudit, own_database: OwnDatabase, clock: HeldClock
) -> None:
    for address in ("192.0.2.7", "192.0.2.99", "198.51.100.1", "2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:2::1"):
        log.record(refusal(clock, address=address))
    assert audited(own_database) == 4
    log.record(refusal(clock, code="sign_in_expired"))
    log.record(replace(refusal(clock), connection="partner"))
    assert audited(own_database) == 6
    clock.advance(MINUTE)
    log.record(refusal(clock))
    assert audited(own_database) == 8  # with the row of counts


def test_who_has_many_networks_fills_neither_the_audit_nor_hides_another_kind(
    log: SparingAudit, own_database: OwnDatabase, clock: HeldClock
) -> None:
    for number in range(100):
        log.record(refusal(clock, address=f"198.51.{number}.1"))
    assert audited(own_database) == MOST_NETWORKS
    log.record(refusal(clock, code="sign_in_expired"))
    assert audited(own_database) == MOST_NETWORKS + 1


def test_each_minute_with_refusals_is_counted_in_one_row(log: SparingAudit, store: Store, clock: HeldClock) -> None:
    began = clock()
    for _ in range(3):
        log.record(refusal(clock))
    log.record(Entry(clock(), RequestOrigin("R"), RequestRefused("bad_request", "no", "/")))
    clock.advance(MINUTE)
    log.record(refusal(clock, code="sign_in_expired"))
    log.close(1)
    rows = [row for row in store.audit.entries() if row.event == "refusals.counted"]
    assert [row.details["counts"] for row in reversed(rows)] == [
        {
            "request.refused bad_request": 1,
            "sign_in.refused sign_in_rejected corp": 3,
            "sign_in.refused sign_in_expired corp": 1,
        },
    ]
    assert rows[-1].details["since"] == began.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_quiet_minute_writes_nothing(log: SparingAudit, own_database: OwnDatabase, clock: HeldClock) -> None:
    clock.advance(MINUTE)
    log.close(1)
    assert audited(own_database) == 0


def test_the_ring_holds_the_newest_and_no_more(store: Store, clock: HeldClock) -> None:
    log = SparingAudit(store.audit, store.refusals, Bounds(most=5, age=timedelta(days=7)), clock)
    for number in range(12):
        log.record(refusal(clock, f"R-{number}"))
    found = [row.reference for row in store.audit.entries() if row.number is None]
    assert found == ["R-11", "R-10", "R-9", "R-8", "R-7"]


def test_two_nodes_trim_one_ring(own_database: OwnDatabase, clock: HeldClock) -> None:
    bounds, nodes = Bounds(most=5, age=timedelta(days=7)), (own_database.open(), own_database.open())
    logs = [SparingAudit(node.audit, node.refusals, bounds, clock) for node in nodes]
    for number in range(20):
        logs[number % 2].record(refusal(clock, f"R-{number}"))
    assert len([row for row in own_database.open().audit.entries() if row.number is None]) == 5


def test_the_sweep_removes_what_is_too_old(log: SparingAudit, store: Store, clock: HeldClock) -> None:
    log.record(refusal(clock, "first"), refusal(clock, "old"))
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    log.record(refusal(clock, "first"), refusal(clock, "new"))
    store.sweep()
    assert store.audit.entries(reference="old")
    clock.advance(timedelta(seconds=1))
    store.sweep()
    assert store.audit.entries(reference="old") == ()
    assert store.audit.entries(reference="new")
