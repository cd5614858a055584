"""What fails at a database, as errors of ours: the driver's exceptions never leave the store, for they quote values."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from federation_bridge.errors import DatabaseFailure, Unavailable
from federation_bridge.store import bounds
from federation_bridge.store.postgresql_server import words_of
from federation_bridge.store.statements import CONFLICTS

FAILURES = (SQLAlchemyError, sqlite3.Error, psycopg.Error)
"""What the library and the drivers raise."""

_SQLITE = {
    "SQLITE_BUSY": "another program holds it locked: end that one (fuser names it), and try again",
    "SQLITE_FULL": "its disk is full: make room",
    "SQLITE_NOTADB": "the file is no SQLite database, or is damaged: put a backup back",
    "SQLITE_CORRUPT": "the file is damaged: put a backup back",
    "SQLITE_READONLY": "this user may not write to it: run this as the service's user",
    "SQLITE_READONLY_DIRECTORY": "this user may not write to its folder: run this as the service's user",
    "SQLITE_CANTOPEN": "it cannot be opened: this user may not write to its folder, or too many files are open",
    "SQLITE_PERM": "this user has no right to it: run this as the service's user",
    "SQLITE_IOERR_SHMSIZE": "its disk is full: make room",
    "SQLITE_IOERR_WRITE": "its disk is full, or fails: make room, or look at the system's log",
    "SQLITE_IOERR": "its disk fails: look at the system's log",
}
"""What is wrong and what to do, by SQLite's name of it, or the beginning of that name."""
_TRIES = 5
_T = TypeVar("_T")
_SQLSTATES = {"40P01", "40001"}
"""PostgreSQL undid the transaction whole: a deadlock, or no order in which it could stand (Appendix A)."""


class Repeatable(Unavailable):
    """The database undid a transaction for the sake of another one: it may be tried again."""


class Conflict(Unavailable):
    """A key that was to be new is in use: the database undid the statement, and all with it."""


def repeated(attempt: Callable[[], _T]) -> _T:
    """What a transaction gives, tried again a few times where the database undid it; Unavailable in the end.

    No longer than a statement waits for a lock, so that a database that is busy all the time is told in time.
    """
    began = time.monotonic()
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except Repeatable:
            if time.monotonic() - began > bounds.BUSY_MS / 1000:
                raise
    return attempt()


@contextmanager
def translated() -> Iterator[None]:
    """Raises what `failure_of` says."""
    try:
        yield
    except FAILURES as problem:
        raise failure_of(problem) from None


def failure_of(problem: SQLAlchemyError | sqlite3.Error | psycopg.Error) -> Unavailable:
    """One of `FAILURES` as an error of ours, of the kind that says what may be done about it."""
    kind = Repeatable if _is_repeatable(problem) else Conflict if isinstance(problem, CONFLICTS) else Unavailable
    return kind(DatabaseFailure(_cause(problem)))


def _is_repeatable(problem: SQLAlchemyError | sqlite3.Error | psycopg.Error) -> bool:
    original = problem.orig if isinstance(problem, DBAPIError) else problem
    if isinstance(original, sqlite3.Error):
        # The low byte is the kind; BUSY_SNAPSHOT and others of its kind come at once, not after a wait.
        return (getattr(original, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY
    return getattr(original, "sqlstate", None) in _SQLSTATES


def _cause(problem: SQLAlchemyError | sqlite3.Error | psycopg.Error) -> str:
    # Never the message: it may quote values.
    original = problem.orig if isinstance(problem, DBAPIError) else problem
    number = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    name = f"{type(original).__name__} {number}" if number else type(original).__name__
    words = words_of(original) if isinstance(original, psycopg.Error) else _words_of_sqlite(str(number))
    return f"{words} ({name})" if words else name


def _words_of_sqlite(name: str) -> str:
    while name and name not in _SQLITE:
        name = name.rpartition("_")[0]
    return _SQLITE.get(name, "")
