"""What parts notice by themselves: new keys, new rules, metadata that changed. All of it is audited."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from federation_bridge import audit
from federation_bridge.audit import AuditLog, Entry
from federation_bridge.connectors import changes
from federation_bridge.model import (
    Acceptance,
    Clock,
    Look,
    Notice,
    ProposedVersion,
    RequestOrigin,
    RulebookVersion,
    SealedKey,
)
from federation_bridge.rulebook.changes import RulesInForce, RulesNotKept, RulesRefused
from federation_bridge.signing.changes import FirstKeyMade
from federation_bridge.store.documents import Documents
from federation_bridge.store.rulebook_versions import RulebookVersions
from federation_bridge.store.sealed_keys import SealedKeyTable
from federation_bridge.store.service_marks import ServiceMarks

_LATER = "they are in force, and will be kept when that is possible"

EVENTS: Mapping[type[Notice], Callable[[Any], audit.Event]] = {
    RulesInForce: lambda one: audit.RulesLoaded(f"{one.count} rules", one.version),
    RulesRefused: lambda one: audit.RulesRejected(f"{one.detail} ({one.in_force})"),
    RulesNotKept: lambda one: audit.RulesNotKept(f"{one.detail} ({_LATER})", one.version),
    changes.NewKeys: lambda one: audit.MetadataChanged("metadata.new_key", one.detail),
    changes.DocumentChanged: lambda one: audit.MetadataChanged("metadata.changed", one.detail),
    changes.DocumentHeld: lambda one: audit.MetadataChanged("metadata.held", one.detail),
    changes.DocumentWithdrawn: lambda one: audit.MetadataChanged("metadata.withdrawn", one.detail),
    changes.DocumentRefused: lambda one: audit.MetadataRefused("metadata.refused", one.detail),
    changes.DocumentNotKept: lambda one: audit.MetadataNotKept("metadata.not_kept", one.detail),
    FirstKeyMade: lambda one: audit.KeyMade(one.purpose, one.kid),
}
"""What each kind of notice is in the audit: the one place that says so."""


_NOTICED_BY_EACH = (RulesRefused, RulesNotKept, changes.DocumentRefused, changes.DocumentNotKept)
"""What goes by `Notices.tell`, and not with what one process keeps for all."""
_SAME_FOR = timedelta(hours=1)
_MOST_TOLD, _MOST_TRIES, _DIGITS = 32, 5, 16


def entry_of(notice: Notice, clock: Clock) -> Entry:
    """The audit entry of a notice; the event's name stands where a request's reference would."""
    event = EVENTS[type(notice)](notice)
    connection = notice.connection if isinstance(notice, changes.DocumentNotice) else ""
    return Entry(clock(), RequestOrigin(reference=word_of(event)), event, connection=connection)


def word_of(event: audit.Event) -> str:
    """What happened, in the part's own word; the event's name where the part has no other."""
    if isinstance(event, audit.MetadataChanged | audit.MetadataRefused | audit.MetadataNotKept):
        return event.event
    return event.name


def sentence_of(notice: Notice) -> str:
    """What an operator reads whose command brought it about."""
    event = EVENTS[type(notice)](notice)
    return f"{word_of(event)}: {getattr(event, 'detail', '')}"


class _Noticed:
    """What some process told lately: one entry says it for all, and each may say again what it said itself.

    Every process notices a broken file, or a provider that does not answer, by itself; at a start all do at once.
    """

    def __init__(self, marks: ServiceMarks, clock: Clock, teller: str) -> None:
        self._marks, self._clock, self._teller = marks, clock, teller

    def is_news(self, about: str, what: str) -> bool:
        """Whether no other process told this about it in the last hour; then it is this one that tells. Unavailable."""
        digest = hashlib.sha256(what.encode()).hexdigest()[:_DIGITS]
        for _ in range(_MOST_TRIES):
            before, now = self._marks.value(f"noticed {about}"), self._clock()
            told = {one: seen for one, seen in _told(before).items() if timedelta(0) <= now - seen[1] < _SAME_FOR}
            if told.get(digest, (self._teller, now))[0] != self._teller:
                return False
            newest = sorted({**told, digest: (self._teller, now)}.items(), key=lambda one: one[1][1])[-_MOST_TOLD:]
            after = json.dumps({one: [teller, at.isoformat()] for one, (teller, at) in newest})
            if self._marks.change(f"noticed {about}", before, after):
                return True
        return True  # others wrote each time: better twice than never


def _told(text: str | None) -> dict[str, tuple[str, datetime]]:
    try:
        found = json.loads(text or "{}").items()
        return {one: (str(teller), datetime.fromisoformat(at).astimezone(UTC)) for one, (teller, at) in found}
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return {}


class Notices:
    """Turns what parts notice into audit entries."""

    def __init__(self, log: AuditLog, clock: Clock, marks: ServiceMarks | None = None, teller: str = "") -> None:
        """`marks`: where processes see what the others told; None where this one is alone. `teller`: its name there."""
        self._log = log
        self._clock = clock
        name = teller or f"{os.uname().nodename}/{os.getpid()}"
        self._noticed = None if marks is None else _Noticed(marks, clock, name)

    def tell(self, notice: Notice) -> None:
        """Records it, unless another process just did; raises Unavailable."""
        entry = entry_of(notice, self._clock)
        if self._noticed is not None and isinstance(notice, _NOTICED_BY_EACH):
            about = f"{entry.origin.reference} {entry.connection}".rstrip()
            if not self._noticed.is_news(about, repr(entry.event)):
                return
        self._log.record(entry)


class DocumentsAndNotices:
    """A `model.KeptDocuments`: the store's, whose notices become audit entries of the same transaction."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def keep(self, kind: str, name: str, text: str, *notices: Notice) -> bool:
        """As `Documents.keep`, with the entries of these notices."""
        entries = (entry_of(notice, self._clock) for notice in notices)
        return self._documents.keep(kind, name, text, *entries)

    def last_good(self, kind: str, name: str) -> str | None:
        """As `Documents.last_good`."""
        return self._documents.last_good(kind, name)

    def version(self, kind: str, name: str) -> str | None:
        """As `Documents.version`."""
        return self._documents.version(kind, name)

    def accept(self, yes: Acceptance) -> bool:
        """As `Documents.accept`."""
        return self._documents.accept(yes)

    def begin_look(self, name: str, pause: timedelta) -> Look:
        """As `Documents.begin_look`."""
        return self._documents.begin_look(name, pause)

    def end_look(self, name: str, look: Look) -> None:
        """As `Documents.end_look`."""
        self._documents.end_look(name, look)

    def look(self, name: str) -> Look | None:
        """As `Documents.look`."""
        return self._documents.look(name)


