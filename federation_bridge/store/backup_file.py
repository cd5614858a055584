"""A backup of a SQLite database, as one file: a line that says what it holds, then the database.

The line is `federation-bridge backup 1 {JSON}`, for `head -n 1`; what follows it is a SQLite database as any other. The
line carries the SHA-256 of all that follows, and a MAC under a key that is derived from the sealing key: a backup that
was cut off, damaged or changed (rows taken out, say, which no row's own MAC shows) is not put back. The sealing key is
in neither.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.file_owners import demand_own_folder
from federation_bridge.private_files import keep_names, others_may_write
from federation_bridge.store import bounds
from federation_bridge.store.sqlite_file import SqliteFile
from federation_bridge.store.unfinished import unfinished

_KIND = b"federation-bridge backup "
_PRESENT = b"1 "
_KEY_NAME = re.compile(r"[0-9a-f]{8}")
_LONGEST_HEAD = 4_096
_AT_ONCE = 1 << 20
_IS_THERE = "{} is there already, and a backup is never written over: name a new file"
_LAST_SEAL = "SELECT number, statement FROM audit_seals ORDER BY number DESC LIMIT 1"
_IN_FORCE = (
    "SELECT version.number, version.digest FROM rulebook_in_force AS now"
    " JOIN rulebook_versions AS version ON version.number = now.number"
)


@dataclass(frozen=True, slots=True)
class BackupKey:
    """What a backup's head is authenticated with."""

    key: bytes = field(repr=False)
    """32 bytes, derived from the sealing key for this use."""

    @property
    def name(self) -> str:
        """By which a backup says under which sealing key it was made; it tells nothing else of it."""
        return hmac.digest(self.key, b"name", "sha256")[:4].hex()

    def mac(self, told: bytes) -> str:
        """The MAC of a head."""
        return hmac.digest(self.key, b"head\n" + told, "sha256").hex()


@dataclass(frozen=True, slots=True)
class BackupHead:
    """What a backup says that it holds."""

    made_at: datetime
    """Up to when it tells what happened."""
    schema: str
    """The last step of the database's shape."""
    rulebook: int
    """The number of the version in force; 0 where there is none."""
    rulebook_digest: str
    last_entry: int
    """The number of the last entry of the audit."""
    seal: str
    """The last seal of the audit, as `audit verify --told` takes it; "" where there is none."""
    size: int
    """Octets of the database."""
    sha256: str
    key: str
    """`BackupKey.name`."""

    def told(self) -> bytes:
        """The JSON of its line."""
        return json.dumps(asdict(self) | {"made_at": self.made_at.isoformat()}, separators=(",", ":")).encode("ascii")


def make(source: Path, target: Path, key: BackupKey, now: datetime) -> BackupHead:
    """Copies the SQLite database `source`, also while it is in use, into the new file `target` (mode 0600).

    The copy is of one moment, at `now` or after it. It is on the disk before it has its name. ConfigurationInvalid
    where a file of that name is there, or none can be made; Unavailable where the database cannot be read.
    """
    _check_target(target)
    try:
        with unfinished(".backup-", target.parent) as folder:
            database, whole = folder / "database", folder / "whole"
            facts = _copied(source, database)
            with database.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
            head = BackupHead(now, *facts, size=database.stat().st_size, sha256=sha256, key=key.name)
            _write(whole, head, key, database)
            os.link(whole, target)
        keep_names(target.parent)
    except FileExistsError:
        raise ConfigurationInvalid(_IS_THERE.format(target)) from None
    except OSError as problem:
        raise ConfigurationInvalid(f"the backup {target} cannot be written: {problem.strerror}") from None
    return head


def unpack(file: Path, into: Path | None, key: BackupKey) -> BackupHead:
    """Writes the database of a backup into the new file `into` (mode 0600), or nowhere (None), checked to its end.

    ConfigurationInvalid, with one sentence, where it is no backup, was made under another sealing key, or is not as it
    was made.
    """
    try:
        with file.open("rb") as opened:
            head, told, mac = _head(file, opened)
            if head.key != key.name:
                raise ConfigurationInvalid(
                    f"the backup {file} was made under another sealing key ({head.key}; here {key.name}): put that one "
                    "back, for nothing in it opens with this one"
                )
            if not hmac.compare_digest(mac, key.mac(told).encode()):
                raise ConfigurationInvalid(f"the head of the backup {file} is not as the bridge wrote it")
            _check_content(file, head, _content(opened, into))
    except FileNotFoundError:
        raise ConfigurationInvalid(f"the backup {file} is not there: name the file that `backup` made") from None
    except OSError as problem:
        raise ConfigurationInvalid(f"the backup {file} cannot be unpacked: {problem.strerror}") from None
    return head


