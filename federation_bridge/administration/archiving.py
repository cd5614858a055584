"""Takes old entries of the audit out of the database: into files first, durably, then away. Their seals stay."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from errno import EPERM
from pathlib import Path

import structlog

from federation_bridge.administration.audit import json_text
from federation_bridge.administration.sealing import opener, public_keys
from federation_bridge.audit import AuditArchived, Entry
from federation_bridge.audit.seal import ARCHIVE_TYPE, Seal, SealedRow, archive_claims_of
from federation_bridge.audit.verification import Verification
from federation_bridge.model import Clock, RequestOrigin
from federation_bridge.private_files import keep_names, others_may_write
from federation_bridge.signing import KeyRing, Purpose, jws
from federation_bridge.store import Store

_log = structlog.get_logger(__name__)

_MOST_SEALS = 50
"""Seals of one pass: 50,000 rows, each thousand in a transaction of its own."""
_LEFT_BEHIND_SECONDS = 3600
"""No file takes so long: what is older was left by a process that was killed."""


@dataclass(frozen=True, slots=True)
class AuditArchiving:
    """What is called every minute; `archive` does one pass."""

    store: Store
    keys: KeyRing
    clock: Clock
    keep: timedelta
    folder: Path

    def archive(self) -> int:
        """Archives and deletes the rows of seals whose newest is older than `keep`; gives how many seals these were.

        Rows that are not as they were sealed stay where they are: they are evidence. That is told in the log.
        OSError where the file cannot be written; then nothing is deleted. Unavailable.
        """
        for done in range(_MOST_SEALS):
            found = self.store.seals.oldest_unarchived()
            if found is None or (found[1] is not None and found[1] > self.clock() - self.keep):
                return done
            if not self._archive(found[0]):
                return done
        return _MOST_SEALS

    def _archive(self, seal: Seal) -> bool:
        rows = list(self.store.seals.rows(seal.batch.first, seal.batch.last))
        if (problem := self._problem(seal, rows)) is not None:
            # Every process archives: where another one did it while these rows were read, they are in its file.
            now = self.store.seals.oldest_unarchived()
            if now is not None and now[0].number == seal.number:
                _log.error("audit not archived: rows are not as they were sealed", seal=seal.number, detail=problem)
            return False
        content = "".join(f"{line}\n" for line in (*map(json_text, rows), json_text(seal))).encode("ascii")
        file, digest = f"audit-{seal.number:08}.jsonl", hashlib.sha256(content).hexdigest()
        _write_durably(self.folder / file, content)
        claims = archive_claims_of(seal, file, digest, self.clock())
        statement = jws.signed(claims, self.keys.current(Purpose.AUDIT), {"typ": ARCHIVE_TYPE})
        event = AuditArchived(seal.number, seal.batch.first, seal.batch.last, file, digest)
        return self.store.seals.archive(seal, statement, Entry(self.clock(), RequestOrigin(AuditArchived.name), event))

    def _problem(self, seal: Seal, rows: list[SealedRow]) -> str | None:
        verification = Verification(opener(public_keys(self.keys)), continues=seal.number)
        wrong = next(verification.problems([seal], rows), None)
        return None if wrong is None else f"{wrong.wrong} {wrong.row or ''}".strip()


def _write_durably(path: Path, content: bytes) -> None:
    """The file, whole and on the disk when this returns, readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if others_may_write(path.parent.stat()):
        # What lies there is all that is left of entries that go from the database.
        raise PermissionError(EPERM, f"others can take files away (chmod go-w {path.parent})", str(path.parent))
    # Not by the process's number: nodes in containers have the same ones, and may share the folder.
    unfinished = path.with_suffix(f".{secrets.token_hex(8)}.unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        _remove_left(path.parent, os.fstat(file.fileno()).st_mtime)
    unfinished.replace(path)
    keep_names(path.parent)


def _remove_left(folder: Path, now: float) -> None:
    """Removes what a killed process left; what cannot be removed stays. `now`: by the clock of the file system."""
    for left in folder.glob("audit-*.unfinished"):
        with suppress(OSError):
            if now - left.lstat().st_mtime > _LEFT_BEHIND_SECONDS:
                left.unlink()