class VersionsAndNotices:
    """A `rulebook.versions.KeptVersions`: the store's, whose notices become audit entries of the same transaction."""

    def __init__(self, versions: RulebookVersions, clock: Clock, *, reads_only: bool = False) -> None:
        """`reads_only`: for a command that looks; the draft that it reads is kept nowhere."""
        self._versions = versions
        self._clock = clock
        self._reads_only = reads_only

    def number_in_force(self) -> int:
        """As `RulebookVersions.number_in_force`."""
        return self._versions.number_in_force()

    def newest_number(self) -> int:
        """As `RulebookVersions.newest_number`."""
        return self._versions.newest_number()

    def in_force(self) -> RulebookVersion | None:
        """As `RulebookVersions.in_force`."""
        return self._versions.in_force()

    def version(self, number: int) -> RulebookVersion | None:
        """As `RulebookVersions.version`."""
        return self._versions.version(number)

    def history(self, most: int) -> tuple[RulebookVersion, ...]:
        """As `RulebookVersions.history`."""
        return self._versions.history(most)

    def keep(self, proposed: ProposedVersion, *notices: Notice) -> int | None:
        """As `RulebookVersions.put`, with the entries of these notices."""
        if self._reads_only:
            return None
        return self._versions.put(proposed, lambda _number: [entry_of(notice, self._clock) for notice in notices])


class SealedKeysAndNotices:
    """A `model.SealedKeys`: the store's, whose notices become audit entries of the same transaction."""

    def __init__(self, table: SealedKeyTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def sealed(self, purpose: str) -> tuple[SealedKey, ...]:
        """As `SealedKeyTable.sealed`."""
        return self._table.sealed(purpose)

    def put_first(self, purpose: str, sealed: bytes, *notices: Notice) -> SealedKey:
        """As `SealedKeyTable.put_first`, with the entries of these notices."""
        return self._table.put_first(purpose, sealed, *(entry_of(notice, self._clock) for notice in notices))


class UnheardNotices(Notices):
    """The same for a command that only looks: what it notices changes nothing, and is not audited."""

    def tell(self, notice: Notice) -> None:
        """Records nothing."""
