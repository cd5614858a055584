"""The copy that an operator makes of the database: audited, for it carries the personal data of its moment away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from federation_bridge.audit import DatabaseBackedUp, Entry
from federation_bridge.model import Clock, RequestOrigin
from federation_bridge.signing import derived_key
from federation_bridge.store import Store, backup_file
from federation_bridge.store.backup_file import BackupHead, BackupKey

_OPERATOR = RequestOrigin(reference="operator")


def backup_key(sealing_key: bytes) -> BackupKey:
    """What heads of backups are authenticated with under this sealing key."""
    return BackupKey(derived_key(sealing_key, "backup"))


def back_up(store: Store, database: Path, target: Path, key: BackupKey, clock: Clock) -> BackupHead:
    """Copies the SQLite database of this store into a new file, also while others use it; audited.

    A copy that cannot be audited is removed again. Raises as `backup_file.make`.
    """
    head = backup_file.make(database, target, key, clock())
    try:
        event = DatabaseBackedUp(file=target.name, sha256=head.sha256, last_entry=head.last_entry)
        store.audit.record(Entry(clock(), _OPERATOR, event))
    except BaseException:
        target.unlink()
        raise
    return head


def checked(file: Path, key: BackupKey) -> BackupHead:
    """What a backup holds, read to its end and found as it was made; raises as `backup_file.unpack`."""
    return backup_file.unpack(file, None, key)


def lines_of(head: BackupHead) -> Iterator[str]:
    """What a backup holds, for a terminal."""
    yield f"It holds the data up to {head.made_at:%Y-%m-%d %H:%M:%S} UTC, in the schema of step {head.schema}."
    in_force = f"version {head.rulebook} ({head.rulebook_digest[:12]})" if head.rulebook else "none"
    yield f"Rulebook in force: {in_force}."
    yield f"Audit: the last entry is {head.last_entry}, the last seal {head.seal or 'none'}."
    yield f"Database: {head.size} octets, SHA-256 {head.sha256}; sealing key {head.key}."
