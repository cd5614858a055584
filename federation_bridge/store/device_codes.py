"""Device codes and user codes (RFC 8628): begun by a program, decided in one browser session, taken once."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from federation_bridge.audit import Entry
from federation_bridge.model import Clock, DeviceRequest, TokenFamily, Visit
from federation_bridge.store.audit_log import AuditTable, Writing
from federation_bridge.store.digests import digest_of
from federation_bridge.store.engine import Database
from federation_bridge.store.tables import DEVICE_CODES
from federation_bridge.store.token_families import NewTokens, Telling, collect, insert_family

INTERVAL = 5
"""Seconds between two polls, at first; each poll that comes too soon adds as many (RFC 8628 3.5)."""

_REMEMBERED_LONGER = timedelta(hours=1)
"""How much longer a code is kept than it holds, so that a poller hears that it has expired."""


class Poll(Enum):
    """What a program hears that asks too early, too late or in vain (RFC 8628 3.5)."""

    PENDING = auto()
    TOO_SOON = auto()
    DENIED = auto()
    EXPIRED = auto()
    UNKNOWN = auto()


_OF_CODE = DEVICE_CODES.c.device_code == bindparam("digest")
_OF_USER_CODE = DEVICE_CODES.c.user_code == bindparam("digest")
_HOLDS = DEVICE_CODES.c.expires_at > bindparam("now")

_INSERT = insert(DEVICE_CODES)
_CLAIM = (
    update(DEVICE_CODES)
    .where(_OF_USER_CODE, _HOLDS)
    .where(
        or_(
            DEVICE_CODES.c.state == "pending",
            (DEVICE_CODES.c.state == "claimed") & (DEVICE_CODES.c.claimed_in == bindparam("whose")),
        )
    )
    .values(state="claimed", claimed_in=bindparam("whose"))
    .returning(*DEVICE_CODES.c)
)
_CLAIMED = (
    select(DEVICE_CODES)
    .where(_OF_USER_CODE, _HOLDS)
    .where(DEVICE_CODES.c.state == "claimed", DEVICE_CODES.c.claimed_in == bindparam("whose"))
)
_DECIDE = (
    update(DEVICE_CODES)
    .where(_OF_USER_CODE, _HOLDS)
    .where(DEVICE_CODES.c.state == "claimed", DEVICE_CODES.c.claimed_in == bindparam("whose"))
    .values(state=bindparam("decision"), family=bindparam("new_family"))
)
_TAKE = (
    delete(DEVICE_CODES)
    .where(_OF_CODE, _HOLDS)
    .where(DEVICE_CODES.c.client_id == bindparam("client"), DEVICE_CODES.c.state == "approved")
    .where(or_(DEVICE_CODES.c.dpop_jkt.is_(None), DEVICE_CODES.c.dpop_jkt == bindparam("jkt")))
    .returning(DEVICE_CODES.c.family)
)
_PENDING = select(DEVICE_CODES).where(_OF_CODE, DEVICE_CODES.c.client_id == bindparam("client")).with_for_update()
_STATE = select(DEVICE_CODES.c.state).where(_OF_CODE, DEVICE_CODES.c.client_id == bindparam("client"))
_PACE = update(DEVICE_CODES).where(_OF_CODE).values(interval=bindparam("pace"), next_poll_at=bindparam("next"))


class DeviceCodes:
    """The pending ones. Device codes are kept as digests, user codes as keyed digests that the caller makes."""

    def __init__(self, database: Database, audit: AuditTable, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def begin(self, device_code: str, user_code: str, asked: DeviceRequest, *entries: Entry) -> bool:
        """Remembers a request, with these audit entries; False where the user code is in use (take another)."""
        row = {
            "device_code": digest_of("device code", device_code),
            "user_code": user_code,
            "client_id": asked.client_id,
            "label": asked.label,
            "reference": asked.visit.reference,
            "address": asked.visit.address,
            "user_agent": asked.visit.user_agent,
            "dpop_jkt": asked.dpop_jkt,
            "state": "pending",
            "interval": INTERVAL,
            "next_poll_at": asked.begun_at,
            "begun_at": asked.begun_at,
            "expires_at": asked.expires_at,
            "kept_until": asked.expires_at + _REMEMBERED_LONGER,
        }
        try:
            # Ordered: a request that a power failure takes lets nobody in, and the program asks anew.
            with self._audit.writing(durable=False) as writing:
                _insert(writing, row)
                writing.record(*entries)
        except _InUse:
            return False
        return True

    def claim(self, user_code: str, session: str, *entries: Entry) -> DeviceRequest | None:
        """The request behind a user code, from now on of this browser session alone; None for any other session."""
        asked = {"digest": user_code, "whose": session, "now": self._clock()}
        with self._audit.writing() as writing:
            row = writing.execute(_CLAIM, asked).one_or_none()
            if row is not None:
                writing.record(*entries)
        return None if row is None else _request(row)

    def claimed(self, user_code: str, session: str) -> DeviceRequest | None:
        """The request that this browser session has claimed and not decided; None for any other, pending ones too."""
        row = self._database.row(_CLAIMED, {"digest": user_code, "whose": session, "now": self._clock()})
        return None if row is None else _request(row)

    def approve(self, user_code: str, session: str, family: TokenFamily, *entries: Entry) -> bool:
        """Lets the claimed request in as this family; False where this session has not claimed it, or it is decided.

        NotSignedIn where the session that approved has ended.
        """
        try:
            with self._audit.writing() as writing:
                insert_family(writing, family, self._clock())
                self._must_decide(writing, user_code, session, family.id)
                writing.record(*entries)
        except _NotClaimed:
            return False
        return True

    def deny(self, user_code: str, session: str, *entries: Entry) -> bool:
        """Refuses the claimed request for good; False where this session has not claimed it, or it is decided."""
        with self._audit.writing() as writing:
            done = self._decide(writing, user_code, session, "denied", None)
            if done:
                writing.record(*entries)
        return done

    def _must_decide(self, writing: Writing, user_code: str, session: str, family: str) -> None:
        if not self._decide(writing, user_code, session, "approved", family):
            raise _NotClaimed

    def _decide(self, writing: Writing, user_code: str, session: str, decision: str, family: str | None) -> bool:
        asked = {"digest": user_code, "whose": session, "now": self._clock()}
        return writing.execute(_DECIDE, {**asked, "decision": decision, "new_family": family}).rowcount == 1

    def redeem(
        self, device_code: str, client_id: str, jkt: str | None, tokens: NewTokens, *telling: Telling
    ) -> TokenFamily | Poll:
        """The family with its first tokens, once, ever; or what else there is to say. A wrong client spoils nothing."""
        now = self._clock()
        asked = {"digest": digest_of("device code", device_code), "client": client_id}
        # Most polls come while nobody has decided: those only move the pace, and need not wait for the disk.
        known = self._database.row(_STATE, asked)
        if known is None:
            return Poll.UNKNOWN
        if known.state == "approved":
            with self._audit.writing() as writing:
                family_id = writing.execute(_TAKE, {**asked, "jkt": jkt, "now": now}).scalar_one_or_none()
                if family_id is not None:
                    return collect(writing, family_id, jkt, tokens, now, *telling) or Poll.UNKNOWN
        with self._audit.writing(durable=False) as writing:
            row = writing.execute(_PENDING, asked).one_or_none()
            if row is None or (row.state == "approved" and known.state == "approved"):
                return Poll.UNKNOWN if row is None or row.expires_at > now else Poll.EXPIRED
            return self._paced(writing, row, now)

    def _paced(self, writing: Writing, row: Row[Any], now: datetime) -> Poll:
        if row.expires_at <= now:
            return Poll.EXPIRED
        if row.state == "denied":
            return Poll.DENIED
        too_soon = now < row.next_poll_at
        pace = row.interval + INTERVAL if too_soon else row.interval
        # Half a second of grace: a client that waits exactly the interval must not be early by its clock's rounding.
        after = now + timedelta(seconds=pace) - timedelta(milliseconds=500)
        writing.execute(_PACE, {"digest": row.device_code, "pace": pace, "next": after})
        return Poll.TOO_SOON if too_soon else Poll.PENDING


class _InUse(Exception):
    """The user code is somebody else's at the moment."""


class _NotClaimed(Exception):
    """Undoes the making of a family that nobody may have."""


def _insert(writing: Writing, row: dict[str, Any]) -> None:
    try:
        writing.execute(_INSERT, row)
    except IntegrityError:
        raise _InUse from None


def _request(row: Row[Any]) -> DeviceRequest:
    return DeviceRequest(
        client_id=row.client_id,
        label=row.label,
        visit=Visit(row.reference, row.address, row.user_agent),
        begun_at=row.begun_at,
        expires_at=row.expires_at,
        dpop_jkt=row.dpop_jkt,
    )
