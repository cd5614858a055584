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

from federation_bridge import app, first_start
from federation_bridge.bridge import Parts
from federation_bridge.first_start import Beginning
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store, open_store, open_store_to_read


@contextmanager
def looking_at(settings: Settings) -> Iterator[Parts]:
    """All parts, joined so that nothing can be written; raises as `app.join` does.

    Before a first start they stand on an empty database in a folder of its own, which is gone afterwards.
    """
    with _something_to_look_at(settings) as seen:
        parts = app.join(seen, app.utc_now, secrets.token_bytes, reads_only=True)
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
def store_looked_at(settings: Settings) -> Iterator[Store]:
    """The store alone, through which nothing can be written; raises as `open_store` does, and for a lost database."""
    integrity_key = first_start.resume(settings).integrity_key
    url, password = settings.database_url, _password(settings)
    store = open_store_to_read(url, clock=app.utc_now, integrity_key=integrity_key, password=password)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def store_and_keys_looked_at(settings: Settings) -> Iterator[tuple[Store, KeyRing]]:
    """The store as `store_looked_at` has it, and our keys, of which none is made."""
    sealing_key = first_start.resume(settings).sealing_key
    with store_looked_at(settings) as store:
        yield store, app.key_ring(settings, sealing_key, store)


@contextmanager
def store_of(settings: Settings, beginning: Beginning | None = None) -> Iterator[Store]:
    """The store alone; raises as `open_store` does, and, where no `beginning` may make one, for a lost database."""
    start = beginning or first_start.resume(settings)
    store = open_store(
        settings.database_url,
        clock=app.utc_now,
        integrity_key=start.integrity_key,
        password=_password(settings),
        make=start.may_make_database,
    )
    try:
        yield store
    finally:
        store.close()


@contextmanager
def store_and_key_of(settings: Settings) -> Iterator[tuple[Store, bytes]]:
    """The store and the sealing key, for a command that needs our keys; raises as `store_of`."""
    start = first_start.resume(settings)
    with store_of(settings, start) as store:
        yield store, start.sealing_key


def _password(settings: Settings) -> str | None:
    return settings.database_password.read() if settings.database_password else None


@contextmanager
def parts_of(settings: Settings) -> Iterator[Parts]:
    """All parts, joined as the service joins them; raises as `app.join` does."""
    parts = app.join(settings, app.utc_now, secrets.token_bytes)
    try:
        yield parts
    finally:
        parts.store.close()
