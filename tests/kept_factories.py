"""What the store keeps for connectors, in memory: for tests that are not about the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from federation_bridge.model import Acceptance, Look, Notice, ProposedVersion, RulebookVersion

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class KeptInMemory:
    """A `model.KeptDocuments`. While `clock` stands still, one look is all."""

    def __init__(self, clock: Callable[[], datetime] = lambda: _LONG_AGO) -> None:
        self.rows: dict[tuple[str, str], str] = {}
        self.looks: dict[str, Look] = {}
        self.clock = clock
        self.hears: Callable[[Notice], None] = lambda _notice: None
        """Told of what is kept with a notice; where it raises, nothing is kept."""

    def last_good(self, kind: str, name: str) -> str | None:
        return self.rows.get((kind, name))

    def version(self, kind: str, name: str) -> str | None:
        text = self.rows.get((kind, name))
        return None if text is None else hashlib.sha256(text.encode()).hexdigest()

    def keep(self, kind: str, name: str, text: str, *notices: Notice) -> bool:
        is_new = self.rows.get((kind, name)) != text
        for notice in notices if is_new else ():
            self.hears(notice)
        self.rows[kind, name] = text
        return is_new

    def accept(self, yes: Acceptance) -> bool:
        if self.rows.get((yes.held_kind, yes.name)) != yes.held:
            return False
        self.rows |= {(yes.kind, yes.name): yes.text, (yes.held_kind, yes.name): ""}
        return True

    def begin_look(self, name: str, pause: timedelta) -> Look:
        last, now = self.looks.get(name), self.clock()
        if last is not None and now - (last.ended_at or last.begun_at) < pause:
            return last
        self.looks[name] = Look(now)
        return Look(now, is_ours=True)

    def end_look(self, name: str, look: Look) -> None:
        self.looks[name] = Look(look.begun_at, self.clock())

    def look(self, name: str) -> Look | None:
        return self.looks.get(name)


class VersionsInMemory:
    """A `rulebook.versions.KeptVersions`."""

    def __init__(self) -> None:
        self.versions: dict[int, RulebookVersion] = {}
        self.hear: Callable[[Notice], None] = lambda _notice: None
        """Told of what is kept with a notice; where it raises, nothing is kept."""

    def number_in_force(self) -> int:
        return max(self.versions, default=0)

    def newest_number(self) -> int:
        return max(self.versions, default=0)

    def in_force(self) -> RulebookVersion | None:
        return self.versions.get(self.number_in_force())

    def version(self, number: int) -> RulebookVersion | None:
        return self.versions.get(number)

    def history(self, most: int) -> tuple[RulebookVersion, ...]:
        return tuple(self.versions[number] for number in sorted(self.versions, reverse=True)[:most])

    def keep(self, proposed: ProposedVersion, *notices: Notice) -> int | None:
        stands = self.in_force()
        if stands is not None and stands.text == proposed.text:
            return None
        for notice in notices:
            self.hear(notice)
        number = self.number_in_force() + 1
        digest = hashlib.sha256(proposed.text.encode()).hexdigest()
        made = (_LONG_AGO, proposed.author, proposed.reason, proposed.origin, proposed.text)
        self.versions[number] = RulebookVersion(number, digest, *made)
        return number
