"""What lasts until an operator sees to it: looked for every minute, told once a day, by one of all nodes.

What is found becomes an entry of the audit (`notice.due`), from which the notice follows as from any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from federation_bridge.administration import blocking, restoring, scim_told
from federation_bridge.administration.emergencies import emergencies
from federation_bridge.administration.lease import Lease
from federation_bridge.administration.nodes import Node, nodes
from federation_bridge.audit import Entry, NoticeDue
from federation_bridge.connectors.standing import Ending
from federation_bridge.model import Clock, RequestOrigin
from federation_bridge.settings import NoticeKind, Settings
from federation_bridge.store import Store
from federation_bridge.upkeep import Upkeep

_LEASE = "notices are looked for until"
_LEASED_FOR = timedelta(minutes=2)
_DAY = timedelta(days=1)
_SETTLES_IN = timedelta(minutes=5)
"""How long nodes may differ before it is told: each follows a new version within seconds."""
_UNSEALED_FOR = timedelta(minutes=15)
_MOST_ERRANDS = 500
_NEXT_ENTRIES = 10_000
"""In how many numbers after a seal its next entry is looked for: numbers may have gaps."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What all processes of this machine counted since they started."""

    wrong_settings: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    """By code and connection."""
    lost_lines: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    """By kind."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is to be told once for each `once`."""

    kind: NoticeKind
    sentence: str
    once: str
    """Another text as soon as it has to be told again: a day, or an end and how far off it is."""
    connection: str = ""
    about: str = ""
    at_most_for: str = ""
    """The machine, where each tells for itself."""

    @property
    def mark(self) -> str:
        """The name of the mark that says what was told of it last."""
        return f"notice {self.kind} {self.connection} {self.about} {self.at_most_for}".rstrip()


