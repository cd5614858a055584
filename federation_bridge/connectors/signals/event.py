"""A security event token (RFC 8417) as we believe it: one kind of event, about one person, at one time. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from federation_bridge.claimed import is_plain
from federation_bridge.connectors.oidc.claims import LONGEST_TOKEN_ID, SUBJECT, bare_issuer, checked_issuer, instant
from federation_bridge.connectors.oidc.compact_token import JWT, KeysFor, verified_token
from federation_bridge.connectors.oidc.strict_json import strict_object
from federation_bridge.errors import EndingRejected, SignInRejected, signature_held
from federation_bridge.model import JsonObject
from federation_bridge.shown_text import quoted

_TYPES = ("SECEVENT+JWT", "APPLICATION/SECEVENT+JWT")
_WHAT = "event"
OLDEST = timedelta(days=7)
"""How long after it was issued an event is believed: transmitters send again what was not taken."""
_MILLISECONDS = 100_000_000_000
"""A number of seconds that lies three thousand years ahead is one of milliseconds, as Okta writes them."""
_MOST_MILLISECONDS = 1_000 * _MILLISECONDS
"""Beyond every instant that is taken. A longer number is refused before anything is reckoned with it."""

_CAEP, _RISC = (f"https://schemas.openid.net/secevent/{one}/event-type/" for one in ("caep", "risc"))
VERIFICATION = frozenset(
    {
        "https://schemas.openid.net/secevent/ssf/event-type/verification",
        f"{_RISC}verification",
    }
)
KINDS: Mapping[str, str] = {
    f"{_CAEP}session-revoked": "end",
    f"{_CAEP}credential-change": "end",
    f"{_RISC}sessions-revoked": "end",
    f"{_RISC}credential-compromise": "end",
    f"{_RISC}account-credential-change-required": "end",
    f"{_RISC}account-disabled": "block",
    f"{_RISC}account-purged": "block",
    f"{_RISC}account-enabled": "lift",
}
"""What each kind of event that we know brings about here."""


class EventRefused(SignInRejected):
    """An event that is not believed; `err` is the transmitter's word for it (RFC 8935 2.4)."""

    public = EndingRejected.public
    err = "invalid_request"


_MOST_ALIASES = 20


@dataclass(frozen=True, slots=True)
class ExpectedEvent:
    """What an event must match."""

    issuer: str
    subject_issuers: Collection[str]
    """Whose subjects it may speak of, besides the transmitter's own."""
    audience: str
    algorithms: Collection[str]
    now: datetime
    skew: timedelta
    needs_type: bool = True
    takes_email: bool = False


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """An event that was believed."""

    kind: str
    """Its last name: `session-revoked`."""
    follows: str
    """`end`, `block`, `lift`; `verification`; empty where we know nothing to do."""
    subject: str
    """Whom it names; empty for a verification, and where it names nobody that could be known here."""
    at: datetime
    """When it happened, by the transmitter's word; not ahead of us."""
    issuer: str
    message_id: str
    issued_at: datetime


def verify_event(token: object, keys_for: KeysFor, expected: ExpectedEvent) -> SecurityEvent:
    """The event, if a key of the transmitter has signed it and it says all that it must; else EventRefused."""
    with _told_as("invalid_key"):
        verified = verified_token(
            token, keys_for, expected.algorithms, _TYPES if expected.needs_type else (*_TYPES, *JWT)
        )
    with signature_held():
        with _told_as("invalid_request"):
            claims = strict_object(verified.payload, _WHAT)
        with _told_as("invalid_issuer"):
            issuer = checked_issuer(claims, verified, {expected.issuer}, _WHAT)
        with _told_as("invalid_audience"):
            _check_audience(claims, expected.audience)
        with _told_as("invalid_request"):
            return _read(claims, issuer, expected)


@contextmanager
def _told_as(err: str) -> Iterator[None]:
    try:
        yield
    except SignInRejected as refusal:
        told = EventRefused(refusal.detail)
        told.err = err
        raise told from refusal


def _check_audience(claims: JsonObject, audience: str) -> None:
    found = claims.get("aud")
    if found != audience and not (isinstance(found, list) and audience in found):
        raise SignInRejected(f"{_WHAT}: audience {quoted(found)} is not ours, {quoted(audience)}")


