"""What parts notice by themselves: new keys, new rules, metadata that changed. All of it is audited."""

from __future__ import annotations

from federation_bridge import audit, rulebook
from federation_bridge.audit import AuditLog, Entry
from federation_bridge.model import Clock, Visit
from federation_bridge.signing import SigningKey


class Notices:
    """Turns what parts notice into audit entries; the event's name stands where a request's reference would."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def metadata(self, connection: str, event: str, detail: str) -> None:
        """An identity provider's documents changed, or could not be had."""
        kind = audit.MetadataRefused if "refused" in event else audit.MetadataChanged
        self._record(event, kind(event, detail), connection)

    def rules(self, event: str, detail: str) -> None:
        """Other rules are in force, or a file was refused."""
        self._record(event, audit.RulesLoaded(detail) if event == rulebook.LOADED else audit.RulesRejected(detail))

    def key(self, key: SigningKey) -> None:
        """A signing key was made by this process, and it is the one that stands."""
        self._record(audit.KeyMade.name, audit.KeyMade(purpose=key.purpose.value, kid=key.kid))

    def _record(self, name: str, event: audit.Event, connection: str = "") -> None:
        self._log.record(Entry(self._clock(), Visit(reference=name), event, connection=connection))


class UnheardNotices(Notices):
    """The same for a command that only looks: what it notices changes nothing, and is not audited."""

    def _record(self, name: str, event: audit.Event, connection: str = "") -> None:
        del name, event, connection
