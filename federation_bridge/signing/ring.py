"""Our keys, one for each purpose: made once, even when several workers start together, and sealed at rest.

A key that signs for one purpose is never used for another, so a statement of one kind can never pass as another kind.
Callers ask for a signature or for public keys; no private key leaves this room.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from federation_bridge.errors import ConfigurationInvalid, Unavailable
from federation_bridge.model import Clock, SealedKey, SealedKeys
from federation_bridge.signing import local
from federation_bridge.signing.changes import FirstKeyMade
from federation_bridge.signing.key import SigningKey
from federation_bridge.signing.purposes import Purpose
from federation_bridge.signing.sealing import NOT_A_SEALING_KEY, SEALING_KEY_BYTES, derived_key

_LOOK_EVERY = 5.0
"""Seconds after which a process looks whether keys were made, put into use or retired elsewhere."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The keys of a purpose as they were found at one look."""

    opened: Mapping[bytes, SigningKey]
    keys: tuple[SigningKey, ...]
    looked_at: float
    """By the monotonic clock."""
    changes_at: datetime | None
    """When another of them begins to sign."""


def signing_one(rows: Sequence[SealedKey], now: datetime) -> SealedKey:
    """Of a purpose's keys, the newest first, the one that signs now: the newest whose time has come, or the oldest.

    `rows` holds one at least.
    """
    return next((row for row in rows if row.signs_from is not None and row.signs_from <= now), rows[-1])


class KeyRing:
    """The keys of this deployment, opened when first asked for and then kept in memory."""

    def __init__(
        self,
        sealing_key: bytes,
        sealed_keys: SealedKeys,
        clock: Clock,
        common_name: str,
        *,
        may_make: bool = True,
    ) -> None:
        """`sealing_key`: 32 bytes. `common_name`: our host.

        Without `may_make` a key that is not there is ConfigurationInvalid.
        """
        if len(sealing_key) != SEALING_KEY_BYTES:
            raise ConfigurationInvalid(f"the sealing key {NOT_A_SEALING_KEY}")
        self._sealing_key = sealing_key
        self._cipher = AESGCM(sealing_key)
        self._sealed_keys = sealed_keys
        self._clock = clock
        self._common_name = common_name
        self._may_make = may_make
        self._lock = threading.Lock()
        self._monotonic = time.monotonic
        self._held: dict[Purpose, _Held] = {}

    def current(self, purpose: Purpose) -> SigningKey:
        """The key that signs for this purpose now, made if there is none; ConfigurationInvalid if it does not open."""
        return self.all(purpose)[0]

    def all(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        """Every key of this purpose that others should believe, the signing one first; never empty.

        What another process changed is seen within seconds. While the database does not answer, the keys that are
        known go on.
        """
        held = self._held.get(purpose)
        if held is not None and self._is_fresh(held):
            return held.keys
        # Whoever holds keys already does not wait for another's look.
        if not self._lock.acquire(blocking=held is None):
            return held.keys if held is not None else ()
        try:
            held = self._held.get(purpose)
            if held is None or not self._is_fresh(held):
                held = self._held[purpose] = self._looked(purpose, held)
            return held.keys
        finally:
            self._lock.release()

    def made(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        """As `all`, but empty where there is none yet: none is made."""
        rows = self._sealed_keys.sealed(purpose)
        return tuple(self._opened(purpose, rows, None).values()) if rows else ()

    def _is_fresh(self, held: _Held) -> bool:
        if self._monotonic() - held.looked_at > _LOOK_EVERY:
            return False
        return held.changes_at is None or self._clock() < held.changes_at

    def _looked(self, purpose: Purpose, held: _Held | None) -> _Held:
        looked_at = self._monotonic()
        try:
            rows = self._sealed_keys.sealed(purpose)
        except Unavailable:
            if held is None:
                raise
            rows = ()
        if held is not None and not rows:
            # No answer, or a table that was emptied under us: that is no reason to make another key.
            return replace(held, looked_at=looked_at)
        rows = rows or (self._put_first(purpose),)
        now = self._clock()
        ahead = [row.signs_from for row in rows if row.signs_from is not None and row.signs_from > now]
        opened = self._opened(purpose, rows, held)
        keys = tuple(opened.values())
        # The very same tuple where nothing changed: others keep what they made of it.
        same = held.keys if held is not None and held.keys == keys else keys
        return _Held(opened, same, looked_at, min(ahead, default=None))

    def _opened(self, purpose: Purpose, rows: tuple[SealedKey, ...], held: _Held | None) -> dict[bytes, SigningKey]:
        # Reading a private key costs more than a signature: what is open stays open.
        known = held.opened if held is not None else {}
        signing = signing_one(rows, self._clock())
        ordered = sorted(rows, key=lambda row: row is not signing)
        return {row.sealed: known.get(row.sealed) or local.unseal(self._cipher, purpose, row.sealed) for row in ordered}

    def _put_first(self, purpose: Purpose) -> SealedKey:
        if not self._may_make:
            raise ConfigurationInvalid(f"there is no {purpose} key yet: `federation-bridge migrate` makes it")
        private_key, made = local.make(purpose, self._common_name, self._clock())
        # Several workers may be here at once: the store lets the first one in and everybody uses what stands then.
        mine = local.seal(self._cipher, private_key, made)
        return self._sealed_keys.put_first(purpose, mine, FirstKeyMade(made.purpose.value, made.kid))

    def open(self, purpose: Purpose, row: SealedKey) -> SigningKey:
        """The key in this row; ConfigurationInvalid where it does not open."""
        return local.unseal(self._cipher, purpose, row.sealed)

    def another(self, purpose: Purpose) -> tuple[SigningKey, bytes]:
        """A new key of this purpose, and how it may lie in the store; nothing is stored."""
        private_key, made = local.make(purpose, self._common_name, self._clock())
        return made, local.seal(self._cipher, private_key, made)

    def secret_for(self, use: str) -> bytes:
        """32 bytes for one use that has no key of its own, the same on all nodes (`sealing.derived_key`)."""
        return derived_key(self._sealing_key, use)
