"""People who left for an identity provider and are expected back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select

from federation_bridge.audit import Entry
from federation_bridge.errors import SignInExpired, Unavailable
from federation_bridge.model import Clock, SignIn
from federation_bridge.store.audit_log import AuditTable, Writing
from federation_bridge.store.codec import sign_in_from_text, sign_in_to_text
from federation_bridge.store.digests import digest_of, opened_with, sealed_under
from federation_bridge.store.tables import SIGN_INS

_INSERT = insert(SIGN_INS)
_COUNT = select(func.count()).select_from(SIGN_INS)
_DELETE_EXPIRED = delete(SIGN_INS).where(SIGN_INS.c.expires_at <= bindparam("now"))
_TAKE = (
    delete(SIGN_INS)
    .where(SIGN_INS.c.handle == bindparam("digest"))
    .where(SIGN_INS.c.bound_to == bindparam("binding"))
    .where(SIGN_INS.c.expires_at > bindparam("now"))
    .returning(SIGN_INS.c.sealed)
)


class SignIns:
    """The pending sign-ins. A row tells a reader of the database nothing: see `digests`."""

    def __init__(self, audit: AuditTable, clock: Clock, most: int = 100_000) -> None:
        self._audit = audit
        self._clock = clock
        self._most = most
        self._uncounted = 0

    def begin(self, sign_in: SignIn, *entries: Entry) -> None:
        """Remembers a sign-in, and records these audit entries with it; Unavailable when too many pend."""
        row = {
            "handle": digest_of("handle", sign_in.handle),
            "bound_to": digest_of("browser", sign_in.connection, sign_in.browser),
            "sealed": sealed_under(sign_in.handle, sign_in_to_text(sign_in)),
            "expires_at": sign_in.expires_at,
        }
        with self._audit.writing() as writing:
            self._make_sure_of_room(writing)
            writing.execute(_INSERT, row)
            writing.record(*entries)

    def take(self, handle: str, connection: str, browser: str) -> SignIn:
        """The sign-in with this handle, at most once, ever, whoever asks at the same time; else SignInExpired.

        Another browser or another connection gets SignInExpired too, and does not spoil it for the right one.
        """
        now = self._clock()
        asked = {"digest": digest_of("handle", handle), "binding": digest_of("browser", connection, browser)}
        with self._audit.writing() as writing:
            sealed = writing.execute(_TAKE, {**asked, "now": now}).scalar_one_or_none()
        if sealed is None:
            raise SignInExpired("no sign-in with this handle pends for this browser and connection")
        return sign_in_from_text(opened_with(handle, sealed))

    def _make_sure_of_room(self, writing: Writing) -> None:
        # Counting walks an index, so a process counts once for many sign-ins: the emptier the table, the more.
        if self._uncounted > 0:
            self._uncounted -= 1
            return
        room = self._room(writing)
        if room <= 0:
            room = self._room_after_sweep(writing, self._clock())
        if room <= 0:
            raise Unavailable(f"{self._most} sign-ins pend: no room for another")
        self._uncounted = room // 64

    def _room(self, writing: Writing) -> int:
        return self._most - int(writing.execute(_COUNT, {}).scalar_one())

    def _room_after_sweep(self, writing: Writing, now: datetime) -> int:
        writing.execute(_DELETE_EXPIRED, {"now": now})
        return self._room(writing)
