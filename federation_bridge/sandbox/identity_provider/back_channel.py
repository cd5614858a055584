"""Tells applications that somebody has signed out here (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import logging
import urllib.request
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

from joserfc import jwt

from federation_bridge.sandbox.directory import Person
from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.styles import oidc_claims

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LIFETIME = 120
_PATIENCE = 5.0

_log = logging.getLogger(__name__)


def tell_applications(provider: IdentityProvider, person: Person, *, sid: str = "") -> list[int]:
    """Sends a logout token to every application that wants one; gives the statuses of the answers, 0 for none.

    Of one sign-in where `sid` names it, else of all of the person.
    """
    told = [client for client in provider.clients.values() if client.back_channel_logout_uri]
    return [send(client, logout_token(provider, client, person, sid=sid)) for client in told]


def sign_out_everywhere(provider: IdentityProvider, login: str) -> list[int]:
    """What the administrator of the provider does with somebody: signed out in every browser, and applications told."""
    provider.presences.leave_everywhere(login)
    return tell_applications(provider, provider.directory[login])


def logout_token(
    provider: IdentityProvider, client: OidcClient, person: Person, *, sid: str = "", **changes: Any
) -> str:
    """A logout token (2.4) for this application; `changes` replace claims of it."""
    now = int(provider.clock().timestamp())
    claims = {
        "iss": provider.address,
        "sub": oidc_claims(provider.style, person, frozenset({"openid"}))["sub"],
        "aud": client.client_id,
        "iat": now,
        "exp": now + _LIFETIME,
        "jti": provider.randomness(16).hex(),
        "events": {LOGOUT_EVENT: {}},
        **({"sid": sid} if sid else {}),
        **changes,
    }
    return jwt.encode({"alg": "RS256", "typ": "logout+jwt", "kid": provider.jwk.kid}, claims, provider.jwk)


def send(client: OidcClient, token: str) -> int:
    """Posts the token to the application (2.5); the status of its answer, 0 where there was none."""
    body = urlencode({"logout_token": token}).encode()
    asked = urllib.request.Request(client.back_channel_logout_uri, body, method="POST")  # noqa: S310 - ours, on loopback
    try:
        with urllib.request.urlopen(asked, timeout=_PATIENCE) as answer:  # noqa: S310 - the same
            return int(answer.status)
    except HTTPError as refusal:
        return refusal.code
    except (URLError, OSError) as problem:
        _log.warning("an application was not told: %s", problem)
        return 0
