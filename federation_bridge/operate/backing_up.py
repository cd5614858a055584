"""`backup` for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from federation_bridge import first_start, system_clock
from federation_bridge.administration import backing_up
from federation_bridge.administration.backing_up import backup_key
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.opening import store_and_key_of, store_looked_at
from federation_bridge.settings import Settings
from federation_bridge.store import sqlite_path


def backed_up(settings: Settings, target: Path) -> Iterator[str]:
    """Makes a backup, also while the service runs, and says what it holds; raises as `backing_up.back_up`."""
    database = database_of(settings, "pg_dump")
    with store_looked_at(settings, is_checked=False) as store:
        # Opened to write, an older shape would be brought into ours, under a service that runs.
        if (problem := store.schema_problem()) is not None:
            raise ConfigurationInvalid(f"{problem}; a backup is made by the program that serves the database")
    with store_and_key_of(settings) as (store, sealing_key):
        head = backing_up.back_up(store, database, target, backup_key(sealing_key), system_clock.utc_now)
    yield f"Backed up: {target}"
    yield from backing_up.lines_of(head)
    yield "The sealing key is not in it. Keep that elsewhere: nothing in the backup opens without it."


def verified(settings: Settings, file: Path) -> Iterator[str]:
    """Reads a backup to its end, and says what it holds; raises as `backing_up.checked`."""
    head = backing_up.checked(file, backup_key(first_start.sealing_key_of(settings)))
    yield f"Whole, and as it was made: {file}"
    yield from backing_up.lines_of(head)


def database_of(settings: Settings, instead: str) -> Path:
    """Where the SQLite database lies; ConfigurationInvalid on PostgreSQL, which has a program of its own for it."""
    database = sqlite_path(settings.database_url)
    if database is None:
        raise ConfigurationInvalid(
            f"this command is for SQLite, and the database is PostgreSQL: docs/backup.md shows it with `{instead}`"
        )
    return database
