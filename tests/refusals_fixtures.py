"""Refusals that belong to nobody, and where they lie; import these where they are needed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from databases import HeldClock, OwnDatabase

from federation_bridge.audit import Entry, SignInRefused
from federation_bridge.audit.sparing import Bounds, SparingAudit
from federation_bridge.model import RequestOrigin
from federation_bridge.store import Store

BOUNDS = Bounds(most=1_000, age=timedelta(days=7))


@pytest.fixture
def log(store: Store, clock: HeldClock) -> SparingAudit:
    return SparingAudit(store.audit, store.refusals, BOUNDS, clock)


def refusal(
    clock: HeldClock, reference: str = "R", address: str = "192.0.2.7", code: str = "sign_in_rejected"
) -> Entry:
    event = SignInRefused(reason="the signature does not hold", code=code)
    return Entry(clock(), RequestOrigin(reference, address, "Browser/1"), event, connection="corp")


def audited(own_database: OwnDatabase) -> int:
    """How many rows the audit's own table has."""
    store = own_database.open()
    return len(store.audit.numbered(0, 1_000_000, 1_000_000))
