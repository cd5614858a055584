"""The audit as everybody writes to it: what anonymous clients can bring about at will does not make it grow.

A refusal that belongs to nobody (`audit.belongs_to_nobody`) is handed to a thread beside the requests. The first of
each kind, connection and network in a minute goes into the audit, the others into a ring of bounded size and age, and
all are counted in one audit entry a minute. See ADR 15.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from federation_bridge.addresses import networks_around
from federation_bridge.audit.entry import Entry, belongs_to_nobody, is_of_every_day
from federation_bridge.audit.events.service import RefusalsCounted, RequestRefused
from federation_bridge.audit.events.sign_in import SignInRefused, VerifiersDisagreed
from federation_bridge.audit.log import AuditLog, RefusalRing
from federation_bridge.errors import Unavailable
from federation_bridge.model import Clock, RequestOrigin
from federation_bridge.observers.queue import ObserverQueue

_log = structlog.get_logger(__name__)

MINUTE = timedelta(minutes=1)
_MOST_WAITING = 2_000
_BATCH = 250
MOST_UNWRITTEN = 500
"""Refusals that are held in memory until a database that is away is back."""
MOST_NETWORKS = 10
"""Networks of which a minute's first refusal of one kind is audited: more come from somebody who has many."""
MOST_OF_BELIEVED = 600
"""Refusals of believed messages and alarms a minute that are audited: one such message can be sent again and again."""
MOST_OF_A_PERSON = 600
"""Refused requests a minute and person that are audited: a signed-in person can ask for anything, and often."""

Kind = tuple[str, str, str]
"""Event, code and connection."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of the refusals that belong to nobody is kept whole."""

    most: int
    age: timedelta


@dataclass(slots=True)
class _Minute:
    """What one minute brought. Bounded: kinds, codes and connections are ours, and few."""

    since: datetime
    counts: dict[Kind, int] = field(default_factory=dict)
    lost: int = 0


@dataclass(slots=True)
class _Counts:
    """How many there were in this minute, of each key."""

    since: datetime
    counts: dict[str, int] = field(default_factory=dict)

    def one_more(self, key: str, now: datetime) -> int:
        """Counts one, and gives how many there are by now."""
        if not timedelta(0) <= now - self.since < MINUTE:
            self.since, self.counts = now, {}
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]


