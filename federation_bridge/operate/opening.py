"""Opens the database, or all parts, for one command, and closes them whatever happens.

A command that looks opens with `looking_at` or `store_looked_at`: nothing can be written through these, no key is made
and nothing is audited. Whoever inspects a draft must not put it into force.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from federation_bridge import first_start, system_clock
from federation_bridge.errors import ConfigurationInvalid, DatabaseFailure, Unavailable
from federation_bridge.first_start import Beginning
from federation_bridge.keys_and_endings import key_ring
from federation_bridge.operator_notices.kinds import followed
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store, open_store, open_store_to_read, server_of, sqlite_path

if TYPE_CHECKING:
    from federation_bridge.bridge import Parts


@contextmanager
def looking_at(settings: Settings, *, is_checked: bool = True) -> Iterator[Parts]:
    """All parts, joined so that nothing can be written; raises as `app.join` does.

    `is_checked`: ConfigurationInvalid, too, where the database's shape is not one that this program can read right.
    Before a first start they stand on an empty database in a folder of its own, which is gone afterwards.
    """
    from federation_bridge import app  # noqa: PLC0415 - imports all parts

    with placed(settings), _something_to_look_at(settings) as seen:
        if is_checked:
            _demand_shape_of(seen)
        parts = app.join(seen, system_clock.utc_now, secrets.token_bytes, reads_only=True)
        try:
            yield parts
        finally:
            parts.store.close()


@contextmanager
def _something_to_look_at(settings: Settings) -> Iterator[Settings]:
    if not first_start.is_ahead(settings):
        yield settings
        return
    with TemporaryDirectory(prefix="federation-bridge-") as folder:
        empty = settings.model_copy(update={"data": Path(folder), "database": None})
        with store_of(empty, first_start.begin(empty)):
            pass
        yield empty


@contextmanager
def store_looked_at(settings: Settings, *, is_checked: bool = True) -> Iterator[Store]:
    """The store alone, through which nothing can be written; raises as `open_store` does, and for a lost database.

    `is_checked`: ConfigurationInvalid, too, where its shape is another one or another sealing key made it.
    """
    start = first_start.resume(settings)
    url, password = settings.database_url, _password(settings)
    with placed(settings):
        store = open_store_to_read(
            url, clock=system_clock.utc_now, integrity_key=start.integrity_key, password=password
        )
        try:
            if is_checked:
                _demand_usable(settings, store, start)
            yield store
        finally:
            store.close()


@contextmanager
def store_and_keys_looked_at(settings: Settings) -> Iterator[tuple[Store, KeyRing]]:
    """The store as `store_looked_at` has it, and our keys, of which none is made."""
    sealing_key = first_start.resume(settings).sealing_key
    with store_looked_at(settings) as store:
        yield store, key_ring(settings, sealing_key, store)


@contextmanager
def store_of(settings: Settings, beginning: Beginning | None = None) -> Iterator[Store]:
    """The store alone; raises as `open_store` does, and, where no `beginning` may make one, for a lost database."""
    start = beginning or first_start.resume(settings)
    with placed(settings):
        store = open_store(
            settings.database_url,
            clock=system_clock.utc_now,
            integrity_key=start.integrity_key,
            password=_password(settings),
            make=start.may_make_database,
        )
        store.follow(followed(settings))
        try:
            if beginning is None:
                _demand_usable(settings, store, start)
            yield store
        finally:
            store.close()


@contextmanager
def store_and_key_of(settings: Settings) -> Iterator[tuple[Store, bytes]]:
    """The store and the sealing key, for a command that needs our keys; raises as `store_of`."""
    start = first_start.resume(settings)
    with store_of(settings) as store:
        yield store, start.sealing_key


@contextmanager
def placed(settings: Settings) -> Iterator[None]:
    """What fails at the database is told with where that is."""
    try:
        yield
    except Unavailable as failure:
        raise Unavailable(told_with_place(settings, failure.detail)) from failure.__cause__


def told_with_place(settings: Settings, problem: str) -> str:
    """With the setting, and the host, the port and the name of a database, or its file; other sentences as they are."""
    if not isinstance(problem, DatabaseFailure):
        return problem
    where = server_of(settings.database_url) or sqlite_path(settings.database_url)
    return f"database: {where}: {problem.cause}"


def _demand_usable(settings: Settings, store: Store, start: Beginning) -> None:
    """Nothing where this program knows the shape, and the key is the one that sealed what lies there.

    Under another key every row counts as absent: a command would say that nobody is blocked.
    """
    _demand_shape(store)
    key_ring(settings, start.sealing_key, store).made(Purpose.AUDIT)


def _demand_shape_of(settings: Settings) -> None:
    # Before the parts are joined: meanwhile they read the database, and would fail at a column that is not there.
    with store_looked_at(settings, is_checked=False) as store:
        _demand_shape(store)


def _demand_shape(store: Store) -> None:
    if (problem := store.shape_problem()) is not None:
        raise ConfigurationInvalid(f"database: {problem}")


def _password(settings: Settings) -> str | None:
    return settings.database_password.read() if settings.database_password else None


@contextmanager
def parts_of(settings: Settings) -> Iterator[Parts]:
    """All parts, joined as the service joins them; raises as `app.join` does, and for a shape of another release."""
    from federation_bridge import app  # noqa: PLC0415 - imports all parts

    with placed(settings):
        if sqlite_path(settings.database_url) is None:  # a SQLite file is brought into shape
            _demand_shape_of(settings)
        parts = app.join(settings, system_clock.utc_now, secrets.token_bytes)
        try:
            yield parts
        finally:
            parts.store.close()
