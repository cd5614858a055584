"""Another sealing key in place of the present one: nothing in the database opens by the old one any more (ADR 66)."""

from __future__ import annotations

from dataclasses import dataclass, field

from federation_bridge import provider_material
from federation_bridge.administration.backing_up import backup_key
from federation_bridge.audit import Entry, SealingKeyChanged
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Clock, Randomness, RequestOrigin
from federation_bridge.notices import SealedKeysAndNotices
from federation_bridge.provider_material import SealedMaterial
from federation_bridge.signing import KeyRing, Purpose, derived_key, sealed_anew
from federation_bridge.store import ROWS_USE, Store
from federation_bridge.store.resealing import Anew, Resealed

_OPERATOR = RequestOrigin(reference="operator")


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """The sealing key in force, and the one that takes its place."""

    before: bytes = field(repr=False)
    after: bytes = field(repr=False)

    @property
    def names(self) -> tuple[str, str]:
        """The names by which backups tell the two keys apart. A name tells nothing about its key."""
        return backup_key(self.before).name, backup_key(self.after).name


def is_done(store: Store, keys: SealingKeys, clock: Clock) -> bool:
    """Whether all that lies sealed here opens by the new key already; ConfigurationInvalid where it does by neither."""
    if _opens(store, keys.before, clock):
        return False
    if _opens(store, keys.after, clock):
        return True
    before, after = keys.names
    raise ConfigurationInvalid(
        f"what lies in the database opens neither by the sealing key in force ({before}) nor by the new one ({after}): "
        "put the one that sealed it in force"
    )


def reseal(store: Store, keys: SealingKeys, clock: Clock, randomness: Randomness, serving: str = "") -> Resealed:
    """Makes all that hangs on the sealing key anew, in one transaction; audited. Raises as `Resealing.reseal`.

    `store` is open under the key in force. `serving`: the user of PostgreSQL that nodes come as.
    """
    material_before, material_after = (
        SealedMaterial(derived_key(key, provider_material.USE), randomness) for key in (keys.before, keys.after)
    )

    def material(session: str, sealed: str) -> str:
        opened = material_before.open(session, sealed)
        if not opened:
            raise ConfigurationInvalid(f"what is kept with the session {session} does not open by the key in force")
        return material_after.seal(session, opened)

    def key(purpose: str, sealed: bytes) -> bytes:
        return sealed_anew(keys.before, keys.after, purpose, sealed)

    def entries_of(done: Resealed) -> tuple[Entry, ...]:
        before, after = keys.names
        event = SealingKeyChanged(before, after, done.keys, done.rows, done.pending)
        return (Entry(clock(), _OPERATOR, event),)

    anew = Anew(derived_key(keys.after, ROWS_USE), key, material)
    return store.resealing.reseal(anew, serving, entries_of)


def _opens(store: Store, sealing_key: bytes, clock: Clock) -> bool:
    ring = KeyRing(sealing_key, SealedKeysAndNotices(store.sealed_keys, clock), clock, "", may_make=False)
    try:
        for purpose in Purpose:
            ring.made(purpose)
    except ConfigurationInvalid:
        return False
    return True
