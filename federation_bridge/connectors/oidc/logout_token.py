"""What a verified logout token must say to end anything (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6). Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

from federation_bridge.claimed import is_plain
from federation_bridge.connectors.freshness import ahead_of_us
from federation_bridge.connectors.oidc.claims import (
    LONGEST_LIFE,
    LONGEST_TOKEN_ID,
    SUBJECT,
    are_ours,
    bare_issuer,
    checked_issuer,
    instant,
)
from federation_bridge.connectors.oidc.compact_token import JWT, KeysFor, verified_token
from federation_bridge.connectors.oidc.strict_json import strict_object
from federation_bridge.errors import SignInRejected, signature_held
from federation_bridge.model import EndedAtProvider, JsonObject, ProviderSession
from federation_bridge.shown_text import quoted

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TYPES = ("LOGOUT+JWT", "APPLICATION/LOGOUT+JWT", *JWT)
"""`logout+jwt` is recommended (2.4), and many providers write what they write for an ID token: `events` tells them
apart."""
_WHAT = "logout token"
_LONGEST_SID = 255


@dataclass(frozen=True, slots=True)
class ExpectedLogout:
    """What a logout token must match."""

    issuers: Collection[str]
    """Every spelling of the issuer that is believed, complete and exact."""
    client_id: str
    audiences: Collection[str]
    """Whom a token may be meant for beside us."""
    algorithms: Collection[str]
    now: datetime
    skew: timedelta


def verify_logout_token(token: object, keys_for: KeysFor, expected: ExpectedLogout) -> EndedAtProvider:
    """What has ended, if the token is signed by a key of the provider and says all that it must; else SignInRejected.

    That it is believed once is for the store.
    """
    verified = verified_token(token, keys_for, expected.algorithms, _TYPES)
    with signature_held():
        claims = strict_object(verified.payload, _WHAT)
        _check_kind(claims)
        issuer = checked_issuer(claims, verified, expected.issuers, _WHAT)
        _check_audience(claims, expected)
        issued_at, ends_at = _checked_times(claims, expected)
        named = _named(claims, issuer)
        return EndedAtProvider(named, issuer, _token_id(claims), ends_at + expected.skew, issued_at)


def _check_kind(claims: JsonObject) -> None:
    """An ID token has no `events` and a nonce of ours; any other security event is another errand (attack G09)."""
    events = claims.get("events")
    if not isinstance(events, dict) or list(events) != [LOGOUT_EVENT] or not isinstance(events[LOGOUT_EVENT], dict):
        raise SignInRejected(f"{_WHAT}: its `events` are not {LOGOUT_EVENT} alone, with an object")
    if "nonce" in claims:
        raise SignInRejected(f"{_WHAT}: has a nonce, as only an ID token may")


def _check_audience(claims: JsonObject, expected: ExpectedLogout) -> None:
    audience, client_id = claims.get("aud"), expected.client_id
    if audience not in (client_id, [client_id]) and not are_ours(audience, client_id, expected.audiences):
        raise SignInRejected(f"{_WHAT}: audience {quoted(audience)} is not us, {quoted(client_id)}")


def _checked_times(claims: JsonObject, expected: ExpectedLogout) -> tuple[datetime, datetime]:
    """When the token was issued, and when it ends."""
    issued_at, expires_at = instant(claims, "iat", _WHAT), instant(claims, "exp", _WHAT)
    if expires_at + expected.skew <= expected.now:
        raise SignInRejected(f"{_WHAT}: has expired at {expires_at.isoformat()}")
    if issued_at > expected.now + expected.skew:
        raise SignInRejected(f"{_WHAT}: {ahead_of_us('`iat`', issued_at, expected.now, expected.skew)}")
    if expires_at - issued_at > LONGEST_LIFE:
        raise SignInRejected(f"{_WHAT}: lives longer than 24 hours")
    return issued_at, expires_at


def _token_id(claims: JsonObject) -> str:
    found = claims.get("jti")
    if not is_plain(found) or len(found) > LONGEST_TOKEN_ID:
        raise SignInRejected(f"{_WHAT}: has no `jti` of 1 to {LONGEST_TOKEN_ID} plain characters")
    return found


def _named(claims: JsonObject, issuer: str) -> ProviderSession:
    subject, session = claims.get("sub", ""), claims.get("sid", "")
    if "sub" in claims and not (isinstance(subject, str) and SUBJECT.fullmatch(subject)):
        raise SignInRejected(f"{_WHAT}: `sub` is not 1 to 255 plain characters")
    if "sid" in claims and not usable_sid(session):
        raise SignInRejected(f"{_WHAT}: `sid` is not 1 to {_LONGEST_SID} plain characters")
    if not subject and not session:
        raise SignInRejected(f"{_WHAT}: names neither a `sub` nor a `sid`")
    return ProviderSession(bare_issuer(issuer), subject, session)


def usable_sid(value: object) -> TypeGuard[str]:
    """Whether this can name a session of the provider: a short plain text."""
    return is_plain(value) and len(value) <= _LONGEST_SID
