"""A SQLite file is put in the place of another: only where nobody uses that one, and what lay there is kept aside."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.private_files import keep_names
from federation_bridge.store import bounds, changing_place

_MAGIC = b"SQLite format 3\0"
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def demand_unused(path: Path) -> None:
    """Nothing where no process has this database open; ConfigurationInvalid otherwise.

    What it was writing last is carried over into the file. One that is damaged is used by nobody for long.
    """
    if not _begins_as_one(path):
        return  # SQLite would take its log away
    address = f"file:{quote(str(path.absolute()))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)) as connection:
            # Every connection in WAL mode holds a shared lock on the file as long as it is open.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").close()
            connection.execute("BEGIN EXCLUSIVE").close()
            connection.execute("COMMIT").close()
    except sqlite3.Error as problem:
        if problem.sqlite_errorcode & 0xFF in _DAMAGED:
            return
        if problem.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise ConfigurationInvalid(f"the database {path} is in use: stop the service first") from None
        raise ConfigurationInvalid(f"the database {path} cannot be looked at: {problem.sqlite_errorname}") from None


def _begins_as_one(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError as problem:
        raise ConfigurationInvalid(f"the database {path} cannot be looked at: {problem.strerror}") from None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody uses the database, and nobody but the block begins to, until that ends; raises as `demand_unused`."""
    with changing_place.replacing(path, bounds.BUSY_MS / 1000):
        demand_unused(path)
        with changing_place.opening_alone(path):
            yield


def take_place(new: Path, path: Path, now: datetime) -> Path | None:
    """As `put_back`, where nobody uses the database that lies there; and nobody begins to, until it is done."""
    with changing_place.replacing(path, bounds.BUSY_MS / 1000):
        if path.exists():
            demand_unused(path)
        return put_back(new, path, now)


def put_back(new: Path, path: Path, now: datetime) -> Path | None:
    """Gives `new` the name `path`, for good; gives where the database that had that name lies now, None for none.

    `new` lies in a folder of the same disk, and is on it. ConfigurationInvalid where it cannot be.
    """
    aside = path.with_name(f"{path.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
    try:
        is_there = os.path.lexists(path)
        logs = [(one, aside.with_name(aside.name + one.name.removeprefix(path.name))) for one in _logs_of(path)]
        if any(os.path.lexists(there) for there in (aside, *(there for _, there in logs))):
            raise ConfigurationInvalid(f"{aside} is there already: wait a second, and try again")
        with ExitStack() as undone:
            if is_there:
                os.link(path, aside, follow_symlinks=False)
                undone.callback(aside.unlink, missing_ok=True)
            # Beside another database they would be taken for that one's.
            for one, there in logs:
                one.rename(there)
                undone.callback(there.rename, one)
            # In one step: whoever ends us, the name leads to one of the two.
            (os.replace if is_there else os.link)(new, path)
            if is_there and _logs_of(path):
                # Somebody opened the old one since we looked: its log would be taken for the new one's.
                aside.replace(path)
                raise ConfigurationInvalid(f"the database {path} is in use: stop the service first")
            undone.pop_all()
        keep_names(path.parent)
    except OSError as problem:
        raise ConfigurationInvalid(f"the database {path} cannot be put back: {problem.strerror}") from None
    return aside if is_there else None


def _logs_of(path: Path) -> list[Path]:
    names = (f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal")
    return [path.with_name(name) for name in names if os.path.lexists(path.with_name(name))]
