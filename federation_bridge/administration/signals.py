"""The stream of shared signals of a connection, as an operator sets it up, looks at it, tries it and removes it.

The stream's own API (SSF 1.0, 8.1) is asked at the addresses of the transmitter's configuration, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from federation_bridge.audit import Entry, SignalStreamChanged
from federation_bridge.connectors.from_settings import transmitters_from
from federation_bridge.connectors.oidc.strict_json import published_object
from federation_bridge.connectors.signals.event import KINDS
from federation_bridge.connectors.signals.transmitter import Transmitter
from federation_bridge.errors import BadRequest, NotFound, ProviderUnreachable, SignInRejected
from federation_bridge.model import Caller, Clock, Randomness, RequestOrigin
from federation_bridge.notices import DocumentsAndNotices
from federation_bridge.outgoing import Fetched, Outgoing
from federation_bridge.settings import Settings
from federation_bridge.store import Store

Ask = Callable[[str, str, dict[str, str], bytes | None], Fetched]
"""Fetches: method, address, headers, body."""

_OPERATOR = RequestOrigin(reference="operator")
_PUSH = "urn:ietf:rfc:8935"
_LONGEST_ID = 256
_MOST_ANSWER = 256_000


def new_token(store: Store, clock: Clock, randomness: Randomness, connection: str, stream: str = "") -> str:
    """A new token of the connection's stream, in place of the one before; audited. It is told this once.

    For a transmitter at which streams are set up by hand, and part of `set_up`.
    """
    secret = f"fbe_{randomness(32).hex()}"
    entry = Entry(clock(), _OPERATOR, SignalStreamChanged("a token was made"), connection=connection)
    store.signal_streams.put(connection, secret, stream, entry)
    return secret


def set_up(
    store: Store, transmitter: Transmitter, ask: Ask, clock: Clock, randomness: Randomness, access_token: str
) -> str:
    """Makes a stream at the transmitter that pushes to us, and gives what it is called there.

    The token is kept before the transmitter hears of it, so no event of the new stream is refused. BadRequest where
    the transmitter has no such API, ProviderUnreachable where it refuses.
    """
    secret = new_token(store, clock, randomness, transmitter.connection)
    asked = {
        "delivery": {
            "method": _PUSH,
            "endpoint_url": transmitter.push_url,
            "authorization_header": f"Bearer {secret}",
        },
        "events_requested": sorted(KINDS),
        "description": "federation bridge",
    }
    answer = _asked(ask, _address(transmitter, "configuration_endpoint"), access_token, "POST", asked)
    stream, audience = answer.get("stream_id"), answer.get("aud")
    if not isinstance(stream, str) or not 0 < len(stream) <= _LONGEST_ID:
        raise ProviderUnreachable("the transmitter's answer names no `stream_id`")
    audiences = audience if isinstance(audience, list) else [audience]
    if audience is not None and transmitter.audience not in audiences:
        raise BadRequest(f"its events will be for {audience!r}: set `signals.audience` to that, and set up again")
    entry = Entry(clock(), _OPERATOR, SignalStreamChanged("set up"), connection=transmitter.connection)
    store.signal_streams.put(transmitter.connection, secret, stream, entry)
    return stream


def status(store: Store, transmitter: Transmitter, ask: Ask, access_token: str) -> str:
    """What the transmitter says of the stream: `enabled`, `paused`, `disabled`."""
    address = f"{_address(transmitter, 'status_endpoint')}?{_named(_stream(store, transmitter))}"
    return str(_asked(ask, address, access_token, "GET", None).get("status", "not told"))[:80]


def verify(store: Store, transmitter: Transmitter, ask: Ask, randomness: Randomness, access_token: str) -> str:
    """Asks the transmitter for a verification event; gives its state. It comes by the stream, and the audit has it."""
    state = randomness(8).hex()
    asked = {"stream_id": _stream(store, transmitter), "state": state}
    _asked(ask, _address(transmitter, "verification_endpoint"), access_token, "POST", asked)
    return state


def pause(
    store: Store, transmitter: Transmitter, ask: Ask, clock: Clock, access_token: str, caller: Caller | None = None
) -> None:
    """Has the transmitter send nothing until `resume`; what happens meanwhile it keeps or drops, as it says."""
    # First: what the audit cannot take is not done.
    store.audit.record(_entry(transmitter, clock, "asked to pause", caller))
    _change_status(store, transmitter, ask, access_token, "paused")


def resume(
    store: Store, transmitter: Transmitter, ask: Ask, clock: Clock, access_token: str, caller: Caller | None = None
) -> None:
    """Has the transmitter send again."""
    store.audit.record(_entry(transmitter, clock, "asked to resume", caller))
    _change_status(store, transmitter, ask, access_token, "enabled")


def remove(
    store: Store, transmitter: Transmitter, ask: Ask, clock: Clock, access_token: str, caller: Caller | None = None
) -> None:
    """Takes nothing more by the stream, from now on; then has the transmitter delete it, where it has that API."""
    found = store.signal_streams.of(transmitter.connection)
    entry = _entry(transmitter, clock, "removed", caller)
    if not store.signal_streams.remove(transmitter.connection, entry) or found is None:
        raise NotFound(f"connection {transmitter.connection} has no stream")
    if found.stream and access_token:
        address = f"{_address(transmitter, 'configuration_endpoint')}?{_named(found.stream)}"
        _asked(ask, address, access_token, "DELETE", None)


def transmitters(store: Store, settings: Settings, outgoing: Outgoing, clock: Clock) -> Mapping[str, Transmitter]:
    """The transmitter of each connection that takes signals, for a command: made over the store alone."""
    kept = DocumentsAndNotices(store.documents, clock)
    return transmitters_from(settings, outgoing=outgoing, kept=kept, clock=clock)


def asking(outgoing: Outgoing, networks: tuple[str, ...]) -> Ask:
    """Fetches from the transmitter's API, bounded; `networks`: private ones that this connection may reach."""

    def ask(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Fetched:
        return outgoing.fetch(url, method=method, headers=headers, data=body, networks=networks, max_bytes=_MOST_ANSWER)

    return ask


def _change_status(store: Store, transmitter: Transmitter, ask: Ask, access_token: str, status: str) -> None:
    asked = {"stream_id": _stream(store, transmitter), "status": status}
    _asked(ask, _address(transmitter, "status_endpoint"), access_token, "POST", asked)


def _entry(transmitter: Transmitter, clock: Clock, did: str, caller: Caller | None) -> Entry:
    origin, person = (_OPERATOR, "") if caller is None else (caller.origin, caller.session.identity.person)
    return Entry(clock(), origin, SignalStreamChanged(did), person=person, connection=transmitter.connection)


def _stream(store: Store, transmitter: Transmitter) -> str:
    found = store.signal_streams.of(transmitter.connection)
    if found is None or not found.stream:
        raise NotFound(f"connection {transmitter.connection} has no stream that was set up from here")
    return found.stream


def _named(stream: str) -> str:
    """The stream in a query, as its transmitter called it: whatever that holds, it names one stream alone."""
    return urlencode({"stream_id": stream})


def _address(transmitter: Transmitter, name: str) -> str:
    found = transmitter.configuration().endpoints.get(name)
    if found is None:
        raise BadRequest(f"the transmitter's configuration has no `{name}`: set the stream up there by hand")
    return found


def _asked(ask: Ask, address: str, access_token: str, method: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    answer = ask(method, address, headers, None if body is None else json.dumps(body).encode())
    if answer.status not in range(200, 300):
        raise ProviderUnreachable(f"the transmitter answered {answer.status} to {method}")
    if not answer.body.strip():
        return {}
    try:
        return dict(published_object(answer.body, "the transmitter's answer"))
    except SignInRejected as problem:
        raise ProviderUnreachable(problem.detail) from None
