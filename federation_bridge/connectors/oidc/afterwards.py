"""After a sign-in: what of its tokens is kept, to ask the provider again and to sign out there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from federation_bridge.connectors.endpoints import host_of
from federation_bridge.connectors.oidc.discovery import ProviderMetadata
from federation_bridge.connectors.oidc.token_request import Tokens
from federation_bridge.model import Departure
from federation_bridge.settings import OidcConnection

_LONGEST_HINT = 6_000
"""A longer ID token is no hint: it would not fit into an address."""


def material_of(tokens: Tokens, settings: OidcConnection) -> dict[str, str]:
    """What is kept of these checked tokens: only what the settings have a use for."""
    kept: dict[str, str] = {}
    if settings.sign_out_there and len(tokens.unverified_id_token) <= _LONGEST_HINT:
        kept["id_token"] = tokens.unverified_id_token
    if settings.recheck_every is not None and tokens.refresh_token is not None:
        kept["refresh_token"] = tokens.refresh_token
    return kept


def scopes_of(settings: OidcConnection) -> tuple[str, ...]:
    """What is asked for; with `recheck_every` a refresh token too, which Google gives by no scope."""
    if settings.recheck_every is None or settings.preset == "google" or "offline_access" in settings.scopes:
        return settings.scopes
    return (*settings.scopes, "offline_access")


def sign_out_there(
    metadata: ProviderMetadata, settings: OidcConnection, base_url: str, material: Mapping[str, str], state: str
) -> Departure | None:
    """The way to sign out at the provider (RP-Initiated Logout 1.0, 2); None where it offers none that we trust."""
    address = metadata.end_session_endpoint
    known = {host_of(metadata.authorization_endpoint), host_of(metadata.issuer), *settings.endpoint_hosts}
    if address is None or host_of(address) not in known:
        return None
    asked = {
        "client_id": settings.client_id,
        "post_logout_redirect_uri": f"{base_url}/signed-out",
        "state": state,
    }
    if hint := material.get("id_token"):
        asked["id_token_hint"] = hint
    return Departure(f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}")
