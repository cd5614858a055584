# ruff: noqa: F811 - fixtures are named where they are asked for
"""Refusals that belong to nobody while the database is away or very many come: bounded, counted, written later."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from databases import HeldClock, OwnDatabase
from refusals_fixtures import BOUNDS, audited, log, refusal  # noqa: F401 - a fixture
from store_factories import entry

from federation_bridge.audit import RequestRefused
from federation_bridge.audit.sparing import MINUTE, MOST_UNWRITTEN, Bounds, SparingAudit
from federation_bridge.errors import Unavailable
from federation_bridge.model import RequestOrigin
from federation_bridge.store import Store


def test_a_database_that_is_away_fails_no_refusal_which_is_written_when_it_is_back(
    log: SparingAudit, store: Store, own_database: OwnDatabase, clock: HeldClock
) -> None:
    own_database.admin("ALTER TABLE refusals RENAME TO refusals_away")
    try:
        log.record(refusal(clock, "one"))
        log.record(refusal(clock, "two"))
    finally:
        own_database.admin("ALTER TABLE refusals_away RENAME TO refusals")
    clock.advance(MINUTE)
    log.record(refusal(clock, "three"))
    assert [len(store.audit.entries(reference=one)) for one in ("one", "two", "three")] == [1, 1, 1]
    (row,) = [row for row in store.audit.entries() if row.event == "refusals.counted"]
    assert (row.details["lost"], row.details["counts"]) == (0, {"sign_in.refused sign_in_rejected corp": 3})


def test_what_a_database_that_is_away_for_long_costs_is_bounded_and_counted(
    log: SparingAudit, store: Store, own_database: OwnDatabase, clock: HeldClock
) -> None:
    own_database.admin("ALTER TABLE refusals RENAME TO refusals_away")
    try:
        for number in range(MOST_UNWRITTEN + 2):  # the first of all is an audit row
            log.record(refusal(clock, f"R-{number}"))
    finally:
        own_database.admin("ALTER TABLE refusals_away RENAME TO refusals")
    clock.advance(MINUTE)
    log.record(refusal(clock, "after"))
    assert store.audit.entries(reference=f"R-{MOST_UNWRITTEN}") != ()
    assert store.audit.entries(reference=f"R-{MOST_UNWRITTEN + 1}") == ()
    (row,) = [row for row in store.audit.entries(limit=2) if row.event == "refusals.counted"]
    assert row.details["lost"] == 1


def test_a_refusal_of_somebody_that_the_database_cannot_take_now_is_written_later(
    log: SparingAudit, store: Store, own_database: OwnDatabase, clock: HeldClock
) -> None:
    event = RequestRefused("unavailable", "the database failed", "/")
    own_database.admin("ALTER TABLE audit RENAME TO audit_away")
    try:
        log.record(replace(entry(clock(), event), origin=RequestOrigin("later")))
        with pytest.raises(Unavailable):
            log.record(replace(entry(clock()), origin=RequestOrigin("a grant waits for its audit")))
    finally:
        own_database.admin("ALTER TABLE audit_away RENAME TO audit")
    log.close(1)
    (found,) = store.audit.entries(reference="later")
    assert (found.person, found.details["detail"]) == ("corp/alice", "the database failed")


def test_beside_the_requests_all_of_it_gets_there_in_the_end(
    store: Store, own_database: OwnDatabase, clock: HeldClock
) -> None:
    log = SparingAudit(store.audit, store.refusals, BOUNDS, clock)
    log.start()
    for number in range(300):
        log.record(refusal(clock, f"R-{number}"))
    log.close(30)
    assert len([row for row in store.audit.entries(limit=1_000) if row.event == "sign_in.refused"]) == 300
    assert audited(own_database) == 2


class Stopped:
    """Holds up the thread that writes to the ring."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_asked, self.goes_on = threading.Event(), threading.Event()
        keep = store.refusals.keep

        def later(*rest: Any) -> None:
            self.is_asked.set()
            self.goes_on.wait(60)
            keep(*rest)

        monkeypatch.setattr(store.refusals, "keep", later)


def test_a_flood_that_fills_the_queue_is_counted_and_pushes_out_no_first_of_another_kind(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, stopped = (
        SparingAudit(store.audit, store.refusals, Bounds(10_000, timedelta(days=7)), clock),
        Stopped(store, monkeypatch),
    )
    log.start()
    log.record(refusal(clock, "flood"))
    assert stopped.is_asked.wait(60)
    log.record(*[refusal(clock, "flood")] * 3_000)
    log.record(refusal(clock, "quiet", code="sign_in_expired"))
    stopped.goes_on.set()
    log.close(30)
    assert [row.number is not None for row in store.audit.entries(reference="quiet")] == [True]
    (row,) = [row for row in store.audit.entries(limit=10) if row.event == "refusals.counted"]
    assert row.details["counts"] == {
        "sign_in.refused sign_in_expired corp": 1,
        "sign_in.refused sign_in_rejected corp": 3_001,
    }
    assert row.details["lost"] == 1_000
