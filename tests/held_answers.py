"""Sign-ins whose answer says what a test wants, and may be held back until something has happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask
from passing_checks import pass_all
from web_factories import door_of

from federation_bridge.bridge import Admission
from federation_bridge.model import Arrival, Callback, Departure, Groups, Identity, RequestOrigin, SignIn
from federation_bridge.pending_sign_in import Browser

_ORIGIN = RequestOrigin("ref-1", "192.0.2.7", "Browser/1")


@dataclass(frozen=True)
class Telling:
    """A connector of `corp` whose person comes with these groups."""

    subject: str
    groups: Groups
    issued_at: datetime | None
    """When it was answered; None: the answer does not tell, as by OpenID Connect."""
    authenticated_at: datetime | None
    connection = title = "corp"

    def depart(self, sign_in: SignIn) -> Departure:
        return Departure(f"https://idp.example.com/?state={sign_in.handle}")

    def arrive(self, sign_in: SignIn | None, callback: Callback, take: Callable[[], None]) -> Arrival:
        assert sign_in is not None
        pass_all()
        identity = Identity("corp", self.subject, "Alice", groups=self.groups, authenticated_at=self.authenticated_at)
        message = ("https://idp.example.com", f"_m {sign_in.handle}", sign_in.expires_at)
        return Arrival(identity, *message, issued_at=self.issued_at)


def signed_in(
    app: Flask,
    groups: Groups,
    subject: str = "00u1alice",
    issued_at: datetime | None = None,
    *,
    authenticated_at: datetime | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Admission:
    """A whole sign-in of this person, by an answer that was issued then; `meanwhile` it is held back."""
    bridge, telling = door_of(app).bridge, Telling(subject, groups, issued_at, authenticated_at)
    with _instead(bridge._parts.connectors, telling):
        leaving = bridge.begin_sign_in("corp", "secret", "/")
    meanwhile()
    callback = Callback("GET", (("state", leaving.handle),), (), arrived_at="oidc")
    with _instead(bridge._parts.connectors, telling):
        return bridge.finish_sign_in("corp", callback, Browser("secret", {leaving.handle: leaving.sealed}), _ORIGIN)


@contextmanager
def _instead(connectors: Any, telling: Telling) -> Iterator[None]:
    """What else comes of the connection goes by its own connector."""
    own, connectors["corp"] = connectors["corp"], telling
    try:
        yield
    finally:
        connectors["corp"] = own