def _check_target(target: Path) -> None:
    try:
        status = target.parent.stat()
    except FileNotFoundError:
        raise ConfigurationInvalid(
            f"the folder {target.parent} is not there; make it for the service's user alone "
            f"(install -d -m 0700 -o federation-bridge {target.parent})"
        ) from None
    except OSError as problem:
        raise ConfigurationInvalid(f"the folder {target.parent} cannot be used: {problem.strerror}") from None
    demand_own_folder(target.parent)
    if others_may_write(status) and not status.st_mode & stat.S_ISVTX:
        raise ConfigurationInvalid(
            f"others can put files into the folder {target.parent}: take that away (chmod go-w {target.parent})"
        )
    if os.path.lexists(target):
        raise ConfigurationInvalid(_IS_THERE.format(target))


def _copied(source: Path, database: Path) -> tuple[str, int, str, int, str]:
    """Copies the database, in one step: others go on writing meanwhile. Gives the facts that its head tells."""
    os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with (
            closing(SqliteFile(source, bounds.BUSY_MS / 1000).connect()) as from_here,
            closing(sqlite3.connect(database, isolation_level=None)) as copy,
        ):
            from_here.backup(copy)
            # One file is all of it: no log beside.
            copy.execute("PRAGMA journal_mode = DELETE").close()
            found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise Unavailable(f"the database {source} is damaged, and no backup was made of it: {found}")
            return _facts(copy)
    except sqlite3.Error as problem:
        raise Unavailable(f"the database {source} cannot be copied: {problem.sqlite_errorname}") from None


def _facts(copy: sqlite3.Connection) -> tuple[str, int, str, int, str]:
    schema = copy.execute("SELECT max(version_num) FROM alembic_version").fetchone()[0]
    rulebook = copy.execute(_IN_FORCE).fetchone() or (0, "")
    last_entry = copy.execute("SELECT max(number) FROM audit").fetchone()[0] or 0
    seal = copy.execute(_LAST_SEAL).fetchone()
    told = f"{seal[0]}:{hashlib.sha256(seal[1].encode()).hexdigest()}" if seal else ""
    return schema, rulebook[0], rulebook[1], last_entry, told


def _write(whole: Path, head: BackupHead, key: BackupKey, database: Path) -> None:
    told = head.told()
    line = b"%b%b%b %b\n" % (_KIND, _PRESENT, told, key.mac(told).encode())
    descriptor = os.open(whole, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file, database.open("rb") as content:
        file.write(line)
        for part in _parts(content):
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _head(file: Path, opened: BinaryIO) -> tuple[BackupHead, bytes, bytes]:
    """The head, its JSON as it stands there, and its MAC; the file stands behind them then."""
    line = opened.readline(_LONGEST_HEAD)
    if not line.startswith(_KIND):
        raise ConfigurationInvalid(f"{file} is no backup that `federation-bridge backup` has made")
    if not line.startswith(_KIND + _PRESENT):
        raise ConfigurationInvalid(f"the backup {file} is of a later release: update this program")
    told, _, mac = line[len(_KIND + _PRESENT) :].rstrip(b"\n").rpartition(b" ")
    try:
        values = json.loads(told)
        head = BackupHead(**{**values, "made_at": datetime.fromisoformat(values["made_at"]).astimezone(UTC)})
        # It is told before anybody has vouched for it.
        is_sound = _KEY_NAME.fullmatch(head.key) is not None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        is_sound = False
    if not is_sound:
        raise ConfigurationInvalid(f"the head of the backup {file} is damaged")
    return head, told, mac


def _content(opened: BinaryIO, into: Path | None) -> tuple[int, str]:
    """Copies the rest, and gives its size and its SHA-256."""
    size, digest = 0, hashlib.sha256()
    descriptor = os.open(into or os.devnull, os.O_WRONLY | (os.O_CREAT | os.O_EXCL if into else 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for part in _parts(opened):
            size += len(part)
            digest.update(part)
            file.write(part)
        if into:
            file.flush()
            os.fsync(file.fileno())
    return size, digest.hexdigest()


def _check_content(file: Path, head: BackupHead, found: tuple[int, str]) -> None:
    size, sha256 = found
    if size < head.size:
        raise ConfigurationInvalid(f"the backup {file} is cut off: {size} octets of {head.size} are there")
    if (size, sha256) != (head.size, head.sha256):
        raise ConfigurationInvalid(f"the backup {file} is damaged: it is not what was written")


def _parts(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(_AT_ONCE):
        yield part
