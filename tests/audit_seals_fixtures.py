"""An audit that is sealed, and changed behind its back; import these where they are needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databases import HeldClock, OwnDatabase
from sealed_keys_in_memory import SealedKeysInMemory
from sqlalchemy import text
from store_factories import entry

from federation_bridge.administration import audit
from federation_bridge.administration.sealing import AuditSealing
from federation_bridge.audit.verification import Problem, Verification
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store


@pytest.fixture(scope="module")
def drawer() -> SealedKeysInMemory:
    return SealedKeysInMemory()


@pytest.fixture
def ring(drawer: SealedKeysInMemory, clock: HeldClock) -> KeyRing:
    return KeyRing(bytes(32), drawer, clock, "bridge.example.com")


@pytest.fixture(autouse=True)
def numbers_begin_with_one(own_database: OwnDatabase) -> Iterator[None]:
    """The tests of a worker share one PostgreSQL database, where numbers go on and marks name them."""
    if own_database.is_sqlite:
        yield
        return
    with own_database.open()._database.reading() as connection:
        reached = connection.execute(text("SELECT nextval('audit_number_seq')")).scalar_one()
    own_database.admin("ALTER SEQUENCE audit_number_seq RESTART WITH 1")
    yield
    own_database.admin(f"ALTER SEQUENCE audit_number_seq RESTART WITH {reached}")


def _nobody_waits(_: float) -> None:
    """No test sleeps."""


def sealing_of(store: Store, ring: KeyRing, clock: HeldClock, most: int = 3) -> AuditSealing:
    return AuditSealing(store, ring, clock, _nobody_waits, most=most)


def record(store: Store, clock: HeldClock, count: int) -> None:
    for _ in range(count):
        store.audit.record(entry(clock()))


def verified(store: Store, ring: KeyRing) -> tuple[Verification, list[Problem]]:
    verification, problems = audit.verification(store, ring)
    return verification, list(problems)


def tamper(own_database: OwnDatabase, statement: str) -> None:
    """What the owner of the database can do: triggers hold up everybody else."""
    if own_database.is_sqlite:
        for name in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
            own_database.admin(f"DROP TRIGGER IF EXISTS {name}")
        own_database.admin(statement)
    else:
        own_database.admin("ALTER TABLE audit DISABLE TRIGGER ALL")
        own_database.admin(statement)
        own_database.admin("ALTER TABLE audit ENABLE TRIGGER ALL")
