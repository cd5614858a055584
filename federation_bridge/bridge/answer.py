"""An identity provider's answer: the address at which it may come, and the sign-in of this browser that it is about."""

from __future__ import annotations

from federation_bridge.bridge.parts import Parts
from federation_bridge.connectors.authentication_methods import demand_one_of
from federation_bridge.connectors.saml import unasked
from federation_bridge.errors import (
    BridgeError,
    InteractionRequired,
    SignInExpired,
    SignInOver,
    SignInRejected,
    Unforeseen,
    VerifiersDisagree,
)
from federation_bridge.model import Callback, Identity, Session, SignIn
from federation_bridge.pending_sign_in import Browser
from federation_bridge.settings import Connection, SamlConnection
from federation_bridge.sign_in_checks import check

_PROTOCOLS = {"saml": "SAML", "oidc": "OpenID Connect"}


def check_address(callback: Callback, connection: Connection) -> None:
    """Refuses an answer of one protocol at an address of the other, whatever else the answer contains.

    Each protocol's answer names its own address to its provider (Recipient, redirect URI); at another address it was
    misdirected, by a wrong setting there or on purpose.
    """
    spoken, addressed = _PROTOCOLS[connection.protocol], _PROTOCOLS.get(callback.arrived_at or "", "no protocol")
    if spoken != addressed:
        raise SignInRejected(f"answer: came at the address of {addressed}, and this connection speaks {spoken}")
    is_saml = bool(callback.values("SAMLResponse"))
    if is_saml and connection.protocol == "oidc":
        raise SignInRejected("answer: a SAML answer at the address of OpenID Connect (the redirect URI)")
    if connection.protocol == "saml" and not is_saml and (callback.values("code") or callback.values("state")):
        raise SignInRejected("answer: an OpenID Connect answer at the address of SAML (the assertion consumer service)")


class ExpectedSignIn:
    """The sign-in that an answer belongs to, and whether it was taken already; if not, admission takes it."""

    def __init__(self, parts: Parts) -> None:
        self.sign_in: SignIn | None = None
        self.over: SignInOver | None = None
        """Why there is none, where the answer names one that this browser has held."""
        self._parts = parts
        self.is_taken = False

    def open(self, connection: str, callback: Callback, browser: Browser) -> None:
        """Finds the sign-in that this browser holds; none is needed where the connection lets people come unasked.

        Raises SignInExpired otherwise.
        """
        handles = callback.values("RelayState") + callback.values("state")
        try:
            # Not exactly one: an empty handle, which no pending sign-in has.
            handle = handles[0] if len(handles) == 1 else ""
            self.sign_in = self._parts.pending_sign_ins.open(handle, connection, browser)
        except SignInExpired as refusal:
            configured = self._parts.settings.connections[connection]
            if not isinstance(configured, SamlConnection):
                raise
            if not configured.allow_idp_initiated:
                raise unasked.named(refusal, callback) from None
            self.over = refusal if isinstance(refusal, SignInOver) else None

    def take(self) -> None:
        """Takes the sign-in, once for all nodes and durably; SignInExpired where it was used before."""
        if self.sign_in is not None and not self.is_taken:
            with check("sign-in taken"):
                self._parts.store.sessions.take(self.sign_in)
            self.is_taken = True

    def demand_method(self, identity: Identity) -> None:
        """NotAuthenticatedAsAsked where this sign-in asked for a method and the identity states another.

        This stands here and not in a connector, because it holds for every protocol.
        """
        if self.sign_in is not None and self.sign_in.methods:
            with check("authentication method"):
                demand_one_of(self.sign_in.methods, identity)

    def left_behind(self) -> Session | None:
        """The session that the browser had when it left, if it is still alive."""
        if self.sign_in is None or not self.sign_in.previous:
            return None
        return self._parts.store.sessions.live(self.sign_in.previous, self._parts.settings.sessions.idle)

    def tell(self, refusal: BridgeError) -> None:
        """Adds to a refusal what is known about its sign-in."""
        if not isinstance(refusal, SignInRejected):
            return
        if self.sign_in is not None:
            refusal.return_to = self.sign_in.return_to
            if isinstance(refusal, InteractionRequired) and self.sign_in.silent:
                refusal.handle, refusal.previous = self.sign_in.handle, self.sign_in.previous
        if self.over is not None and refusal.is_believed and not isinstance(refusal, VerifiersDisagree | Unforeseen):
            # Taken for unsolicited where the connection allows that, and refused for the request that it answers.
            refusal.is_over = True
