"""Keys roll: a new one is published, then signs, and the old one goes when nothing that it signed is alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from federation_bridge.audit import Entry, Event, KeyMade, KeyRetired, KeyUsed
from federation_bridge.errors import BadRequest
from federation_bridge.model import Clock, RequestOrigin, SealedKey
from federation_bridge.signing import KeyRing, Purpose, SigningKey, signing_one
from federation_bridge.store.sealed_keys import SealedKeyTable

_OPERATOR = RequestOrigin(reference="operator")
_LEAD = {
    # AWS keeps key sets for a time that it does not tell; an hour on each side has been enough (docs/aws.md).
    Purpose.AWS_OIDC: timedelta(hours=1),
    # Only our own processes have to learn of these, and they look every few seconds.
    Purpose.TOKENS: timedelta(minutes=1),
    Purpose.DECRYPTION: timedelta(minutes=1),
    Purpose.AUDIT: timedelta(minutes=1),
}
"""How long a new key is published before it signs. For other purposes somebody has to carry it somewhere by hand."""

_OUTLIVED = {Purpose.AWS_OIDC: timedelta(hours=1), Purpose.DECRYPTION: timedelta(days=1)}
_USUALLY_OUTLIVED = timedelta(minutes=15)
"""How long an old key is kept after another one took its place: longer than anything that it signed is believed."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """One of our keys, and what it does."""

    key: SigningKey
    row: SealedKey
    is_signing: bool


@dataclass(frozen=True, slots=True)
class Keys:
    """What these verbs work with."""

    ring: KeyRing
    table: SealedKeyTable
    clock: Clock


def states(keys: Keys, purpose: Purpose) -> tuple[KeyState, ...]:
    """Every key of this purpose, the newest first."""
    rows = keys.table.sealed(purpose)
    signing = signing_one(rows, keys.clock()) if rows else None
    return tuple(KeyState(keys.ring.open(purpose, row), row, row is signing) for row in rows)


def rotate(keys: Keys, purpose: Purpose, use_in: timedelta | None = None) -> SigningKey:
    """Makes and publishes a new key, audited.

    It signs after `use_in`, or after the time that its purpose needs; where somebody has to carry the key to others
    first, it waits for `use`. BadRequest where a new key of this purpose waits already.
    """
    rows, now = keys.table.sealed(purpose), keys.clock()
    if rows and rows[0] is not signing_one(rows, now):
        raise BadRequest(f"a new {purpose} key waits already: `federation-bridge keys use {purpose}` puts it into use")
    made, sealed = keys.ring.another(purpose)
    lead = use_in if use_in is not None else _LEAD.get(purpose)
    signs_from = now + lead if lead is not None else None
    serial = rows[0].serial + 1 if rows else 1
    if not keys.table.add(
        purpose, SealedKey(serial, sealed, signs_from), _entry(keys, KeyMade(purpose.value, made.kid))
    ):
        raise BadRequest(f"another {purpose} key was made at the same time: look with `federation-bridge keys show`")
    return made


def use(keys: Keys, purpose: Purpose) -> SigningKey:
    """Puts the newest key of this purpose into use now, audited; BadRequest where it signs already."""
    newest = next(iter(states(keys, purpose)), None)
    if newest is None or newest.is_signing:
        raise BadRequest(f"no new {purpose} key waits: `federation-bridge keys rotate {purpose}` makes one")
    keys.table.use(purpose, newest.row.serial, keys.clock(), _entry(keys, KeyUsed(purpose.value, newest.key.kid)))
    return newest.key


def retire(keys: Keys, purpose: Purpose) -> tuple[SigningKey, ...]:
    """Removes the keys that another one has replaced, audited; nobody believes them from then on.

    BadRequest where there are none, or where something that they signed may be alive.
    """
    if purpose is Purpose.AUDIT:
        raise BadRequest("seals of the audit are signed with the old keys: they stay, so that these can be verified")
    found = states(keys, purpose)
    signing = next((one for one in found if one.is_signing), None)
    old = [one for one in found if signing is not None and one.row.serial < signing.row.serial]
    if signing is None or not old:
        raise BadRequest(f"no old {purpose} key is there to retire")
    ends_at = _replaced_at(signing) + _OUTLIVED.get(purpose, _USUALLY_OUTLIVED)
    if keys.clock() < ends_at:
        instant = ends_at.isoformat(timespec="seconds")
        raise BadRequest(f"what the old {purpose} key signed may be alive until {instant}: retire it then")
    entries = [_entry(keys, KeyRetired(purpose.value, one.key.kid)) for one in old]
    keys.table.remove(purpose, [one.row.serial for one in old], *entries)
    return tuple(one.key for one in old)


def _replaced_at(signing: KeyState) -> datetime:
    return signing.row.signs_from or signing.key.created_at


def _entry(keys: Keys, event: Event) -> Entry:
    return Entry(keys.clock(), _OPERATOR, event)
