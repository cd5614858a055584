"""Refusals that belong to nobody: the newest, whole, in a table that is bounded by number and age."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from federation_bridge.audit import Entry, Recorded, recorded
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.tables import REFUSALS

_INSERT = insert(REFUSALS)
_NEWEST = select(func.max(REFUSALS.c.number)).scalar_subquery()
_TRIMMED_AT_ONCE = 1_000
_TRIM = delete(REFUSALS).where(
    REFUSALS.c.number.in_(
        select(REFUSALS.c.number)
        .where(REFUSALS.c.number <= _NEWEST - bindparam("most"))
        .order_by(REFUSALS.c.number)
        .limit(_TRIMMED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
)


class RefusalRing:
    """The ring. `AuditTable.entries` reads it with the audit."""

    def __init__(self, audit: AuditTable) -> None:
        self._audit = audit

    def keep(self, audited: Sequence[Entry], others: Sequence[Entry], kept_until: datetime, most: int) -> None:
        """Records these in the audit, and the others here until then, in one ordered transaction.

        Of the rows here about the newest `most` stay. Unavailable when the database fails.
        """
        with self._audit.writing(durable=False) as writing:
            writing.record(*audited)
            if others:
                rows = [_values(recorded(entry)) | {"kept_until": kept_until} for entry in others]
                writing.execute_all(_INSERT, rows)
                writing.execute(_TRIM, {"most": most})


def _values(row: Recorded) -> dict[str, Any]:
    names = ("at", "event", "connection", "reference", "address", "user_agent")
    return {name: getattr(row, name) for name in names} | {"details": json.dumps(row.details, separators=(",", ":"))}
