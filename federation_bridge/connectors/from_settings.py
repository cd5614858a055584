"""The connectors and transmitters that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from federation_bridge.connectors.attempts import Waiting
from federation_bridge.connectors.connector import Connector
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.connectors.oidc.provider import Surroundings as OidcSurroundings
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import Surroundings as SamlSurroundings
from federation_bridge.connectors.signals.transmitter import Surroundings as SignalSurroundings
from federation_bridge.connectors.signals.transmitter import Transmitter
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Clock, KeptDocuments, Notice
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import OidcConnection, SamlConnection, Settings
from federation_bridge.signing import KeyRing


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
