"""What every route needs at hand: the bridge, the settings, the present visit and the session of this browser."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Request, current_app, g, request

from federation_bridge.audit import AuditLog
from federation_bridge.bridge import Bridge
from federation_bridge.connectors import Connector
from federation_bridge.errors import NotSignedIn
from federation_bridge.keys import KeyRing
from federation_bridge.model import Clock, Randomness, Session, Visit
from federation_bridge.oauth.authorization_server import AuthorizationServer
from federation_bridge.rulebook import Rulebook
from federation_bridge.settings import Settings
from federation_bridge.store import Store
from federation_bridge.web import cookies

EXTENSION = "federation_bridge"


@dataclass(frozen=True, slots=True)
class Door:
    """The parts that routes may use; `app.py` fills it once."""

    bridge: Bridge
    oauth: AuthorizationServer
    settings: Settings
    connectors: dict[str, Connector]
    keys: KeyRing
    store: Store
    rulebook: Rulebook
    audit: AuditLog
    clock: Clock
    randomness: Randomness
    form_targets: tuple[str, ...] = field(default=())
    """Origins to which a form of ours may lead (CSP form-action)."""


def door() -> Door:
    """The door of the running application."""
    found = current_app.extensions[EXTENSION]
    if not isinstance(found, Door):
        raise TypeError("the application was not made by create_app")
    return found


def visit() -> Visit:
    """Who is asking: made once per request."""
    found = g.get("visit")
    if not isinstance(found, Visit):
        found = Visit(
            reference=new_reference(door().randomness),
            address=client_address(request, door().settings.serving.trusted_proxies),
            user_agent=request.user_agent.string[:256],
        )
        g.visit = found
    return found


def new_reference(randomness: Randomness) -> str:
    """A short number that a person can read out over the telephone: 8 letters and digits, 40 bits."""
    text = base64.b32encode(randomness(5)).decode()
    return f"{text[:4]}-{text[4:]}"


def client_address(received: Request, trusted: Sequence[str]) -> str:
    """The address of the person's machine.

    X-Forwarded-For is believed only as far as trusted peers wrote it: read from the right, the first address that is
    not a trusted proxy is the client (attack: a client writes the left part itself).
    """
    address = received.remote_addr or ""
    networks = [ipaddress.ip_network(network) for network in trusted]
    hops = [hop.strip() for value in received.headers.getlist("X-Forwarded-For") for hop in value.split(",")]
    address = _plain(address)
    while hops and _is_in(address, networks):
        address = _plain(hops.pop())
    return address[:64]


def _plain(address: str) -> str:
    """An IPv4 address as such: a socket of both families writes ::ffff:192.0.2.1, and all of those share one /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped) if mapped else address


def _is_in(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def is_from(networks: Sequence[str]) -> bool:
    """Whether the present request comes from one of these networks; no where a peer that is not trusted forwards it."""
    # A proxy on this machine that no setting names would lend its own address to everybody behind it.
    if visit().address == _plain(request.remote_addr or "") and "X-Forwarded-For" in request.headers:
        return False
    return _is_in(visit().address, [ipaddress.ip_network(network) for network in networks])


def session_or_none() -> Session | None:
    """The live session of this browser, or None; looked up once per request."""
    if "session_looked_up" not in g:
        g.session_looked_up = True
        token = request.cookies.get(cookies.SESSION, "")
        try:
            g.session = door().bridge.session(token) if token else None
        except NotSignedIn:
            g.session = None
    found = g.session
    return found if isinstance(found, Session) else None


def signed_in() -> Session:
    """The live session of this browser; NotSignedIn when there is none."""
    session = session_or_none()
    if session is None:
        raise NotSignedIn("no session cookie, or no live session behind it")
    return session
