"""The identity provider's own things: its people, keys, registered applications, and who is signed in."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from joserfc.jwk import RSAKey

from federation_bridge.model import Clock, Randomness
from federation_bridge.sandbox.directory import Directory
from federation_bridge.sandbox.identity_provider.applications import OidcClient, ServiceProvider, service_provider
from federation_bridge.sandbox.identity_provider.codes import Codes
from federation_bridge.sandbox.identity_provider.presence import Presences
from federation_bridge.sandbox.identity_provider.saml_message import Signer, make_signer, metadata_xml
from federation_bridge.sandbox.identity_provider.styles import StyleName


def _now() -> datetime:
    return datetime.now(UTC)


class IdentityProvider:
    """One company's identity provider at `address` (no slash at its end), in the style of a product.

    `service_providers` (by entityID) and `clients` (by client id) are what its administrator registered.
    """

    def __init__(
        self,
        address: str,
        directory: Directory,
        *,
        style: StyleName = "entra",
        clock: Clock = _now,
        randomness: Randomness = secrets.token_bytes,
        signer: Signer | None = None,
    ) -> None:
        self.address = address
        self.directory = directory
        self.style = style
        self.clock = clock
        self.randomness = randomness
        self.signer = signer or make_signer()
        self.jwk = RSAKey.import_key(self.signer.private_pem.decode(), {"use": "sig", "alg": "RS256"})
        self.jwk.ensure_kid()
        self.passes_over_wishes = False
        """Whether it signs people in as ever, whatever authentication context is asked for."""
        self.presences = Presences(clock, randomness)
        self.codes = Codes(clock, randomness)
        self.service_providers: dict[str, ServiceProvider] = {}
        self.clients: dict[str, OidcClient] = {}

    @property
    def entity_id(self) -> str:
        """Its SAML entityID."""
        return f"{self.address}/saml/metadata"

    @property
    def sso_url(self) -> str:
        """Where AuthnRequests go, by both bindings."""
        return f"{self.address}/saml/sso"

    def metadata(self) -> bytes:
        """Its SAML metadata."""
        return metadata_xml(self.entity_id, self.sso_url, [self.signer])

    def register_service_provider(
        self, metadata: bytes, *, default_relay_state: str = "", encrypts: bool = False
    ) -> ServiceProvider:
        """Registers the SAML application that this metadata describes; Refusal where it describes none."""
        registered = service_provider(metadata, default_relay_state=default_relay_state, encrypts=encrypts)
        self.service_providers[registered.entity_id] = registered
        return registered

    def register_client(self, client: OidcClient) -> None:
        """Registers an OIDC application."""
        self.clients[client.client_id] = client
