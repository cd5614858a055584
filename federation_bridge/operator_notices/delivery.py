"""Sees to it that each place is told: errands, so that a restart loses nothing and one node at a time tells a place.

An entry of the audit asks for an errand in its own transaction (`store.follow_ups`). That errand asks for one at each
place; the errand of a place sends what waits there, one by one while they are few, all in one message otherwise.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from federation_bridge.audit import Entry, NoticesGivenUp
from federation_bridge.errors import ProviderUnreachable
from federation_bridge.model import Clock, Errand, RequestOrigin
from federation_bridge.operator_notices.kinds import notice_of
from federation_bridge.operator_notices.message import OperatorNotice, message_of
from federation_bridge.operator_notices.places import Place
from federation_bridge.settings import NOTICE_KINDS, NoticeKind, Settings
from federation_bridge.store import Store
from federation_bridge.store.follow_ups import TELL

_log = structlog.get_logger(__name__)

TELL_PLACE = "tell place"
"""The kind of the errand that sends what waits for a place; its subject is the place."""
LONGEST_PAUSE = timedelta(minutes=30)
FEW = 3
"""So many are sent one by one."""
_MOST_MESSAGES, _WITHIN = 6, timedelta(minutes=10)
"""Messages to one place; what comes beyond is collected until the ten minutes are over."""
_MOST_AT_ONCE = 500
"""Notices that one message stands for; the others follow in the next one."""

_AT_ONCE = timedelta(0)
_ENTRY = re.compile(r"[0-9]{1,18}")

Count = Callable[[str, str], None]
"""Counts a notice of this kind with this result."""


def waits_for(place: str, kind: NoticeKind) -> str:
    """The kind of errands that stand for such notices which wait for a place; the subject is the entry's number."""
    return f"{TELL} {place} {kind}"


def waiting_at(store: Store, place: str) -> list[Errand]:
    """What waits for a place: the oldest notice of each kind, then the second of each, and so on; Unavailable.

    Whoever can cause thousands of one kind buries no other one behind them.
    """
    ranked = [
        (rank, _number(errand), errand)
        for kind in NOTICE_KINDS
        for rank, errand in enumerate(sorted(store.errands.waiting(waits_for(place, kind)), key=_number))
    ]
    return [errand for _, _, errand in sorted(ranked, key=lambda one: one[:2])]


@dataclass(frozen=True)
class TellPlaces:
    """An `errands.Act` for `TELL`: one entry of the audit becomes what each place waits for."""

    store: Store
    settings: Settings

    def __call__(self, errand: Errand) -> timedelta | None:
        """Asks for it at each place that wants the kind; Unavailable."""
        notice = notice_about(self.store, self.settings, errand)
        if notice is not None:
            for place in sorted(self.settings.notices.places):
                # A place is not told that it was not told.
                is_itself = notice.kind == "notices.failed" and notice.about == place
                wanted = self.settings.notices.kinds_at(place)
                if notice.kind != "notices.test" and notice.kind in wanted and not is_itself:
                    self.store.errands.ask(waits_for(place, notice.kind), errand.subject)
                    self.store.errands.ask(TELL_PLACE, place)
        return None


@dataclass(frozen=True)
class SendToPlace:
    """An `errands.Act` for `TELL_PLACE`."""

    store: Store
    settings: Settings
    places: Mapping[str, Place]
    clock: Clock
    count: Count = lambda _kind, _result: None

    def __call__(self, errand: Errand) -> timedelta | None:
        """Sends one message of what waits; after how long to look again, where more does or too much was sent of late.

        One message only: it may take long, the lease has to last, and other places wait. ProviderUnreachable where the
        place does not take it now; Unavailable.
        """
        name = errand.subject
        waiting = waiting_at(self.store, name)
        place = self.places.get(name)
        if place is None:  # the settings name it no more
            self.store.errands.drop(waiting)
            return None
        if errand.attempts:
            waiting = self._without_old(name, waiting, errand.problem)
        if not waiting:
            return None
        free_in = self._free_in(name)
        if free_in is not None:
            return free_in
        count = 1 if len(waiting) <= FEW else _MOST_AT_ONCE
        self._send(name, place, waiting[:count])
        return _AT_ONCE if waiting[count:] else None

    def _send(self, name: str, place: Place, errands: Sequence[Errand]) -> None:
        found = [one for errand in errands if (one := notice_about(self.store, self.settings, errand)) is not None]
        if found:
            answer = place.send(message_of(found, self.settings.base_url, self.clock()))
            if answer.result == "refused":
                self._give_up(name, found, answer.told)
            else:
                for one in found:
                    self.count(one.kind, answer.result)
            if answer.result == "retried":
                raise ProviderUnreachable(answer.told)
            self._note(name)
        # If this process ends before this line, they are sent once more, under the same ids.
        self.store.errands.drop(errands)

    def _without_old(self, name: str, waiting: Sequence[Errand], problem: str) -> list[Errand]:
        since = self.clock() - self.settings.notices.given_up_after
        old: dict[str, OperatorNotice] = {}
        for one in sorted(waiting, key=_number)[:_MOST_AT_ONCE]:
            notice = notice_about(self.store, self.settings, one)
            if notice is not None and notice.at >= since:
                break  # those behind it are younger, and may be many
            if notice is not None:
                old[one.subject] = notice
        if old:
            self._give_up(name, list(old.values()), problem)
            self.store.errands.drop([one for one in waiting if one.subject in old])
        return [one for one in waiting if one.subject not in old]

    def _give_up(self, name: str, notices: Sequence[OperatorNotice], problem: str) -> None:
        kinds: dict[str, int] = dict(Counter(one.kind for one in notices))
        event = NoticesGivenUp(name, problem, len(notices), kinds)
        self.store.audit.record(Entry(self.clock(), RequestOrigin(NoticesGivenUp.name), event))
        _log.error("notices are given up", place=name, detail=problem, kinds=kinds)
        for one in notices:
            self.count(one.kind, "given_up")

    def _free_in(self, name: str) -> timedelta | None:
        """After how long the place gets another message; None: now."""
        instants = self._sent(name)
        return None if len(instants) < _MOST_MESSAGES else min(instants) + _WITHIN - self.clock()

    def _sent(self, name: str) -> list[datetime]:
        now = self.clock()
        try:
            told = [
                datetime.fromisoformat(one) for one in json.loads(self.store.service_marks.value(_mark(name)) or "[]")
            ]
            return sorted(one for one in told if now - _WITHIN < one <= now)[-_MOST_MESSAGES:]
        except (ValueError, TypeError, RecursionError):
            return []  # a mark decides about nobody

    def _note(self, name: str) -> None:
        marks, mark = self.store.service_marks, _mark(name)
        told = json.dumps([one.isoformat() for one in (*self._sent(name), self.clock())])
        marks.change(mark, marks.value(mark), told)


def _mark(name: str) -> str:
    return f"notices sent to {name}"


def _number(errand: Errand) -> int:
    """0 for what is no number of an entry: a row that somebody forged must not keep back those beside it."""
    return int(errand.subject) if _ENTRY.fullmatch(errand.subject) else 0


def notice_about(store: Store, settings: Settings, errand: Errand) -> OperatorNotice | None:
    """The notice that an errand is about; None where its entry is archived, or tells nothing."""
    number = _number(errand)
    rows = store.audit.numbered(number, number, 1)
    return notice_of(rows[0], settings.base_url) if rows else None
