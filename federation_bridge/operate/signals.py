"""Shared signals, as an operator sees them: the stream of each connection."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

from federation_bridge import system_clock
from federation_bridge.administration import signals
from federation_bridge.bridge import Parts
from federation_bridge.connectors.signals.transmitter import Transmitter
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.operate.opening import parts_of
from federation_bridge.settings import Settings


def set_up(settings: Settings, connection: str, token_file: Path | None) -> Iterator[str]:
    """Sets the stream up: by the transmitter's API with an access token for it, else what to enter there by hand."""
    with parts_of(settings) as parts:
        transmitter = _transmitter(parts, connection)
        if token_file is None:
            secret = signals.new_token(parts.store, system_clock.utc_now, secrets.token_bytes, connection)
            yield f"Address:              {transmitter.push_url}"
            yield f"Authorization header: Bearer {secret}"
            yield f"Audience:             {transmitter.audience}"
            return
        ask, access = _asking(parts, connection), _read(token_file)
        stream = signals.set_up(parts.store, transmitter, ask, system_clock.utc_now, secrets.token_bytes, access)
        yield f"Stream {stream} is set up."


def status(settings: Settings, connection: str, token_file: Path) -> str:
    """What the transmitter says of the stream."""
    with parts_of(settings) as parts:
        return signals.status(
            parts.store, _transmitter(parts, connection), _asking(parts, connection), _read(token_file)
        )


def verify(settings: Settings, connection: str, token_file: Path) -> str:
    """Asks for a verification event; gives the state that it will name."""
    with parts_of(settings) as parts:
        transmitter, ask = _transmitter(parts, connection), _asking(parts, connection)
        return signals.verify(parts.store, transmitter, ask, secrets.token_bytes, _read(token_file))


def pause(settings: Settings, connection: str, token_file: Path) -> None:
    """Has the transmitter send nothing until `resume`."""
    with parts_of(settings) as parts:
        transmitter, ask = _transmitter(parts, connection), _asking(parts, connection)
        signals.pause(parts.store, transmitter, ask, system_clock.utc_now, _read(token_file))


def resume(settings: Settings, connection: str, token_file: Path) -> None:
    """Has the transmitter send again."""
    with parts_of(settings) as parts:
        transmitter, ask = _transmitter(parts, connection), _asking(parts, connection)
        signals.resume(parts.store, transmitter, ask, system_clock.utc_now, _read(token_file))


def remove(settings: Settings, connection: str, token_file: Path | None) -> None:
    """Takes nothing more by the stream."""
    with parts_of(settings) as parts:
        transmitter, ask = _transmitter(parts, connection), _asking(parts, connection)
        access = "" if token_file is None else _read(token_file)
        signals.remove(parts.store, transmitter, ask, system_clock.utc_now, access)


def _transmitter(parts: Parts, connection: str) -> Transmitter:
    found = parts.transmitters.get(connection)
    if found is None:
        hint = did_you_mean(connection, set(parts.transmitters))
        raise ConfigurationInvalid(f"connection {connection!r} has no section `signals`{hint}")
    return found


def _asking(parts: Parts, connection: str) -> signals.Ask:
    return signals.asking(parts.outgoing, parts.settings.connections[connection].networks)


def _read(token_file: Path) -> str:
    try:
        return token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationInvalid(f"{token_file}: cannot be read ({type(problem).__name__})") from None
