"""The last good version of what administrators give us: a `model.KeptDocuments`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from federation_bridge.audit import Entry
from federation_bridge.model import Acceptance, Clock, Look
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.engine import Database
from federation_bridge.store.rows import Rows
from federation_bridge.store.service_marks import ServiceMarks
from federation_bridge.store.tables import KEPT_DOCUMENTS
from federation_bridge.store.writing import Writing

_THIS = (KEPT_DOCUMENTS.c.kind == bindparam("asked_kind"), KEPT_DOCUMENTS.c.name == bindparam("asked_name"))
_ONE = select(KEPT_DOCUMENTS).where(*_THIS)
_VERSION = select(KEPT_DOCUMENTS.c.mac).where(*_THIS)
_LOCKED = _ONE.with_for_update()


class Documents:
    """Rules, registers and metadata that were good when they were seen last, over restarts and for all nodes."""

    def __init__(self, database: Database, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._database = database
        self._rows = rows
        self._audit = audit
        self._clock = clock
        self._marks = ServiceMarks(database)
        dialect = postgresql.insert if database.dialect == "postgresql" else sqlite.insert
        insert = dialect(KEPT_DOCUMENTS)
        newer = {"text": insert.excluded.text, "kept_at": insert.excluded.kept_at, "mac": insert.excluded.mac}
        self._keep = insert.on_conflict_do_update(index_elements=["kind", "name"], set_=newer)
        self._keep_first = insert.on_conflict_do_nothing()

    def last_good(self, kind: str, name: str) -> str | None:
        """The text kept last under that kind and name, or None."""
        row = self._rows.one(_ONE, _asked(kind, name), KEPT_DOCUMENTS)
        return None if row is None else str(row.text)

    def version(self, kind: str, name: str) -> str | None:
        """Another text whenever another document is kept there, and cheap to ask for; None where none is kept."""
        row = self._database.row(_VERSION, _asked(kind, name))
        return None if row is None else str(row.mac)

    def keep(self, kind: str, name: str, text: str, *entries: Entry) -> bool:
        """Keeps this text as the last good one, with its audit entries; writes nothing where it is that already.

        Of many who keep the same text at once, one does.
        """
        if self.last_good(kind, name) == text:
            return False

        def work(writing: Writing) -> bool:
            if not self._put_first(writing, kind, name, text):
                stands = writing.row(_LOCKED, _asked(kind, name), KEPT_DOCUMENTS)
                if stands is not None and stands.text == text:
                    return False
                self._put(writing, kind, name, text)
            writing.record(*entries)
            return True

        return self._audit.transact(work)

    def accept(self, yes: Acceptance, *entries: Entry) -> bool:
        """Puts what waits in force and lets nothing wait any more, with the audit entries: all in one transaction.

        False, and nothing written, where something else waits by now.
        """
        with self._audit.writing() as writing:
            waits = writing.row(_LOCKED, _asked(yes.held_kind, yes.name), KEPT_DOCUMENTS)
            if waits is None or waits.text != yes.held:
                return False
            self._put(writing, yes.kind, yes.name, yes.text)
            self._put(writing, yes.held_kind, yes.name, "")
            writing.record(*entries)
        return True

    def begin_look(self, name: str, pause: timedelta) -> Look:
        """The last look at this name's documents, if it is under way or ended within the pause; else one that is ours.

        One of many nodes that ask at once begins it.
        """
        mark, now = _mark(name), self._clock()
        seen = self._marks.value(mark)
        last = _look(seen)
        if last is not None and abs(now - (last.ended_at or last.begun_at)) < pause:
            return last
        ours = Look(now, is_ours=True)
        if self._marks.change(mark, seen, _text(ours), durable=False):
            return ours
        return self.look(name) or Look(now, now)

    def end_look(self, name: str, look: Look) -> None:
        """Tells all nodes that our look has ended: what it found is kept by now."""
        ended = Look(look.begun_at, self._clock())
        self._marks.change(_mark(name), _text(look), _text(ended), durable=False)

    def look(self, name: str) -> Look | None:
        """The last look that was begun at this name's documents."""
        return _look(self._marks.value(_mark(name)))

    def _put(self, writing: Writing, kind: str, name: str, text: str) -> None:
        writing.execute(self._keep, self._row(writing, kind, name, text))

    def _put_first(self, writing: Writing, kind: str, name: str, text: str) -> bool:
        """Whether nothing stood there: who comes at the same time waits here, and finds this text."""
        return writing.execute(self._keep_first, self._row(writing, kind, name, text)).rowcount == 1

    def _row(self, writing: Writing, kind: str, name: str, text: str) -> Mapping[str, Any]:
        row = {"kind": kind, "name": name, "text": text, "kept_at": self._clock()}
        return writing.mac.with_mac(KEPT_DOCUMENTS, row)


class DocumentsLookedAt(Documents):
    """The same for a command that only looks: a draft that it reads must not come into force at the next restart."""

    def keep(self, kind: str, name: str, text: str, *entries: Entry) -> bool:  # noqa: ARG002 - as its base has it
        """Keeps nothing."""
        return False

    def begin_look(self, name: str, pause: timedelta) -> Look:  # noqa: ARG002 - as its base has it
        """A look of one's own, of which no node knows."""
        return Look(self._clock(), is_ours=True)

    def end_look(self, name: str, look: Look) -> None:
        """Nobody waits for it."""


def _asked(kind: str, name: str) -> dict[str, Any]:
    return {"asked_kind": kind, "asked_name": name}


def _mark(name: str) -> str:
    return f"look for documents of {name}"


def _text(look: Look) -> str:
    ended = "" if look.ended_at is None else look.ended_at.isoformat(timespec="microseconds")
    return f"{look.begun_at.isoformat(timespec='microseconds')} {ended}"


def _look(text: str | None) -> Look | None:
    begun, _, ended = (text or "").partition(" ")
    try:
        return Look(_instant(begun), _instant(ended) if ended else None)
    except ValueError:
        return None


def _instant(text: str) -> datetime:
    # With its zone: without one it is nothing that we wrote, and cannot be compared.
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
