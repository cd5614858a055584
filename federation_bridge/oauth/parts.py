"""What the verbs of the authorization server work with."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.audit import AuditLog
from federation_bridge.model import Clock, Randomness
from federation_bridge.oauth.places import Places
from federation_bridge.rulebook import RulebookInForce
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """Joined by `app.py`, shared by all verbs."""

    settings: Settings
    connections: frozenset[str]
    rulebook: RulebookInForce
    store: Store
    audit: AuditLog
    keys: KeyRing
    places: Places
    clock: Clock
    randomness: Randomness
