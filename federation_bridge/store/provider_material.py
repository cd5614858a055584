"""What of an identity provider's answer is kept with a session, sealed: to sign out there, and to ask again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, literal, or_, select

from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Clock, Identity
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.codec import identity_from_text
from federation_bridge.store.rows import Rows
from federation_bridge.store.tables import LIVE_GRANTS, PROVIDER_MATERIAL, SESSIONS
from federation_bridge.store.writing import Writing

_OF = select(PROVIDER_MATERIAL).where(PROVIDER_MATERIAL.c.session == bindparam("session"))
_LOCKED = _OF.with_for_update()
# Held to the end of the transaction: an end of the session waits, and then takes this with it.
_LIVING = select(SESSIONS).where(SESSIONS.c.token_hash == bindparam("session")).with_for_update(read=True)
_HAS_AWS_SESSIONS = exists(
    select(literal(1))
    .select_from(LIVE_GRANTS)
    .where(
        LIVE_GRANTS.c.person == SESSIONS.c.person,
        LIVE_GRANTS.c.connection == bindparam("connection"),
        LIVE_GRANTS.c.ends_at > bindparam("now"),
    )
)
_DUE = (
    select(SESSIONS, PROVIDER_MATERIAL)
    .join(PROVIDER_MATERIAL, PROVIDER_MATERIAL.c.session == SESSIONS.c.token_hash)
    .where(SESSIONS.c.ends_at > bindparam("now"), PROVIDER_MATERIAL.c.checked_at <= bindparam("checked"))
    .where(or_(PROVIDER_MATERIAL.c.asked_at.is_(None), PROVIDER_MATERIAL.c.asked_at <= bindparam("asked")))
    .where(_HAS_AWS_SESSIONS)
    .order_by(PROVIDER_MATERIAL.c.checked_at)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class DueSession:
    """A session about which its provider is to be asked again."""

    key: str
    identity: Identity
    began_at: datetime


@dataclass(frozen=True, slots=True)
class KeptMaterial:
    """What is kept with a session."""

    sealed: str
    checked_at: datetime
    """When the provider vouched for the session last."""


class ProviderMaterial:
    """The sealed texts, each of one session, which takes its own along when it ends."""

    def __init__(self, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock

    def keep(self, session: str, sealed: str) -> None:
        """Keeps this text with the session; nothing where the session has ended meanwhile."""

        def work(writing: Writing) -> None:
            if writing.row(_LIVING, {"session": session}, SESSIONS) is not None:
                row = {"session": session, "sealed": sealed, "checked_at": self._clock(), "asked_at": None}
                writing.insert(PROVIDER_MATERIAL, row)

        self._audit.transact(work, durable=False)

    def of(self, session: str) -> KeptMaterial | None:
        """What is kept with this session; None where nothing is."""
        row = self._rows.one(_OF, {"session": session}, PROVIDER_MATERIAL)
        return None if row is None else KeptMaterial(str(row.sealed), row.checked_at)

    def due(self, connection: str, every: timedelta, pause: timedelta, most: int) -> tuple[DueSession, ...]:
        """Sessions that the provider last vouched for `every` ago, and whose people hold AWS sessions that live.

        The oldest word first; none about which somebody asked within `pause`. Those that nobody uses are among them.
        """
        now = self._clock()
        asked = {"connection": connection, "now": now, "checked": now - every, "asked": now - pause, "most": most}
        found = []
        for row in self._rows.all(_DUE, asked, SESSIONS, PROVIDER_MATERIAL):
            with suppress(NotSignedIn):  # of another release's shape
                found.append(DueSession(row.token_hash, identity_from_text(row.identity), row.started_at))
        return tuple(found)

    def claim(self, session: str, pause: timedelta) -> bool:
        """Whether the caller is the one who asks the provider about this session now, of all nodes.

        Nobody else is until `pause` has passed: a refresh token that two use at once looks stolen to its provider.
        """
        now = self._clock()

        def work(writing: Writing) -> bool:
            row = writing.row(_LOCKED, {"session": session}, PROVIDER_MATERIAL)
            if row is None or (row.asked_at is not None and now - row.asked_at < pause):
                return False
            return writing.change(PROVIDER_MATERIAL, row, asked_at=now)

        return self._audit.transact(work, durable=False)

    def vouched(self, session: str, sealed: str) -> None:
        """The provider has vouched for the session just now: keeps this in place of what there was."""

        def work(writing: Writing) -> None:
            row = writing.row(_LOCKED, {"session": session}, PROVIDER_MATERIAL)
            if row is not None:
                writing.change(PROVIDER_MATERIAL, row, sealed=sealed, checked_at=self._clock(), asked_at=None)

        self._audit.transact(work)
