"""The last good version of what administrators give us: a `model.KeptDocuments`."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.model import Clock
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.rows import Rows
from federation_bridge.store.tables import KEPT_DOCUMENTS

_ONE = select(KEPT_DOCUMENTS).where(
    KEPT_DOCUMENTS.c.kind == bindparam("asked_kind"), KEPT_DOCUMENTS.c.name == bindparam("asked_name")
)


class Documents:
    """Rules, registers and metadata that were good when they were seen last, over restarts and for all nodes."""

    def __init__(self, database: Database, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        insert = dialect(KEPT_DOCUMENTS)
        newer = {"text": insert.excluded.text, "kept_at": insert.excluded.kept_at, "mac": insert.excluded.mac}
        self._keep = insert.on_conflict_do_update(index_elements=["kind", "name"], set_=newer)

    def last_good(self, kind: str, name: str) -> str | None:
        """The text kept last under that kind and name, or None."""
        row = self._rows.one(_ONE, {"asked_kind": kind, "asked_name": name}, KEPT_DOCUMENTS)
        return None if row is None else str(row.text)

    def keep(self, kind: str, name: str, text: str) -> None:
        """Keeps this text as the last good one; writes nothing where it is that already."""
        if self.last_good(kind, name) == text:
            return
        row = {"kind": kind, "name": name, "text": text, "kept_at": self._clock()}
        with self._audit.writing() as writing:
            writing.execute(self._keep, writing.mac.with_mac(KEPT_DOCUMENTS, row))


class DocumentsLookedAt(Documents):
    """The same for a command that only looks: a draft that it reads must not come into force at the next restart."""

    def keep(self, kind: str, name: str, text: str) -> None:
        """Keeps nothing."""
