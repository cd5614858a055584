"""Who are you? Sign-in at identity providers, by SAML 2.0 and OpenID Connect.

A connector sends a person to one identity provider (`depart`) and believes an answer only after every check (`arrive`).
It owns the messages, the keys that verify them and the claims in them. Spending a sign-in and a message only once, the
session and what the person may have are the pipeline's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.connectors.oidc.provider import Surroundings
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.keys import KeyRing
from federation_bridge.model import Arrival, Callback, Clock, Departure, KeptDocuments, SignIn
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import OidcConnection, Settings

Notice = Callable[[str, str, str], None]
"""Hears (connection, event, detail) when metadata brings a new key, or a refresh fails; the caller audits it."""


class Connector(Protocol):
    """The way to one identity provider and back."""

    connection: str
    title: str

    def depart(self, sign_in: SignIn) -> Departure:
        """The way to the identity provider; ProviderUnreachable where its metadata is not to be had."""

    def arrive(self, sign_in: SignIn | None, callback: Callback) -> Arrival:
        """Who has come back. `sign_in` was taken by the pipeline and cannot be used again; None: unsolicited.

        SignInRejected where the answer is not believed, ProviderUnreachable where the provider does not answer.
        """


def connectors_from(
    settings: Settings, *, keys: KeyRing, outgoing: Outgoing, kept: KeptDocuments, clock: Clock, notice: Notice
) -> Mapping[str, Connector]:
    """The connectors of all connections by name; ConfigurationInvalid where one of them cannot be made."""
    surroundings = Surroundings(keys, outgoing, kept, clock, notice)
    made: dict[str, Connector] = {}
    for name, connection in settings.connections.items():
        if isinstance(connection, OidcConnection):
            made[name] = OidcConnector(name, connection, settings.base_url, surroundings)
        else:
            raise ConfigurationInvalid(f"connections.{name}: this protocol is not built yet")
    return made
