"""What an administrator sees of the streams of shared signals: what is set up, what came last, when it was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from federation_bridge.audit import AuditQuery, EndedByProvider, Recorded, SignalTaken
from federation_bridge.connectors.signals.transmitter import Transmitter
from federation_bridge.store import Store

_LOOKED_AT = 200
"""Entries of one kind and connection: the newest."""


@dataclass(frozen=True, slots=True)
class StreamTold:
    """The stream of one connection."""

    connection: str
    issuer: str
    is_set_up: bool
    stream: str
    """As the transmitter calls it; empty where it was set up there by hand."""
    made_at: datetime | None
    last_event: str
    """The kind of the newest signal that was believed; empty where none of the newest entries tells of one."""
    last_event_at: datetime | None
    verified_at: datetime | None
    """When a verification event came last."""


def standing(store: Store, transmitters: Mapping[str, Transmitter]) -> tuple[StreamTold, ...]:
    """The stream of each connection that takes signals, by its name. Unavailable."""
    return tuple(_told(store, name, transmitters[name]) for name in sorted(transmitters))


def _told(store: Store, connection: str, transmitter: Transmitter) -> StreamTold:
    stream = store.signal_streams.of(connection)
    taken, ended = _newest(store, connection, SignalTaken.name), _newest(store, connection, EndedByProvider.name)
    events = [(one.at, str(one.details["kind"])) for one in taken]
    events += [
        (one.at, kind)
        for one in ended
        for way, _, kind in (str(one.details["way"]).partition(": "),)
        if way == EndedByProvider.BY_SIGNAL
    ]
    at, kind = max(events, default=(None, ""))
    return StreamTold(
        connection,
        transmitter.settings.issuer,
        stream is not None,
        "" if stream is None else stream.stream,
        None if stream is None else stream.made_at,
        kind,
        at,
        max((one.at for one in taken if one.details["kind"] == "verification"), default=None),
    )


def _newest(store: Store, connection: str, event: str) -> tuple[Recorded, ...]:
    return tuple(islice(store.audit.found(AuditQuery(event=event, connection=connection)), _LOOKED_AT))
