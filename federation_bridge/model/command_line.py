"""Command lines that a person let in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from federation_bridge.model.identity import Identity
from federation_bridge.model.request_origin import RequestOrigin


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A program somewhere asks to be let in by somebody at a browser (RFC 8628): what the approval page shows."""

    client_id: str
    label: str
    """What the program calls its machine. Anybody can say anything here."""
    origin: RequestOrigin
    """Who asked, from where."""
    begun_at: datetime
    expires_at: datetime
    dpop_jkt: str | None = None
    """Thumbprint of the key that the program will prove to hold (RFC 9449), where it said so at once."""


@dataclass(frozen=True, slots=True)
class TokenFamily:
    """A command line that a person let in: all tokens that descend from one approval, and end together."""

    id: str
    """Names it for operators and the audit; opens nothing."""
    client_id: str
    label: str
    approved_in: str
    """Key of the browser session in which the person approved; its sign-out ends the family."""
    identity: Identity
    started_at: datetime
    last_used_at: datetime
    ends_at: datetime
    """No later than the approving session's own end."""
    dpop_jkt: str | None = None
    """Thumbprint of the key to which the tokens are bound; None: whoever holds a token may use it."""
    role: str = ""
    """`account/role` where the family stands for one role only, else empty."""
    way: str = ""
    """`device` (a typed code) or `browser` (a redirect, or a code carried by hand)."""
    approved_from: str = ""
    """The address of the browser in which the person approved."""
    rulebook: int | None = field(default=None, compare=False)
    """As `Session.rulebook`."""


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What an authorization code was given for (RFC 6749 4.1, RFC 7636): its redemption has to match all of it."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    """BASE64URL(SHA256(code_verifier)); the only method there is (S256)."""
    family_id: str
    expires_at: datetime
    dpop_jkt: str | None = None
