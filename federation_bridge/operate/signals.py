"""Shared signals, as an operator sees them: the stream of each connection."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from federation_bridge import system_clock
from federation_bridge.administration import signals
from federation_bridge.connectors.signals.transmitter import Transmitter
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.operate.opening import store_looked_at, store_of
from federation_bridge.outgoing import Outgoing
from federation_bridge.settings import Settings
from federation_bridge.store import Store


@dataclass(frozen=True, slots=True)
class _Stream:
    """What the verbs work with: no rules are read for it, so none come into force."""

    store: Store
    transmitter: Transmitter
    ask: signals.Ask


def set_up(settings: Settings, connection: str, token_file: Path | None) -> Iterator[str]:
    """Sets the stream up: by the transmitter's API with an access token for it, else what to enter there by hand."""
    with _stream(settings, connection, store_of) as stream:
        store, transmitter = stream.store, stream.transmitter
        if token_file is None:
            secret = signals.new_token(store, system_clock.utc_now, secrets.token_bytes, connection)
            yield f"Address:              {transmitter.push_url}"
            yield f"Authorization header: Bearer {secret}"
            yield f"Audience:             {transmitter.audience}"
            return
        access = _read(token_file)
        made = signals.set_up(store, transmitter, stream.ask, system_clock.utc_now, secrets.token_bytes, access)
        yield f"Stream {made} is set up."


def status(settings: Settings, connection: str, token_file: Path) -> str:
    """What the transmitter says of the stream."""
    with _stream(settings, connection, store_looked_at) as stream:
        return signals.status(stream.store, stream.transmitter, stream.ask, _read(token_file))


def verify(settings: Settings, connection: str, token_file: Path) -> str:
    """Asks for a verification event; gives the state that it will name."""
    with _stream(settings, connection, store_looked_at) as stream:
        return signals.verify(stream.store, stream.transmitter, stream.ask, secrets.token_bytes, _read(token_file))


def pause(settings: Settings, connection: str, token_file: Path) -> None:
    """Has the transmitter send nothing until `resume`."""
    with _stream(settings, connection, store_of) as stream:
        signals.pause(stream.store, stream.transmitter, stream.ask, system_clock.utc_now, _read(token_file))


def resume(settings: Settings, connection: str, token_file: Path) -> None:
    """Has the transmitter send again."""
    with _stream(settings, connection, store_of) as stream:
        signals.resume(stream.store, stream.transmitter, stream.ask, system_clock.utc_now, _read(token_file))


def remove(settings: Settings, connection: str, token_file: Path | None) -> None:
    """Takes nothing more by the stream."""
    with _stream(settings, connection, store_of) as stream:
        access = "" if token_file is None else _read(token_file)
        signals.remove(stream.store, stream.transmitter, stream.ask, system_clock.utc_now, access)


@contextmanager
def _stream(
    settings: Settings, connection: str, opening: Callable[[Settings], AbstractContextManager[Store]]
) -> Iterator[_Stream]:
    outgoing = Outgoing(settings.outgoing.proxy, settings.outgoing.ca_bundle, settings.outgoing.timeout)
    with opening(settings) as store:
        found = signals.transmitters(store, settings, outgoing, system_clock.utc_now)
        if connection not in found:
            hint = did_you_mean(connection, set(found))
            raise ConfigurationInvalid(f"connection {connection!r} has no section `signals`{hint}")
        ask = signals.asking(outgoing, settings.connections[connection].networks)
        yield _Stream(store, found[connection], ask)


def _read(token_file: Path) -> str:
    try:
        return token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationInvalid(f"{token_file}: cannot be read ({type(problem).__name__})") from None
