"""Who are you? Sign-in at identity providers, by SAML 2.0 and OpenID Connect.

Owns the way there and all that is checked of an answer: `depart` and `arrive` of each connection. It leaves to the
pipeline what must be atomic (that a sign-in and a message work once), and knows nothing of sessions, rules and AWS.
What differs between providers in name only is data, in `presets`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from federation_bridge.connectors.attempts import Waiting
from federation_bridge.connectors.authentication_methods import AuthenticationMethods
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.connectors.oidc.provider import Surroundings as OidcSurroundings
from federation_bridge.connectors.refreshing import Refresher
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.logout import AskedToEnd
from federation_bridge.connectors.saml.metadata_source import Surroundings as SamlSurroundings
from federation_bridge.connectors.signals.transmitter import Surroundings as SignalSurroundings
from federation_bridge.connectors.signals.transmitter import Transmitter
from federation_bridge.connectors.standing import Standing
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Arrival, Callback, Clock, Departure, KeptDocuments, Notice, SignIn
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import OidcConnection, SamlConnection, Settings
from federation_bridge.signing import KeyRing

__all__ = [
    "AskedToEnd",
    "Connector",
    "OidcConnector",
    "SamlConnector",
    "Transmitter",
    "connectors_from",
    "transmitters_from",
]


class Connector(Protocol):
    """One connection to an identity provider."""

    connection: str
    """Its name in settings, rules and addresses."""
    title: str
    """What people read on the choice page."""
    methods: AuthenticationMethods
    """What its provider can be asked for, and be held to."""
    refresher: Refresher
    """Keeps what the provider publishes fresh; started and stopped by the process that serves."""

    def depart(self, sign_in: SignIn) -> Departure:
        """The way to the identity provider; raises ProviderUnreachable."""

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None], /) -> Arrival:
        """Who has come back; None: unsolicited. Raises SignInRejected, ProviderUnreachable.

        `take` takes the sign-in, once for all nodes, or raises SignInExpired: to be called before the provider is asked
        anything about this answer, so that one sign-in asks once. A connector that asks nothing need not call it.
        """

    def sign_out(self, material: Mapping[str, str], handle: str, /) -> Departure | None:
        """The way to sign out at the identity provider; None where it offers none. ProviderUnreachable.

        `material`: what the arrival asked to keep; `handle`: unguessable, and told again by the answer.
        """

    def recheck(self, material: Mapping[str, str], /) -> dict[str, str] | None:
        """Asks the provider again whether a session may go on, and gives the material to keep; None: it cannot be asked
        without the person. GrantEnded where it may not; ProviderUnreachable.
        """

    def standing(self) -> Standing:
        """What waits for an administrator, and what ends; nothing is fetched. Unavailable as the store."""

    def refresh(self) -> str:
        """Looks now at what the provider publishes; gives what is wrong, or nothing. Unavailable as the store."""

    def watch(self) -> None:
        """Follows its files, where it has any. Cheap: called each second, beside the requests."""


def connectors_from(
    settings: Settings,
    *,
    keys: KeyRing,
    outgoing: Outgoing,
    kept: KeptDocuments,
    clock: Clock,
    notice: Callable[[Notice], None],
) -> Mapping[str, Connector]:
    """A connector for each connection of the settings, by its name, in their order.

    Raises ConfigurationInvalid, also where two connections are one identity provider: an answer meant for the one
    could then be shown to the other.
    """
    found: dict[str, Connector] = {}
    waiting = Waiting.in_a_process(settings.serving.threads)
    for name, connection in settings.connections.items():
        if isinstance(connection, SamlConnection):
            around = SamlSurroundings(outgoing, kept, clock, notice, waiting)
            found[name] = SamlConnector(name, connection, (settings.base_url, settings.saml_entity_id), keys, around)
        else:
            surroundings = OidcSurroundings(keys, outgoing, kept, clock, notice, waiting=waiting)
            found[name] = OidcConnector(name, connection, settings.base_url, surroundings)
    _check_distinct(found, settings)
    return found


def transmitters_from(
    settings: Settings, *, outgoing: Outgoing, kept: KeptDocuments, clock: Clock
) -> Mapping[str, Transmitter]:
    """The transmitter of shared signals of each connection that takes some."""
    waiting = Waiting.in_a_process(settings.serving.threads)
    around = SignalSurroundings(settings.base_url, outgoing, kept, clock, waiting)
    return {
        name: Transmitter(name, connection, connection.signals, around)
        for name, connection in settings.connections.items()
        if connection.signals is not None
    }


def _check_distinct(connectors: Mapping[str, Connector], settings: Settings) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for name, connector in connectors.items():
        identity = _provider(connector, settings.connections[name])
        if identity in seen:
            raise ConfigurationInvalid(f"connections {seen[identity]!r} and {name!r} are the same identity provider")
        seen[identity] = name


def _provider(connector: Connector, settings: SamlConnection | OidcConnection) -> tuple[str, ...]:
    """What makes the identity provider behind a connection one; the connection itself where that is not known yet."""
    if isinstance(settings, OidcConnection):
        return ("oidc", settings.issuer, settings.client_id)
    known = connector.idp_entity_id if isinstance(connector, SamlConnector) else None
    return ("saml", known) if known else ("unknown", connector.connection)
