"""What is said between programs, their people and the authorization server: requests, answers, tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from federation_bridge.model import DeviceRequest, Session, TokenFamily
from federation_bridge.oauth.clients import Client


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """What a program is told that wants to be let in (RFC 8628 3.2)."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    verification_uri: str
    expires_in: int
    interval: int


@dataclass(frozen=True, slots=True)
class PendingDevice:
    """What a person has to see before they let a device in (attack N01)."""

    program: str
    request: DeviceRequest
    version: str
    """Name and version that its User-Agent tells, "" where it tells none."""
    place: str
    """Where the asking address is, or "" where nobody knows."""
    ends_at: datetime
    """Until then the command line would hold."""
    addresses_differ: bool
    is_refused: bool
    """Whether the operator's setting refuses it for that."""
    administers: bool = False
    """Whether it asks to administer the bridge, and for no role at AWS."""


@dataclass(frozen=True, slots=True)
class HeldCommandLine:
    """A command line in use, as people see it who may end it."""

    program: str
    family: TokenFamily
    place: str
    """Where the approving address is, or "" where nobody knows."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request for an authorization code (RFC 6749 4.1.1, RFC 7636 4.3), checked by `checked_request`."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    state: str = ""
    challenge_method: str = "S256"
    response_type: str = "code"
    dpop_jkt: str | None = None
    role: str = ""
    """`account/role` where the tokens are to stand for one role only."""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A refresh token that was checked and is not used up yet: who shows it may have the next pair, once."""

    refresh_token: str = field(repr=False)
    client: Client
    jkt: str | None
    asked_at: datetime
    """When the request came in. Two requests at once are no replay: neither could know of the other."""
    family: TokenFamily
    session: Session


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """A pair of tokens (RFC 6749 5.1), and whose they are."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    family_id: str
    token_type: str
    """`DPoP` or `Bearer`."""
    session: Session
    role: str = ""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who calls with an access token: the session that the bridge's verbs take, and the command line behind it."""

    session: Session
    family: TokenFamily
