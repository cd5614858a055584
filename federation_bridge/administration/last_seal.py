"""The last seal of the audit, noted in a file beside the sealing key. A database that lacks this seal is an older copy.

A SQLite file that somebody copied over the present one looks like any other: no row shows that it is old. A snapshot
of the whole disk is not noticed, as it brings the file back with the database. Nodes on PostgreSQL keep no such file.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from federation_bridge.audit.seal import Seal
from federation_bridge.model import Clock
from federation_bridge.settings import Settings
from federation_bridge.store import Store, sqlite_path

_NAME = "last-seal.json"
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class _Noted:
    number: int
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LastSeal:
    """The file of this machine. Where it cannot be written, everything else goes on."""

    file: Path | None
    """None: this node keeps no such file."""
    clock: Clock

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> LastSeal:
        """The file of these settings."""
        is_sqlite = sqlite_path(settings.database_url) is not None
        return cls(settings.data.resolve() / _NAME if is_sqlite else None, clock)

    def note(self, seal: Seal) -> None:
        """Notes this seal as the last one."""
        before = self._read()
        if self.file is None or (before is not None and before.digest == seal.digest()):
            return
        noted = {"seal": seal.number, "digest": seal.digest(), "noted_at": self.clock().isoformat()}
        beside = self.file.with_name(f".{_NAME}.{secrets.token_hex(8)}")
        with suppress(OSError):
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(json.dumps(noted) + "\n")
                beside.replace(self.file)
            finally:
                beside.unlink(missing_ok=True)

    def forget(self) -> None:
        """Removes the file: a new database has no seals."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)

    def problem(self, store: Store) -> str | None:
        """What is wrong, in a sentence, where the database lacks the noted seal and no restore says why; else None."""
        noted = self._read()
        if noted is None:
            return None
        found = next(iter(store.seals.seals(noted.number - 1)), None)
        if found is not None and found.digest() == noted.digest:
            return None
        restoration = store.restorations.last()
        if restoration is not None and restoration.restored_at >= noted.at:
            return None
        return (
            f"the database has not the seal {noted.number} of the audit that this machine saw at "
            f"{noted.at:%Y-%m-%d %H:%M} UTC: it was put back from a backup, and the bridge was not told. Run "
            "`federation-bridge restore --database-is-restored`"
        )

    def _read(self) -> _Noted | None:
        if self.file is None:
            return None
        try:
            with self.file.open(encoding="utf-8") as opened:
                told = json.loads(opened.read(_LONGEST))
            noted = _Noted(int(told["seal"]), str(told["digest"]), datetime.fromisoformat(told["noted_at"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return noted if noted.at.tzinfo is not None and noted.number > 0 else None
