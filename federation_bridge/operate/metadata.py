"""The documents of identity providers, as an operator sees them, asks for them and says yes to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from federation_bridge import system_clock
from federation_bridge.administration import metadata
from federation_bridge.audit import printable
from federation_bridge.connectors.connector import Connector
from federation_bridge.errors import ConfigurationInvalid, ProviderUnreachable
from federation_bridge.keys_and_endings import key_ring
from federation_bridge.model import KeptDocuments, Notice
from federation_bridge.operate.opening import looking_at, store_and_key_of, store_of
from federation_bridge.settings import Settings


def lines(settings: Settings, connection: str | None) -> Iterator[str]:
    """What is in force at each connection, or at one, what ends and what waits; nothing is fetched."""
    chosen = settings.connections if connection is None else {_known(settings, connection): None}
    with looking_at(settings) as parts:
        for name in chosen:
            standing = parts.connectors[name].standing()
            yield f"{name}:"
            for line in standing.described or ("nothing is known yet: `federation-bridge metadata refresh` asks",):
                yield f"  {printable(line)}"
            yield from (f"  {printable(one.sentence(parts.clock()))}" for one in standing.endings)
            if digest := metadata.waiting(parts.store, parts.clock, name):
                yield f"  waits for a yes, document {digest}: {printable(standing.waits)}"


def refresh(settings: Settings, connection: str) -> Iterator[str]:
    """Asks the identity provider now, as `administration.metadata` does; a line for each thing that came of it.

    ProviderUnreachable, ConfigurationInvalid where the last good documents have to go on.
    """
    from federation_bridge import app  # noqa: PLC0415 - imports all parts

    _known(settings, connection)
    with store_and_key_of(settings) as (store, sealing_key):

        def connect(kept: KeptDocuments, notice: Callable[[Notice], None]) -> Connector:
            return app.connector_of(settings, connection, key_ring(settings, sealing_key, store), kept, notice)

        asked = metadata.refresh(store, system_clock.utc_now, connection, connect)
    yield from map(printable, asked.noticed)
    if asked.waits:
        yield f"waits for `federation-bridge metadata accept {connection}`: {printable(asked.waits)}"
    elif asked.problem:
        raise ProviderUnreachable(f"connection {connection}: {asked.problem}")
    elif not asked.noticed:
        yield "What is published is in force."


def accept(settings: Settings, connection: str, digest: str) -> str:
    """Says yes to what waits, as `administration.metadata` does; gives what that was, "" where nothing waits."""
    _known(settings, connection)
    with store_of(settings) as store:
        chosen = settings.connections[connection]
        return printable(metadata.accept(store, system_clock.utc_now, connection, chosen, digest))


def _known(settings: Settings, connection: str) -> str:
    if connection not in settings.connections:
        raise ConfigurationInvalid(f"no connection is called {connection!r}")
    return connection
