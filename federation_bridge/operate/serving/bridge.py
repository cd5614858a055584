"""The bridge as what the workers serve: prepared in the parent, made in each worker."""

from __future__ import annotations

import signal
from typing import Any

from federation_bridge import __version__, app
from federation_bridge.background import Background
from federation_bridge.operate import preparation
from federation_bridge.operate.logs import LogLines
from federation_bridge.operate.serving.answers import Application
from federation_bridge.operate.serving.service import serve_work
from federation_bridge.settings import Settings
from federation_bridge.store import server_of, sqlite_path
from federation_bridge.web.door import EXTENSION


def serve(settings: Settings, log: LogLines) -> None:
    """Serves the bridge until it is told to stop, as `serve_work` does; raises also as `preparation.prepare` does."""
    # Ctrl-C ends the start as SIGTERM does. Python's own exception for it can get lost: in a callback of the garbage
    # collector it is only printed.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # A reload that comes before the parent hears signals asks for fresh workers, and those are about to be made.
    # `entry` ignores it from its first line on; here it is said for whoever comes by another way.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # In the parent, so that the workers share the memory of the imported code.
    preparation.prepare(settings)
    serve_work(
        settings.serving, log, _Bridge(settings), {"version": __version__, "database": told_of(settings.database_url)}
    )


def told_of(database_url: str) -> str:
    """The database's kind and place, as the log tells them: without a password."""
    file = sqlite_path(database_url)
    return f"PostgreSQL {server_of(database_url)}" if file is None else f"SQLite {file}"


class _Bridge:
    """The bridge's own application, made after the fork: connections and threads do not survive one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._background: Background | None = None
        self._store: Any = None

    def make(self) -> Application:
        """The application, its background work started; raises as `create_app` does."""
        made = app.create_app(self._settings)
        self._store = made.extensions[EXTENSION].store
        self._background = app.start_background(made)
        return made.wsgi_app

    def stop(self) -> None:
        """Ends the background work and the connections to the database."""
        if self._background:
            self._background.stop()
        if self._store:
            self._store.close()
