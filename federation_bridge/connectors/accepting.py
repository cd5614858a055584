"""An administrator's approval of a waiting document of an identity provider: new keys, endpoints that moved."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from federation_bridge.connectors.oidc.discovery import expected_issuer, read_discovery
from federation_bridge.connectors.oidc.provider import DISCOVERY
from federation_bridge.connectors.oidc.refreshed import date_of, dated, text_of
from federation_bridge.connectors.presets import OIDC_PRESETS
from federation_bridge.connectors.saml.metadata import read_metadata
from federation_bridge.connectors.saml.metadata_source import HELD, KEPT
from federation_bridge.connectors.saml.succession import described
from federation_bridge.errors import ConfigurationInvalid, SignInRejected
from federation_bridge.model import Acceptance, KeptDocuments, LastGood
from federation_bridge.settings import OidcConnection, SamlConnection

DISCOVERY_HELD = f"{DISCOVERY}-held"
_SHOWN_DIGITS = 16


def acceptance_of(kept: LastGood, connection: str, now: datetime) -> Acceptance | None:
    """The yes to what waits on this connection; None where nothing waits."""
    saml = kept.last_good(HELD, connection)
    if saml and saml != kept.last_good(KEPT, connection):
        return Acceptance(connection, HELD, saml, KEPT, saml)
    held, before = kept.last_good(DISCOVERY_HELD, connection), kept.last_good(DISCOVERY, connection)
    if not held or text_of(held) == text_of(before):
        return None
    # Dated by the yes, and after what it replaces by whichever clock: it goes before what was fetched meanwhile.
    accepted_at = max(now, date_of(before) + timedelta(microseconds=1)) if before else now
    return Acceptance(connection, DISCOVERY_HELD, held, DISCOVERY, dated(text_of(held), accepted_at))


def accept_held(kept: KeptDocuments, connection: str, now: datetime) -> bool:
    """Puts what waits on this connection in force; False where nothing waits.

    Every node takes it up when it needs the provider's documents next.
    """
    yes = acceptance_of(kept, connection, now)
    return yes is not None and kept.accept(yes)


def description_of(yes: Acceptance, settings: SamlConnection | OidcConnection) -> str:
    """What the document says, for the audit and for people; ConfigurationInvalid where it cannot be used any more."""
    if isinstance(settings, SamlConnection):
        return "; ".join(described(read_metadata(yes.text.encode(), None, entity_id=settings.idp_entity_id)))
    issuer = expected_issuer(settings.issuer, OIDC_PRESETS[settings.preset].tenancy)
    try:
        uses_userinfo = settings.groups_from == "userinfo"
        found = read_discovery(text_of(yes.text).encode(), issuer, uses_userinfo=uses_userinfo)
    except SignInRejected as refusal:
        raise ConfigurationInvalid(refusal.detail) from None
    return "; ".join(f"{name}: {url}" for name, url in found.endpoints.items())


def digest_of(yes: Acceptance) -> str:
    """By what people tell one document that waits from another: the beginning of its SHA-256, in hexadecimal."""
    text = yes.held if yes.held_kind == HELD else text_of(yes.held)
    return hashlib.sha256(text.encode()).hexdigest()[:_SHOWN_DIGITS]
