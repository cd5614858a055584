"""What an administrator has to see to before it hurts: documents that wait for a yes, and what ends.

Told by `check`, by metrics and by the log: once for all nodes, at each threshold before an end, and daily while
something waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from federation_bridge.administration import restoring, scim_told
from federation_bridge.connectors.connector import Connector
from federation_bridge.connectors.standing import Ending, Standing
from federation_bridge.errors import BridgeError
from federation_bridge.model import Clock
from federation_bridge.settings import SamlConnection, Settings
from federation_bridge.signing import KeyRing, Purpose, SigningKey
from federation_bridge.store import Store

_log = structlog.get_logger(__name__)

_GOOD_FOR = 5.0
"""Seconds that one look serves everybody who asks: it reads the database."""

_AT_AWS = "AWS looks at the key alone, so nothing stops"
_AT_PROVIDERS = "some identity providers refuse what is signed or encrypted with it then"


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it at one moment."""

    connections: Mapping[str, Standing] = field(default_factory=dict)
    ours: tuple[Ending, ...] = ()


class Upkeep:
    """Looks at what waits and what ends; several threads share one look."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        keys: KeyRing,
        store: Store,
        settings: Settings,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connectors, self._keys, self._marks, self._clock = connectors, keys, store.service_marks, clock
        self._store, self._settings = store, settings
        self._purposes = purposes_with_certificates(settings)
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._looked_at: float | None = None
        self._seen = Seen()
        self._ours: tuple[Ending, ...] | None = None

    def seen(self) -> Seen:
        """What waits and what ends, at most five seconds old; the last that is known where the database is away."""
        with self._looking:
            if self._looked_at is None or self._monotonic() - self._looked_at >= _GOOD_FOR:
                self._looked_at = self._monotonic()
                try:
                    self._seen = self._look()
                except BridgeError as refusal:
                    _log.warning("what waits and what ends could not be looked at", detail=refusal.detail)
            return self._seen

    def waits(self) -> dict[str, str]:
        """By connection, what waits for a yes."""
        return {name: one.waits for name, one in self.seen().connections.items() if one.waits}

    def tell(self) -> None:
        """Writes into the log what is due; of all processes of all nodes one does. Unavailable as the store."""
        self._ours = None
        seen, now = self.seen(), self._clock()
        for connection, standing in seen.connections.items():
            what = standing.waits
            if what and self._marks.told(f"waits {connection}", f"{now:%Y-%m-%d} {what}"):
                _log.warning("waits for `federation-bridge metadata accept`", connection=connection, detail=what)
            for one in standing.endings:
                self._tell_end(connection, one)
        for one in seen.ours:
            self._tell_end("", one)
        restoration = restoring.waiting(self._store)
        if restoration is not None and self._marks.told("restore waits", f"{now:%Y-%m-%d} {restoration.number}"):
            until = "nobody comes in until `federation-bridge restore --confirm`"
            _log.warning("the database was put back", detail=until)
        for each in scim_told.standing(self._store, self._settings, self._clock):
            if each.is_quiet and self._marks.told(f"scim quiet {each.connection}", str(each.last_contact_at)):
                _log.warning("a SCIM client is quiet", connection=each.connection, detail=each.quiet())

    def _tell_end(self, connection: str, one: Ending) -> None:
        now = self._clock()
        threshold = one.threshold(now)
        if threshold is None:
            return
        told = f"{one.ends_at.isoformat()} {threshold.days}"
        if self._marks.told(f"end {connection} {one.kind} {one.name}", told):
            _log.warning("ends soon" if threshold else "has ended", connection=connection, detail=one.sentence(now))

    def _look(self) -> Seen:
        standing = {name: connector.standing() for name, connector in self._connectors.items()}
        if self._ours is None:  # our keys are opened for it, which is not done for each who asks
            self._ours = tuple(ending_of(key) for purpose in self._purposes for key in self._keys.made(purpose))
        return Seen(standing, self._ours)


def purposes_with_certificates(settings: Settings) -> tuple[Purpose, ...]:
    """The purposes whose keys others know by a certificate."""
    speaks_saml = any(isinstance(one, SamlConnection) for one in settings.connections.values())
    return (Purpose.AWS_SAML, *((Purpose.SERVICE_PROVIDER, Purpose.DECRYPTION) if speaks_saml else ()))


def ending_of(key: SigningKey) -> Ending:
    """The end of one of our own certificates."""
    consequence = _AT_AWS if key.purpose is Purpose.AWS_SAML else _AT_PROVIDERS
    return Ending(
        f"certificate of our own key {key.purpose.value}", key.kid[:16], key.ends_at, consequence, key.begins_at
    )
