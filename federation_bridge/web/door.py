"""What every route needs at hand: the bridge, settings, where the request comes from, and this browser's session."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import current_app, g, request

from federation_bridge.addresses import Client, client_of, networks_of, read_address
from federation_bridge.audit import AuditLog
from federation_bridge.bridge import Bridge
from federation_bridge.connectors.connector import Connector
from federation_bridge.ending import Endings
from federation_bridge.errors import NotSignedIn, SignInDue
from federation_bridge.model import Caller, Clock, Randomness, RequestOrigin, Session, WhyEnded
from federation_bridge.oauth.authorization_server import AuthorizationServer
from federation_bridge.observers import Observer
from federation_bridge.provider_events import ProviderEvents, Signals
from federation_bridge.rulebook import RulebookInForce
from federation_bridge.settings import Settings, is_loopback
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store
from federation_bridge.upkeep import Upkeep
from federation_bridge.web import cookies
from federation_bridge.web.branding import Branding

EXTENSION = "federation_bridge"

_FORWARDED_FOR = "X-Forwarded-For"
_OF_PROXIES = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "x-envoy-external-address",
        "true-client-ip",
        "cf-connecting-ip",
        "fastly-client-ip",
        "cloudfront-viewer-address",
    }
)
"""Headers in which a proxy tells of itself, or of whom it asks for. They are believed from nobody: a proxy that is
trusted adds to X-Forwarded-For, and hands on whatever else its client wrote."""


@dataclass(frozen=True, slots=True)
class Door:
    """The parts that routes may use; `app.py` fills it once."""

    bridge: Bridge
    oauth: AuthorizationServer
    settings: Settings
    connectors: dict[str, Connector]
    keys: KeyRing
    store: Store
    endings: Endings
    rulebook: RulebookInForce
    audit: AuditLog
    clock: Clock
    randomness: Randomness
    upkeep: Upkeep
    provider_events: ProviderEvents
    signals: Signals
    branding: Branding
    get_ready: Callable[[], None]
    """Makes ahead what the first grant would wait for."""
    observers: tuple[Observer, ...] = ()
    form_targets: tuple[str, ...] = field(default=())
    """Origins to which a form of ours may lead (CSP form-action)."""


def door() -> Door:
    """The door of the running application."""
    found = current_app.extensions[EXTENSION]
    if not isinstance(found, Door):
        raise TypeError("the application was not made by create_app")
    return found


def request_origin() -> RequestOrigin:
    """Who is asking: made once per request."""
    found = g.get("request_origin")
    if not isinstance(found, RequestOrigin):
        found = RequestOrigin(
            reference=new_reference(door().randomness),
            address=client().address,
            user_agent=request.user_agent.string[:256],
        )
        g.request_origin = found
    return found


def new_reference(randomness: Randomness) -> str:
    """A short number that a person can read out over the telephone: 8 letters and digits, 40 bits."""
    text = base64.b32encode(randomness(5)).decode()
    return f"{text[:4]}-{text[4:]}"


def client() -> Client:
    """Where the present request comes from; read once."""
    found = g.get("client")
    if not isinstance(found, Client):
        trusted = networks_of(door().settings.serving.trusted_proxies)
        found = client_of(request.remote_addr or "", request.headers.getlist(_FORWARDED_FOR), trusted)
        g.client = found
    return found


def is_from(networks: tuple[str, ...]) -> bool:
    """Whether the present request comes from one of these networks; no where somebody in front may hide who asks."""
    # A proxy on this machine that no setting names would lend its own address to everybody behind it.
    return read_address(_certain_address()) in networks_of(networks)


def _certain_address() -> str:
    """The address of who asks; "" where somebody in front may hide it."""
    found = client()
    is_hidden = found.is_hidden or (_FORWARDED_FOR not in request.headers and _is_passed_on())
    return "" if is_hidden else found.address


def caller(*, of: Session, is_command_line: bool = False) -> Caller:
    """The person of this session, who makes the present request."""
    return Caller(of, request_origin(), _certain_address(), is_command_line)


def _is_passed_on() -> bool:
    """Whether a header tells of a proxy in front: without X-Forwarded-For we cannot know for whom it asks."""
    names = (name.lower() for name in request.headers.keys())  # noqa: SIM118 - these are no dict's
    return any(name in _OF_PROXIES or name.startswith("x-forwarded-") for name in names)


def session_or_none() -> Session | None:
    """The live session of this browser, or None; looked up once per request."""
    if "session_looked_up" not in g:
        g.session_looked_up = True
        token = request.cookies.get(cookies.SESSION, "")
        try:
            g.session = door().bridge.session(token) if token else None
        except SignInDue as due:
            g.session, g.session_due = None, due
        except NotSignedIn:
            g.session = None
    found = g.session
    return found if isinstance(found, Session) else None


def session_due() -> SignInDue | None:
    """Of which session of this browser the provider has to be asked again by a sign-in; mostly None."""
    found = g.get("session_due") if session_or_none() is None else None
    return found if isinstance(found, SignInDue) else None


def why_ended() -> WhyEnded | None:
    """Why the session that this browser had is over, where somebody ended it."""
    token = request.cookies.get(cookies.SESSION, "")
    is_over = bool(token) and session_or_none() is None and session_due() is None
    return door().bridge.why_ended(token) if is_over else None


def signed_in() -> Session:
    """The live session of this browser; NotSignedIn when there is none."""
    session = session_or_none()
    if session is None:
        raise NotSignedIn("no session cookie, or no live session behind it")
    return session


def loopback_targets(settings: Settings) -> tuple[str, ...]:
    """Origins on this machine to which sign-in forms may lead, over http: a sandbox identity provider."""
    if not is_loopback(settings.base_url):
        return ()
    return ("http://localhost:*", "http://127.0.0.1:*")
