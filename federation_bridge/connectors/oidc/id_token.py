"""What a verified ID token must say to be ours, fresh and of this sign-in (OpenID Connect Core 3.1.3.7). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from federation_bridge.connectors.freshness import Demand, ahead_of_us, check_authentication
from federation_bridge.connectors.oidc.claims import (
    LONGEST_LIFE,
    SUBJECT,
    are_ours,
    checked_issuer,
    instant,
    token_id,
)
from federation_bridge.connectors.oidc.compact_token import KeysFor, verified_token
from federation_bridge.connectors.oidc.strict_json import strict_object
from federation_bridge.errors import SignInRejected, signature_held
from federation_bridge.model import JsonObject
from federation_bridge.shown_text import quoted
from federation_bridge.sign_in_checks import check

_WHAT = "ID token"
_BACKDATING = timedelta(minutes=10)
"""Some providers date `iat` some minutes back, for the sake of slow clocks."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the ID token of one sign-in must match."""

    issuers: Collection[str]
    """Every spelling of the issuer that is believed, complete and exact."""
    client_id: str
    audiences: Collection[str]
    """Whom a token may be meant for beside us."""
    nonce: str = field(repr=False)
    algorithms: Collection[str]
    started_at: datetime
    now: datetime
    skew: timedelta
    max_age: timedelta | None = None
    asks_anew: bool = False

    @property
    def authentication(self) -> Demand:
        """What the time of authentication must fulfil."""
        return Demand(self.now, self.skew, self.asks_anew, self.started_at, self.max_age)


@dataclass(frozen=True, slots=True)
class IdToken:
    """A token that passed every check."""

    claims: JsonObject = field(repr=False)
    issuer: str
    token_id: str
    """`jti` where it is a short plain text, else the hash of what was signed: a signature can be rewritten without its
    key, the signed text cannot."""
    issued_at: datetime
    expires_at: datetime


def verify_id_token(
    token: object,
    keys_for: KeysFor,
    expected: Expected,
    *,
    code: str,
    access_token: str | None,
    heard: Callable[[JsonObject], None] = lambda _: None,
) -> IdToken:
    """The ID token, if it is signed by a key of the provider and says what `expected` demands; else SignInRejected.

    `code` and `access_token` are what c_hash and at_hash must match where they stand. `heard` is told the claims whose
    signature held, before anything is asked of them.
    """
    with check("ID token signature"):
        verified = verified_token(token, keys_for, expected.algorithms)
    with signature_held():
        with check("ID token"):
            claims = strict_object(verified.payload, "ID token")
            heard(claims)
            _check_kind(claims)
        with check("iss"):
            issuer = checked_issuer(claims, verified, expected.issuers, _WHAT)
        with check("aud"):
            _check_audience(claims, expected)
        with check("nonce"):
            _check_nonce(claims, expected.nonce)
        with check("times"):
            issued_at, expires_at = _checked_times(claims, expected)
        with check("hashes"):
            _check_hash(claims, "at_hash", access_token)
            _check_hash(claims, "c_hash", code)
        with check("sub"):
            _check_subject(claims)
        return IdToken(claims, issuer, token_id(claims, verified), issued_at, expires_at)


def _check_subject(claims: JsonObject) -> None:
    if not isinstance(claims.get("sub"), str) or not SUBJECT.fullmatch(claims["sub"]):
        raise SignInRejected("ID token: `sub` is not 1 to 255 plain characters")


def _check_kind(claims: JsonObject) -> None:
    """Another token of the same issuer, signed by the same key, is no ID token (attack I09)."""
    if "events" in claims:
        raise SignInRejected("ID token: is a logout or security event token")
    if claims.get("typ", "ID") not in ("ID", "JWT") or claims.get("token_use", "id") != "id":
        kind = f"typ {quoted(claims.get('typ'), 40)}, token_use {quoted(claims.get('token_use'), 40)}"
        raise SignInRejected(f"ID token: calls itself another kind of token: {kind}")


def _check_audience(claims: JsonObject, expected: Expected) -> None:
    """For us: alone, or together with those that the settings name, and then `azp` says that we asked (attack I08)."""
    client_id, audience, party = expected.client_id, claims.get("aud"), claims.get("azp", expected.client_id)
    if audience not in (client_id, [client_id]):
        if not are_ours(audience, client_id, expected.audiences):
            ours = ", ".join(quoted(one) for one in (client_id, *expected.audiences))
            raise SignInRejected(
                f"ID token: audience {quoted(audience)} is not us and those of `audiences` alone: {ours}"
            )
        if "azp" not in claims:
            raise SignInRejected("ID token: names several audiences, and no `azp` says that we asked for it")
    if party != client_id:
        raise SignInRejected(f"ID token: made for the client {quoted(party)}, and we are {quoted(client_id)}")


def _check_nonce(claims: JsonObject, expected: str) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not expected or not hmac.compare_digest(nonce.encode(), expected.encode()):
        # Neither nonce is told: whoever knows the one that is expected could make use of it.
        told = "is missing" if nonce is None else "is another one than was sent"
        raise SignInRejected(f"ID token: is not of this sign-in: its nonce {told}")


def _checked_times(claims: JsonObject, expected: Expected) -> tuple[datetime, datetime]:
    """When the token was issued, and when it ends; every time a number, none beyond what an honest clock explains."""
    expires_at, issued_at = instant(claims, "exp", _WHAT), instant(claims, "iat", _WHAT)
    latest_start = expected.now + expected.skew
    if expires_at + expected.skew <= expected.now:
        raise SignInRejected(f"ID token: has expired at {expires_at.isoformat()}: {_clock(expected)}")
    if expires_at - issued_at > LONGEST_LIFE or expires_at > latest_start + LONGEST_LIFE:
        raise SignInRejected(
            f"ID token: lives longer than 24 hours: from {issued_at.isoformat()} to {expires_at.isoformat()};"
            f" {_clock(expected)}"
        )
    if issued_at > latest_start:
        raise SignInRejected(f"ID token: {ahead_of_us('`iat`', issued_at, expected.now, expected.skew)}")
    if issued_at < expected.started_at - expected.skew - _BACKDATING:
        raise SignInRejected(
            f"ID token: issued at {issued_at.isoformat()}, before this sign-in began at"
            f" {expected.started_at.isoformat()}; {(expected.skew + _BACKDATING).total_seconds():g} s are let pass"
        )
    if "nbf" in claims and (begins_at := instant(claims, "nbf", _WHAT)) > latest_start:
        raise SignInRejected(f"ID token: {ahead_of_us('`nbf`', begins_at, expected.now, expected.skew)}")
    check_authentication(_authenticated_at(claims), expected.authentication)
    return issued_at, expires_at


def _clock(expected: Expected) -> str:
    return f"here it is {expected.now.isoformat()}, and {expected.skew.total_seconds():g} s are let pass"


def _authenticated_at(claims: JsonObject) -> datetime | None:
    return instant(claims, "auth_time", _WHAT) if "auth_time" in claims else None


def _check_hash(claims: JsonObject, name: str, text: str | None) -> None:
    """`at_hash` and `c_hash` (OpenID Connect Core 3.1.3.6): half of SHA-256, as all our algorithms hash by it."""
    if name not in claims:
        return
    digest = hashlib.sha256((text or "").encode()).digest()[:16]
    wanted = base64.urlsafe_b64encode(digest).rstrip(b"=")
    found: Any = claims[name]
    if text is None or not isinstance(found, str) or not hmac.compare_digest(found.encode(), wanted):
        raise SignInRejected(f"ID token: `{name}` does not match")
