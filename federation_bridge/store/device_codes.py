"""Device codes and user codes (RFC 8628): begun by a program, decided in one browser session, taken once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update

from federation_bridge.audit import Entry
from federation_bridge.errors import Unavailable
from federation_bridge.model import Clock, DeviceRequest, RequestOrigin, TokenFamily
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.digests import digest_of
from federation_bridge.store.rows import Rows
from federation_bridge.store.statements import CONFLICTS, Row
from federation_bridge.store.tables import DEVICE_CODES
from federation_bridge.store.token_families import NewTokens, Telling, collect, insert_family
from federation_bridge.store.writing import Writing

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
_OF_USER_CODE = select(DEVICE_CODES).where(
    DEVICE_CODES.c.user_code == bindparam("digest"), DEVICE_CODES.c.expires_at > bindparam("now")
)
_CLAIMED = _OF_USER_CODE.where(DEVICE_CODES.c.state == "claimed", DEVICE_CODES.c.claimed_in == bindparam("whose"))
_CLAIMABLE = _OF_USER_CODE.where(
    or_(
        DEVICE_CODES.c.state == "pending",
        (DEVICE_CODES.c.state == "claimed") & (DEVICE_CODES.c.claimed_in == bindparam("whose")),
    )
)
_LOCKED_CLAIMABLE, _LOCKED_CLAIMED = _CLAIMABLE.with_for_update(), _CLAIMED.with_for_update()
_POLLED = select(DEVICE_CODES).where(_OF_CODE, DEVICE_CODES.c.client_id == bindparam("client"))
_LOCKED_POLLED = _POLLED.with_for_update()
_TAKE = delete(DEVICE_CODES).where(_OF_CODE)
# Not under the MAC: see `row_mac.NOT_DECIDING`.
_PACE = update(DEVICE_CODES).where(_OF_CODE).values(interval=bindparam("pace"), next_poll_at=bindparam("next"))


class DeviceCodes:
    """The pending ones. Device codes are kept as digests, user codes as keyed digests that the caller makes."""

    def __init__(self, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock

    def begin(self, device_code: str, user_code: str, asked: DeviceRequest, *entries: Entry) -> bool:
        """Remembers a request, with these audit entries; False where the user code is in use (take another)."""
        row = {
            "device_code": digest_of("device code", device_code),
            "user_code": user_code,
            "client_id": asked.client_id,
            "label": asked.label,
            "reference": asked.origin.reference,
            "address": asked.origin.address,
            "user_agent": asked.origin.user_agent,
            "dpop_jkt": asked.dpop_jkt,
            "state": "pending",
            "claimed_in": None,
            "family": None,
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

        def work(writing: Writing) -> DeviceRequest | None:
            row = writing.row(_LOCKED_CLAIMABLE, asked, DEVICE_CODES)
            if row is None:
                return None
            writing.change(DEVICE_CODES, row, state="claimed", claimed_in=session)
            writing.record(*entries)
            return _request(row)

        return self._audit.transact(work)

    def claimed(self, user_code: str, session: str) -> DeviceRequest | None:
        """The request that this browser session has claimed and not decided; None for any other, pending ones too."""
        asked = {"digest": user_code, "whose": session, "now": self._clock()}
        row = self._rows.one(_CLAIMED, asked, DEVICE_CODES)
        return None if row is None else _request(row)

    def approve(self, user_code: str, session: str, family: TokenFamily, *entries: Entry) -> bool:
        """Lets the claimed request in as this family; False where this session has not claimed it, or it is decided.

        NotSignedIn where the session that approved has ended.
        """

        def work(writing: Writing) -> None:
            insert_family(writing, family, self._clock())
            if not self._decide(writing, user_code, session, "approved", family.id):
                raise _NotClaimed
            writing.record(*entries)

        try:
            self._audit.transact(work)
        except _NotClaimed:
            return False
        return True

    def deny(self, user_code: str, session: str, *entries: Entry) -> bool:
        """Refuses the claimed request for good; False where this session has not claimed it, or it is decided."""

        def work(writing: Writing) -> bool:
            done = self._decide(writing, user_code, session, "denied", None)
            if done:
                writing.record(*entries)
            return done

        return self._audit.transact(work)

    def _decide(self, writing: Writing, user_code: str, session: str, decision: str, family: str | None) -> bool:
        asked = {"digest": user_code, "whose": session, "now": self._clock()}
        row = writing.row(_LOCKED_CLAIMED, asked, DEVICE_CODES)
        return row is not None and writing.change(DEVICE_CODES, row, state=decision, family=family)

    def redeem(
        self, device_code: str, client_id: str, jkt: str | None, tokens: NewTokens, *telling: Telling
    ) -> TokenFamily | Poll:
        """The family with its first tokens, once, ever; or what else there is to say. A wrong client spoils nothing."""
        now = self._clock()
        asked = {"digest": digest_of("device code", device_code), "client": client_id}
        # Most polls come while nobody has decided: those only move the pace, and need not wait for the disk. What was
        # approved is collected in a durable transaction, whose first lock is the family's.
        known = self._rows.one(_POLLED, asked, DEVICE_CODES)
        if known is None:
            return Poll.UNKNOWN
        if known.expires_at <= now:
            return Poll.EXPIRED
        if known.state == "approved":
            if known.dpop_jkt not in {None, jkt}:
                return Poll.UNKNOWN
            return self._audit.transact(lambda writing: _collected(writing, known, jkt, tokens, now, telling))
        with self._audit.writing(durable=False) as writing:
            row = writing.row(_LOCKED_POLLED, asked, DEVICE_CODES)
            return Poll.UNKNOWN if row is None else self._paced(writing, row, now)

    def _paced(self, writing: Writing, row: Row, now: datetime) -> Poll:
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


def _collected(
    writing: Writing, known: Row, jkt: str | None, tokens: NewTokens, now: datetime, telling: Sequence[Telling]
) -> TokenFamily | Poll:
    family = collect(writing, known.family, jkt, tokens, now, *telling)
    if family is None:
        return Poll.UNKNOWN
    if writing.execute(_TAKE, {"digest": known.device_code}).rowcount != 1:
        raise Unavailable("the device code was taken while its family was collected")
    return family


def _insert(writing: Writing, row: dict[str, Any]) -> None:
    try:
        writing.insert(DEVICE_CODES, row)
    except CONFLICTS:
        raise _InUse from None


def _request(row: Row) -> DeviceRequest:
    return DeviceRequest(
        client_id=row.client_id,
        label=row.label,
        origin=RequestOrigin(row.reference, row.address, row.user_agent),
        begun_at=row.begun_at,
        expires_at=row.expires_at,
        dpop_jkt=row.dpop_jkt,
    )
