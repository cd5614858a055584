"""Pushes shared signals to an application (SSF 1.0, RFC 8935)."""

from __future__ import annotations

import urllib.request
from typing import Any
from urllib.error import HTTPError

from joserfc import jwt

from federation_bridge.sandbox.directory import Person
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.styles import oidc_claims

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
_PATIENCE = 5.0


def configuration(issuer: str) -> dict[str, Any]:
    """The transmitter's configuration (SSF 1.0, 7.1): its streams are set up by hand."""
    return {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "delivery_methods_supported": ["urn:ietf:rfc:8935"],
    }


def event_about(provider: IdentityProvider, audience: str, uri: str, person: Person, **changes: Any) -> str:
    """A signed event about this person, as Okta writes it; `changes` replace claims of it."""
    now = provider.clock()
    subject = oidc_claims(provider.style, person, frozenset({"openid"}))["sub"]
    claims = {
        "iss": provider.address,
        "aud": audience,
        "iat": int(now.timestamp()),
        "jti": provider.randomness(16).hex(),
        "sub_id": {"format": "iss_sub", "iss": provider.address, "sub": subject},
        "events": {uri: {"event_timestamp": int(now.timestamp() * 1000)}},
        **changes,
    }
    return jwt.encode({"alg": "RS256", "typ": "secevent+jwt", "kid": provider.jwk.kid}, claims, provider.jwk)


def push(url: str, bearer: str, event: str) -> int:
    """Posts the event to the application; the status of its answer."""
    headers = {"Content-Type": "application/secevent+jwt", "Authorization": f"Bearer {bearer}"}
    asked = urllib.request.Request(url, event.encode(), headers, method="POST")  # noqa: S310 - ours, on loopback
    try:
        with urllib.request.urlopen(asked, timeout=_PATIENCE) as answer:  # noqa: S310 - the same
            return int(answer.status)
    except HTTPError as refusal:
        return refusal.code