def _read(claims: JsonObject, issuer: str, expected: ExpectedEvent) -> SecurityEvent:
    if "exp" in claims or "nonce" in claims:
        raise SignInRejected(f"{_WHAT}: has `exp` or `nonce`, as another kind of token has (RFC 8417 2.2)")
    issued_at = instant(claims, "iat", _WHAT)
    if issued_at > expected.now + expected.skew:
        raise SignInRejected(f"{_WHAT}: issued ahead of us, at {issued_at.isoformat()}")
    if issued_at < expected.now - OLDEST:
        raise SignInRejected(f"{_WHAT}: older than {OLDEST.days} days: issued at {issued_at.isoformat()}")
    message_id = claims.get("jti")
    if not is_plain(message_id) or len(message_id) > LONGEST_TOKEN_ID:
        raise SignInRejected(f"{_WHAT}: has no `jti` of 1 to {LONGEST_TOKEN_ID} plain characters")
    uri, payload = _only_event(claims.get("events"))
    kind, follows = uri.rpartition("/")[2], KINDS.get(uri, "")
    if uri in VERIFICATION:
        return SecurityEvent(kind, "verification", "", issued_at, issuer, message_id, issued_at)
    subject = _subject(claims.get("sub_id", payload.get("subject")), expected) if follows else ""
    at = min(_happened_at(claims, payload, issued_at), expected.now)
    return SecurityEvent(kind, follows, subject, at, issuer, message_id, issued_at)


def _only_event(events: object) -> tuple[str, dict[str, Any]]:
    """One event: several would be several things, of which some could be missed."""
    if not isinstance(events, dict) or len(events) != 1:
        raise SignInRejected(f"{_WHAT}: `events` is not an object with one event")
    ((uri, payload),) = events.items()
    if not is_plain(uri) or not isinstance(payload, dict):
        raise SignInRejected(f"{_WHAT}: the event is no object under a plain name")
    return uri, payload


def _happened_at(claims: JsonObject, payload: JsonObject, issued_at: datetime) -> datetime:
    """`event_timestamp`, else `toe`, else when it was issued."""
    for holder, name in ((payload, "event_timestamp"), (claims, "toe")):
        if name in holder:
            value = holder[name]
            if isinstance(value, int | float) and _MILLISECONDS <= value <= _MOST_MILLISECONDS:
                return instant({name: value / 1000}, name, _WHAT).astimezone(UTC)
            return instant(holder, name, _WHAT)
    return issued_at


def _subject(found: Any, expected: ExpectedEvent) -> str:
    """Whom a subject identifier names (RFC 9493); a complex one by its user (SSF 1.0, 3.2)."""
    if not isinstance(found, dict):
        raise SignInRejected(f"{_WHAT}: names no subject")
    kind = str(found.get("format", found.get("subject_type", "complex" if "user" in found else ""))).replace("-", "_")
    if kind == "complex" or (not kind and "user" in found):
        inner = found.get("user")
        if not isinstance(inner, dict) or inner.get("format") == "complex":
            raise SignInRejected(f"{_WHAT}: a complex subject without a user")
        return _subject(inner, expected)
    if kind == "aliases":
        return _one_of(found.get("identifiers"), expected)
    if kind == "iss_sub":
        return _of_issuer(found, expected)
    if kind == "opaque":
        return _text(found.get("id"))
    if kind == "email" and expected.takes_email:
        return _text(found.get("email"))
    raise SignInRejected(f"{_WHAT}: a subject of format {quoted(kind, 40)}, by which nobody is known here")


def _of_issuer(found: dict[str, Any], expected: ExpectedEvent) -> str:
    known = {one.rstrip("/") for one in (bare_issuer(expected.issuer), *expected.subject_issuers)}
    issuer = found.get("iss")
    if not isinstance(issuer, str) or bare_issuer(issuer).rstrip("/") not in known:
        raise SignInRejected(f"{_WHAT}: a subject of another issuer, {quoted(issuer)}")
    return _text(found.get("sub"))


def _one_of(identifiers: object, expected: ExpectedEvent) -> str:
    """Whom several identifiers of one subject name (RFC 9493 3.2.8): those by which we know people have to agree."""
    if not isinstance(identifiers, list) or not 0 < len(identifiers) <= _MOST_ALIASES:
        raise SignInRejected(f"{_WHAT}: `aliases` without 1 to {_MOST_ALIASES} identifiers")
    known: set[str] = set()
    for one in identifiers:
        if not isinstance(one, dict) or one.get("format") in ("aliases", "complex") or "user" in one:
            raise SignInRejected(f"{_WHAT}: `aliases` hold an identifier that is none of one subject")
        with suppress(SignInRejected):
            known.add(_subject(one, expected))
    if len(known) != 1:
        raise SignInRejected(f"{_WHAT}: `aliases` by which {len(known)} people could be known here, and not one")
    return known.pop()


def _text(value: object) -> str:
    if not isinstance(value, str) or not SUBJECT.fullmatch(value):
        raise SignInRejected(f"{_WHAT}: a subject that is not 1 to 255 plain characters")
    return value
