"""What the verbs of the authorization server work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.audit import AuditLog
from federation_bridge.ending import Endings
from federation_bridge.model import Clock, Identity, Randomness
from federation_bridge.oauth.places import Places
from federation_bridge.rulebook import RulebookInForce
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store

Recheck = Callable[[str, Identity, datetime], None]
"""Asks the identity provider again about a session (its key, whose it is, since when); NotSignedIn where it says no."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Joined by `app.py`, shared by all verbs."""

    settings: Settings
    connections: frozenset[str]
    rulebook: RulebookInForce
    store: Store
    endings: Endings
    audit: AuditLog
    keys: KeyRing
    places: Places
    recheck: Recheck
    clock: Clock
    randomness: Randomness
