"""Opens the database, or all parts, for one command, and closes them whatever happens."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from federation_bridge import app, first_start
from federation_bridge.bridge import Parts
from federation_bridge.first_start import Beginning
from federation_bridge.settings import Settings
from federation_bridge.store import Store, open_store


@contextmanager
def store_of(settings: Settings, beginning: Beginning | None = None) -> Iterator[Store]:
    """The store alone; raises as `open_store` does, and, where no `beginning` may make one, for a lost database."""
    password = settings.database_password.read() if settings.database_password else None
    start = beginning or first_start.resume(settings)
    store = open_store(
        settings.database_url,
        clock=app.utc_now,
        integrity_key=start.integrity_key,
        password=password,
        make=start.may_make_database,
    )
    try:
        yield store
    finally:
        store.close()


@contextmanager
def parts_of(settings: Settings) -> Iterator[Parts]:
    """All parts, joined as the service joins them; raises as `app.join` does."""
    parts = app.join(settings, app.utc_now, secrets.token_bytes)
    try:
        yield parts
    finally:
        parts.store.close()
