"""The rights that docs/store.md gives to a user of PostgreSQL: enough, and no more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import postgresql
import pytest
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from documents.blocks import blocks
from sqlalchemy import text
from store_factories import entry

from federation_bridge.audit.seal import Batch, Seal
from federation_bridge.errors import Unavailable
from federation_bridge.store import ServingUser, Store, open_store

BLOCKS = blocks()


@pytest.fixture
def granted(
    postgresql_database: OwnDatabase, postgresql_server: postgresql.Server, clock: HeldClock
) -> Iterator[Store]:
    """A store of a user of its own, who has what `migrate --owner` gives."""
    database = postgresql_database.url.rpartition("/")[2]
    role = f"serving_{os.getpid()}"
    with postgresql_server.admin(database) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{postgresql_server.password}'")
        connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {role}")
    owner = replace(postgresql_database, url=postgresql_server.url(database, postgresql.OWNER), _open=[])
    owner.open().migrate(ServingUser(role, archives=False))
    owner.close()
    url = postgresql_server.url(database, role)
    store = open_store(url, clock=clock, integrity_key=INTEGRITY_KEY, password=postgresql_server.password)
    yield store
    store.close()
    with postgresql_server.admin(database) as connection:
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET event = 'x'",
        "DELETE FROM audit",
        "DROP TABLE sessions",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "UPDATE rulebook_versions SET text = 'x'",
        "UPDATE session_names SET person = 'x'",
        "CREATE TEMPORARY TABLE mine (a int)",
        "CREATE TABLE mine (a int)",
    ],
)
def test_the_service_s_user_cannot_touch_what_is_past_and_makes_nothing(granted: Store, statement: str) -> None:
    with pytest.raises(Exception, match="InsufficientPrivilege"), granted._database.writing() as connection:
        connection.exec_driver_sql(statement)


def test_a_role_with_the_grant_for_erasures_blanks_whole_entries_alone(
    granted: Store, postgresql_database: OwnDatabase, clock: HeldClock
) -> None:
    granted.audit.record(entry(clock()))
    number = granted.audit.entries(limit=1)[0].number or 0
    with pytest.raises(Unavailable):
        granted.erasure.erase([(number, "digest:statement")])
    with granted._database.reading() as connection:
        role = connection.execute(text("SELECT current_user")).scalar_one()
    postgresql_database.admin(BLOCKS["docs/store.md sql 3"].text.replace("TO bridge", f"TO {role}"))
    with pytest.raises(Exception, match="RaiseException"), granted._database.writing() as connection:
        connection.exec_driver_sql("UPDATE audit SET person = ''")
    assert granted.erasure.erase([(number, "digest:statement")]) == 1


def test_a_role_with_the_grant_for_archives_deletes_what_was_archived_alone(
    granted: Store, postgresql_database: OwnDatabase, clock: HeldClock
) -> None:
    granted.audit.record(entry(clock()))
    # Numbers go on over all tests of the server: the seal is about the one that stands.
    seal = Seal(1, Batch(1, granted.audit.entries(limit=1)[0].number or 0, b""), "statement")
    granted.seals.add(seal)
    with granted._database.reading() as connection:
        role = connection.execute(text("SELECT current_user")).scalar_one()
    postgresql_database.admin(BLOCKS["docs/store.md sql 2"].text.replace("TO bridge", f"TO {role}"))
    with pytest.raises(Exception, match="RaiseException"), granted._database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM audit")
    granted.seals.archive(seal, "archived", entry(clock()))
    assert [row.event for row in granted.audit.entries()] == ["sign_in.finished"]
