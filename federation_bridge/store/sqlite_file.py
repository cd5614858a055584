"""The file of a SQLite database: made once and for its owner alone, and noticed when it is gone or another one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.file_owners import demand_file_to_write
from federation_bridge.private_files import check_private_beside
from federation_bridge.store import changing_place
from federation_bridge.store.unfinished import unfinished

_OLDEST_SQLITE = (3, 35)
"""The first with RETURNING."""

_LEAST_ROOM = 32 << 20
"""Bytes: some thousand sign-ins and their audit."""


class SqliteFile:
    """The one file that a process works with, from its first connection on."""

    def __init__(self, path: Path, busy_seconds: float, *, reads_only: bool = False) -> None:
        """`busy_seconds`: how long a statement waits for another's lock. `reads_only`: nothing of it may be written.

        ConfigurationInvalid where there is no file.
        """
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise ConfigurationInvalid(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 is needed")
        self._path = path
        self._busy_seconds = busy_seconds
        self._reads_only = reads_only
        self._unchanging: tuple[int, int] | None = None
        try:
            self._identity = _identity(path)
        except OSError as problem:
            raise ConfigurationInvalid(f"the database file {path} cannot be used: {problem.strerror}") from None
        check_private_beside(path, "the database file")
        if not reads_only:
            # SQLite opens a file that it may not write to all the same, and fails at the first sign-in.
            demand_file_to_write(path)

    def connect(self) -> sqlite3.Connection:
        """One more connection; never makes a file (SQLite would make one that others can read)."""
        with changing_place.opening(self._path, self._busy_seconds):
            self.demand_same()
            connection = sqlite3.connect(
                f"file:{quote(str(self._path.absolute()))}?{self._mode()}",
                uri=True,
                timeout=self._busy_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                # With its first look at the file it takes SQLite's lock, and holds that as long as it is open.
                connection.execute("PRAGMA schema_version").close()
            except BaseException:
                connection.close()
                raise
        return connection

    def _mode(self) -> str:
        if not self._reads_only:
            return "mode=rw"
        # A reader would make a log where there is none, and leave it behind. No log means that no process has the
        # database open: then the file is all there is.
        has_log = self._path.with_name(f"{self._path.name}-wal").exists()
        if has_log:
            return "mode=ro"
        if self._unchanging is None:
            self._unchanging = _look(self._path)
        return "mode=ro&immutable=1"

    def demand_same(self) -> None:
        """Nothing where the file is the one that was opened; else Unavailable.

        A connection goes on with a file that was removed: all that it commits would be gone with the process.
        """
        try:
            is_same = _identity(self._path) == self._identity
        except OSError:
            is_same = False
        if is_same and self._unchanging is not None and _look(self._path) != self._unchanging:
            raise Unavailable(f"the database {self._path} came into use while it was read: run this once more")
        if not is_same:
            raise Unavailable(
                f"the database file {self._path} was removed or replaced while the service runs: "
                "put it back, or restart the service after a restore"
            )

    def room_problem(self) -> str | None:
        """A sentence where the disk is nearly full; None while there is room.

        A write alone does not tell: SQLite writes over the old part of its log, which takes no more room, until it
        needs a new page in the middle of a sign-in.
        """
        if not os.access(self._path, os.W_OK):
            return f"the database file {self._path} cannot be written by this user"
        try:
            disk = os.statvfs(self._path.parent)
        except OSError as problem:
            return f"the folder {self._path.parent} cannot be looked at: {problem.strerror}"
        free = disk.f_bavail * disk.f_frsize
        return f"the disk of {self._path} has only {free >> 20} MB left" if free < _LEAST_ROOM else None


def make(path: Path) -> None:
    """Makes the file, empty, readable by its owner only and in WAL mode, where there is none.

    ConfigurationInvalid or Unavailable where that cannot be.
    """
    # It appears under its name in one step, already in WAL mode: the switch needs the file for itself, and SQLite does
    # not wait for that where two processes that start together both try.
    if path.exists():
        return
    try:
        with unfinished(".new-", path.parent) as folder:
            new = folder / "database"
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            _switch_to_wal(new)
            with suppress(FileExistsError):
                os.link(new, path)
    except OSError as problem:
        raise ConfigurationInvalid(f"the database file {path} cannot be made: {problem.strerror}") from None


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _look(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def holds_nothing(path: Path) -> bool:
    """Whether the database has no table: a first start was cut off."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    except sqlite3.Error:
        return False


def _switch_to_wal(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").close()
    except sqlite3.Error as problem:
        raise Unavailable(
            f"SQLite cannot keep a database in {path.parent.parent}: {problem.sqlite_errorname}"
        ) from None
