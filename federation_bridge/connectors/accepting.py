"""An administrator's yes to a document of an identity provider that waits: new keys, endpoints that moved."""

from __future__ import annotations

import json
from datetime import datetime

from federation_bridge.connectors.oidc.provider import DISCOVERY
from federation_bridge.connectors.saml.metadata_source import HELD, KEPT
from federation_bridge.model import KeptDocuments

_DISCOVERY_HELD = f"{DISCOVERY}-held"


def accept_held(kept: KeptDocuments, connection: str, now: datetime) -> bool:
    """Puts what waits on this connection in force; False where nothing waits.

    Running processes take it up when they look at the provider's documents next.
    """
    saml = kept.last_good(HELD, connection)
    if saml and saml != kept.last_good(KEPT, connection):
        kept.keep(KEPT, connection, saml)
        return True
    return _accept_discovery(kept, connection, now)


def _accept_discovery(kept: KeptDocuments, connection: str, now: datetime) -> bool:
    held = _text(kept.last_good(_DISCOVERY_HELD, connection))
    if not held or held == _text(kept.last_good(DISCOVERY, connection)):
        return False
    # Dated by the yes: it goes before whatever a running process fetched meanwhile.
    kept.keep(DISCOVERY, connection, json.dumps({"fetched_at": now.isoformat(), "text": held}))
    return True


def _text(kept: str | None) -> str:
    return str(json.loads(kept)["text"]) if kept else ""