class SparingAudit:
    """An `audit.AuditLog` and an observer."""

    def __init__(
        self,
        log: AuditLog,
        ring: RefusalRing,
        bounds: Bounds,
        clock: Clock,
        counted: Callable[[str, str, str], None] = lambda _event, _code, _connection: None,
    ) -> None:
        """`counted` is told the kind of each event that goes to the ring: event, code and connection."""
        self._log = log
        self._ring = ring
        self._bounds = bounds
        self._clock = clock
        self._counted = counted
        self.on_lost: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._minute = _Minute(clock())
        self._believed, self._of_people = _Counts(clock()), _Counts(clock())
        self._first_since, self._first = clock(), dict[Kind, set[str]]()
        self._unwritten: list[tuple[Entry, bool]] = []
        self._queue = ObserverQueue(
            "refusals", self._keep, most=_MOST_WAITING, batch=_BATCH, dropped=lambda _: self._lose(1)
        )

    def record(self, *entries: Entry, durable: bool = True) -> None:
        """Records all of these in one transaction, or none (Unavailable); but refusals of nobody later, if ever.

        A RequestRefused of somebody issues nothing either: where the database is away, it is written later, too.
        """
        now, audited = self._clock(), []
        for entry in entries:
            if self._is_to_be_spared(entry, now):
                is_first = self._is_first(entry, now)
                # A flood that fills the queue does not push out the first of another kind.
                self._queue.put((entry, is_first), beyond=_MOST_WAITING if is_first else 0)
            else:
                audited.append(entry)
        if audited:
            self._record(audited, durable=durable)

    def _record(self, audited: list[Entry], *, durable: bool) -> None:
        try:
            self._log.record(*audited, durable=durable)
        except Unavailable:
            if not all(isinstance(entry.event, RequestRefused) for entry in audited):
                raise
            for entry in audited:
                self._queue.put((entry, True), beyond=_MOST_WAITING)

    def start(self) -> None:
        """Writes in a thread of its own from now on; before, `record` does it itself."""
        self._queue.start()

    def close(self, seconds: float) -> None:
        """Waits at most so long for what is under way, and counts what the last minute brought."""
        if self._queue.close(seconds):
            self._keep([])
            self._count(self._clock())

    def _is_to_be_spared(self, entry: Entry, now: datetime) -> bool:
        with self._lock:
            if not (belongs_to_nobody(entry) or self._is_repeated(entry, now)):
                return False
            kind = _kind(entry)
            self._minute.counts[kind] = self._minute.counts.get(kind, 0) + 1
            return True

    def _is_repeated(self, entry: Entry, now: datetime) -> bool:
        """Whether this is one too many of one person's refused requests, or about messages whose signature held."""
        if entry.person and not isinstance(entry.event, SignInRefused):
            is_request = isinstance(entry.event, RequestRefused)
            return is_request and self._of_people.one_more(entry.person, now) > MOST_OF_A_PERSON
        # Whom a message names did not send it: its refusals are counted with those of all messages.
        if not (entry.is_somebodys or isinstance(entry.event, VerifiersDisagreed)):
            return False
        return self._believed.one_more("", now) > MOST_OF_BELIEVED

    def _lose(self, count: int) -> None:
        with self._lock:
            self._minute.lost += count
        for _ in range(count):
            with suppress(Exception):
                self.on_lost()

    def _keep(self, found: list[tuple[Entry, bool]]) -> None:
        now = self._clock()
        if not timedelta(0) <= now - self._minute.since < MINUTE:
            self._count(now)
        if problem := self._problem(found):
            # While the database is away the log has them; the first ones are tried again.
            _log.error("refusals not kept yet", count=len(found), detail=problem)
            self._unwritten += found
            self._lose(len(self._unwritten[MOST_UNWRITTEN:]))
            del self._unwritten[MOST_UNWRITTEN:]
        elif self._unwritten:
            waiting, self._unwritten = self._unwritten, []
            if not self._problem(waiting):
                return
            if found:  # the database is there: these are what it does not take
                self._lose(len(waiting))
            else:
                self._unwritten = waiting

    def _problem(self, entries: list[tuple[Entry, bool]]) -> str:
        """Why these could not be written; "" where they are."""
        if not entries:
            return ""
        audited = [entry for entry, is_first in entries if is_first]
        others = [entry for entry, is_first in entries if not is_first]
        try:
            self._ring.keep(audited, others, self._clock() + self._bounds.age, self._bounds.most)
        except Unavailable as failure:
            return failure.detail
        for entry in others:
            with suppress(Exception):
                self._counted(*_kind(entry))
        return ""

    def _is_first(self, entry: Entry, now: datetime) -> bool:
        """Whether this is a minute's first of its kind, connection and network, which the audit takes."""
        if not belongs_to_nobody(entry) or is_of_every_day(entry.event):
            return False
        around = networks_around(entry.origin.address)
        network = around[-1].digits if around else ""
        with self._lock:
            if not timedelta(0) <= now - self._first_since < MINUTE:
                self._first_since, self._first = now, {}
            seen = self._first.setdefault(_kind(entry), set())
            if network in seen or len(seen) >= MOST_NETWORKS:
                return False
            seen.add(network)
            return True

    def _count(self, now: datetime) -> None:
        """Writes the minute's counts, where there are any, and begins the next; a minute that fails goes on."""
        with self._lock:
            ending = self._minute
            self._minute = _Minute(now)
        if not ending.counts:
            return
        try:
            self._log.record(_counted(ending, now))
        except Unavailable:
            self._take_back(ending)

    def _take_back(self, ending: _Minute) -> None:
        with self._lock:
            for kind, count in self._minute.counts.items():
                ending.counts[kind] = ending.counts.get(kind, 0) + count
            self._minute.counts = ending.counts
            self._minute.lost += ending.lost


def _kind(entry: Entry) -> Kind:
    return entry.event.name, str(getattr(entry.event, "code", "")), entry.connection


def _counted(minute: _Minute, now: datetime) -> Entry:
    counts = {" ".join(part for part in kind if part): count for kind, count in sorted(minute.counts.items())}
    event = RefusalsCounted(since=minute.since, until=now, counts=counts, lost=minute.lost)
    return Entry(now, RequestOrigin(reference=RefusalsCounted.name), event)