@dataclass(frozen=True)
class StandingNotices:
    """What is called every minute, in every process."""

    store: Store
    settings: Settings
    upkeep: Upkeep
    clock: Clock
    machine: str
    """The name of this one."""
    counts: Callable[[], Counts] = Counts
    _before: list[Counts] = field(default_factory=list, init=False)

    def look(self) -> int:
        """Tells what is due; gives how much that was. Unavailable."""
        wanted, marks = self.settings.notices.kinds, self.store.service_marks
        told = 0
        for one in self._of_this_machine():
            # Its other processes see the same at the same time: the mark comes first, and one of them tells it.
            before = marks.value(one.mark)
            if one.kind in wanted and before != one.once and marks.change(one.mark, before, one.once):
                self._record(one)
                told += 1
        with Lease(marks, self.clock, _LEASE, _LEASED_FOR).held() as is_ours:
            for one in self._of_all() if is_ours else ():
                before = marks.value(one.mark)
                if one.kind in wanted and before != one.once:
                    # In this order: a process that ends between the two tells it twice, rather than never.
                    self._record(one)
                    marks.change(one.mark, before, one.once)
                    told += 1
        return told

    def _record(self, one: Due) -> None:
        event = NoticeDue(one.kind, one.sentence, one.about)
        origin = RequestOrigin(reference=NoticeDue.name)
        self.store.audit.record(Entry(self.clock(), origin, event, connection=one.connection))

    @property
    def _today(self) -> str:
        return f"{self.clock():%Y-%m-%d}"

    def _of_this_machine(self) -> Iterator[Due]:
        counted = self._grown()
        for (code, connection), _ in sorted(counted.wrong_settings.items()):
            told = "for a setting that is wrong" if connection else "for a setting that is wrong, at no connection"
            yield Due("settings.wrong", f"Requests failed {told} ({code}).", self._today, connection, code)
        for (kind,), number in sorted(counted.lost_lines.items()):
            if kind in ("log", "audit"):
                told = f"{number:.0f} lines of the {kind} of {self.machine} did not get out at once."
                yield Due("lines.lost", told, self._today, about=kind, at_most_for=self.machine)
        if (problem := self.store.problem()) is not None:
            yield Due("nodes.disagree", f"{self.machine}: {problem}.", self._today, about=self.machine)

    def _grown(self) -> Counts:
        """What was counted since the last look of this process. Before its first look nobody knows when it was."""
        now, before = self.counts(), self._before[-1] if self._before else None
        self._before[:] = [now]
        if before is None:
            return Counts()
        return Counts(_grown(now.wrong_settings, before.wrong_settings), _grown(now.lost_lines, before.lost_lines))

    def _of_all(self) -> Iterator[Due]:
        of_people = (self._emergencies, self._incidents, self._restoration, self._scim)
        for look in (self._upkeep, self._nodes, *of_people, self._audit, self._work):
            yield from look()

    def _upkeep(self) -> Iterator[Due]:
        seen = self.upkeep.seen()
        for name, standing in seen.connections.items():
            if standing.waits:
                yield Due("metadata.waits", f"{standing.waits}.", f"{self._today} {standing.waits}", name)
            for one in standing.endings:
                yield from self._end(name, one)
        for one in seen.ours:
            yield from self._end("", one)

    def _end(self, connection: str, one: Ending) -> Iterator[Due]:
        now = self.clock()
        threshold = one.threshold(now)
        if threshold is not None:
            sentence, about = one.sentence(now), f"{one.kind} {one.name}".rstrip()
            once = f"{one.ends_at.isoformat()} {threshold.days}"
            yield Due("certificate.ends", f"{sentence[:1].upper()}{sentence[1:]}.", once, connection, about)

    def _nodes(self) -> Iterator[Due]:
        now = self.clock()
        alive = [one for one in nodes(self.store.service_marks) if not one.is_silent(now)]
        settled = [one for one in alive if now - one.since > _SETTLES_IN]
        for one in settled:
            if one.problem:
                yield Due("nodes.disagree", f"{one.name}: {one.problem}.", self._today, about=one.name)
        versions = {one.version for one in settled if one.version}
        if len(versions) > 1:
            told = "; ".join(_names(settled, version) for version in sorted(versions))
            yield Due("nodes.disagree", f"Nodes decide by different versions of the rulebook: {told}.", self._today)

    def _emergencies(self) -> Iterator[Due]:
        now = self.clock()
        for one in emergencies(self.store, now, self.settings.rulebook.emergency_shown):
            days = (now - one.at) // _DAY
            if days:  # of the first day the entry itself has told
                told = f"{one.author} put version {one.number} in force {days} days ago, and nobody has seen to it."
                yield Due("rulebook.emergency", told, str(days), about=str(one.number))

    def _incidents(self) -> Iterator[Due]:
        now = self.clock()
        for one in blocking.standing(self.store):
            days = (now - one.since) // _DAY
            if one.source == "incident" and days:
                told = f"An incident that {one.by} began stands for {days} days. Reason: {one.reason}"
                yield Due("incident.open", told, f"{one.since.isoformat()} {days}", about=one.scope)

    def _restoration(self) -> Iterator[Due]:
        found = restoring.waiting(self.store)
        if found is not None:
            told = (
                "The database was put back to an older state. All that was held has ended, and people wait for a yes."
            )
            yield Due("restore.waits", told, f"{self._today} {found.number}")

    def _scim(self) -> Iterator[Due]:
        for one in scim_told.standing(self.store, self.settings, self.clock):
            if one.is_quiet:
                sentence = one.quiet()
                yield Due("scim.quiet", f"{sentence[:1].upper()}{sentence[1:]}.", self._today, one.connection)

    def _audit(self) -> Iterator[Due]:
        first = last.batch.last + 1 if (last := self.store.seals.last()) else 1
        rows = self.store.audit.numbered(first, first + _NEXT_ENTRIES, 1)
        if rows and self.clock() - rows[0].at > _UNSEALED_FOR:
            since = f"{rows[0].at:%Y-%m-%d %H:%M} UTC"
            yield Due("audit.unsealed", f"Entries since {since} have no seal.", self._today)

    def _work(self) -> Iterator[Due]:
        for kind, number in sorted(self.store.tallies.now().errands.items()):
            if number > _MOST_ERRANDS:
                yield Due("queue.full", f"{number} errands of the kind “{kind}” wait.", self._today, about=kind)


def _names(found: list[Node], version: str) -> str:
    return f"{version[:12]} on {', '.join(one.name for one in found if one.version == version)}"


def _grown(
    now: Mapping[tuple[str, ...], float], before: Mapping[tuple[str, ...], float]
) -> dict[tuple[str, ...], float]:
    return {name: more for name, number in now.items() if (more := number - before.get(name, 0.0)) > 0}
