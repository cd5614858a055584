"""Our keys, one for each purpose: made once, even when several workers start together, and sealed at rest.

A key that signs for one purpose is never used for another, so a statement of one kind can never pass as another kind.
Callers ask for a signature or for public keys; no private key leaves this room.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Clock, SealedKeys
from federation_bridge.signing import local
from federation_bridge.signing.key import SigningKey
from federation_bridge.signing.purposes import Purpose
from federation_bridge.signing.sealing import NOT_A_SEALING_KEY, SEALING_KEY_BYTES, derived_key


class KeyRing:
    """The keys of this deployment, opened when first asked for and then kept in memory."""

    def __init__(
        self,
        sealing_key: bytes,
        sealed_keys: SealedKeys,
        clock: Clock,
        common_name: str,
        on_made: Callable[[SigningKey], None] = lambda _key: None,
        *,
        may_make: bool = True,
    ) -> None:
        """`sealing_key`: 32 bytes. `common_name`: our host. `on_made` hears of a key that this process made.

        Without `may_make` a key that is not there is ConfigurationInvalid.
        """
        if len(sealing_key) != SEALING_KEY_BYTES:
            raise ConfigurationInvalid(f"the sealing key {NOT_A_SEALING_KEY}")
        self._sealing_key = sealing_key
        self._cipher = AESGCM(sealing_key)
        self._sealed_keys = sealed_keys
        self._clock = clock
        self._common_name = common_name
        self._on_made = on_made
        self._may_make = may_make
        self._lock = threading.Lock()
        self._opened: dict[Purpose, tuple[SigningKey, ...]] = {}

    def current(self, purpose: Purpose) -> SigningKey:
        """The key that signs for this purpose now, made if there is none; ConfigurationInvalid if it does not open."""
        return self.all(purpose)[0]

    def all(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        """Every key of this purpose that others should believe, the signing one first; never empty."""
        opened = self._opened.get(purpose)
        if opened is not None:
            return opened
        with self._lock:
            if purpose not in self._opened:
                self._opened[purpose] = self._open_or_make(purpose)
            return self._opened[purpose]

    def made(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        """As `all`, but empty where there is none yet: none is made."""
        return tuple(local.unseal(self._cipher, purpose, one) for one in self._sealed_keys.sealed(purpose))

    def secret_for(self, use: str) -> bytes:
        """32 bytes for one use that has no key of its own, the same on all nodes (`sealing.derived_key`)."""
        return derived_key(self._sealing_key, use)

    def _open_or_make(self, purpose: Purpose) -> tuple[SigningKey, ...]:
        sealed = self._sealed_keys.sealed(purpose)
        if sealed:
            return tuple(local.unseal(self._cipher, purpose, one) for one in sealed)
        if not self._may_make:
            raise ConfigurationInvalid(f"there is no {purpose} key yet: `federation-bridge migrate` makes it")
        private_key, made = local.make(purpose, self._common_name, self._clock())
        sealed_key = local.seal(self._cipher, private_key, made)
        # Several workers may be here at once: the store lets the first one in and everybody uses what stands then.
        standing = local.unseal(self._cipher, purpose, self._sealed_keys.put_first(purpose, sealed_key))
        if standing.kid == made.kid:
            self._on_made(made)
        return (standing,)
