"""Signature Version 4, verified: from header or query string, and who signed (AWS's reference of SigV4)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

from federation_bridge.sandbox.aws import caller as callers
from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.signature_errors import (
    expired,
    invalid_token,
    mismatch,
    missing,
    presigned_expired,
    unknown_key,
)
from federation_bridge.sandbox.aws.state import State
from federation_bridge.sandbox.aws.wire import Wire

_ALGORITHM = "AWS4-HMAC-SHA256"

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<credential>[^,\s]+) *, *SignedHeaders=(?P<headers>[a-z0-9;-]+)"
    r" *, *Signature=(?P<signature>[0-9a-f]{64})"
)

_SCOPE = re.compile(
    r"(?P<key>\w{16,128})/(?P<date>[0-9]{8})/(?P<region>[a-z0-9-]{1,32})/(?P<service>[a-z0-9-]{1,32})/aws4_request"
)

_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_ALLOWED_DRIFT = timedelta(minutes=5)
_ALLOWED_DRIFT_S3 = timedelta(minutes=15)
_LONGEST_PRESIGNED = 604_800
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

STREAMING = frozenset(
    {
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    }
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its own signature, not yet believed."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    signed_at: datetime
    token: str | None
    lifetime: timedelta | None = None
    """Of a presigned address; None when the signature came in the header."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A verified signature: who, for which region, and what chunk signatures of a streamed body chain on to."""

    caller: Caller
    claim: Claim
    signing_key: bytes


def read_claim(wire: Wire) -> Claim | None:
    """The signature that a request carries, or None when it carries none; Refused when it is malformed."""
    pairs = dict(_pairs(wire.query))
    if "X-Amz-Signature" in pairs:
        return _query_claim(pairs)
    header = wire.headers.get("authorization")
    if header is None:
        return None
    found = _HEADER.fullmatch(header.strip())
    if found is None:
        raise Refused("IncompleteSignature", "Authorization header requires a well-formed AWS4-HMAC-SHA256 value.", 400)
    date = wire.headers.get("x-amz-date", "")
    return _claim(
        found["credential"], found["headers"], found["signature"], date, wire.headers.get("x-amz-security-token")
    )


def _query_claim(pairs: Mapping[str, str]) -> Claim:
    lifetime = pairs.get("X-Amz-Expires", "900")
    if pairs.get("X-Amz-Algorithm") != _ALGORITHM or not re.fullmatch(r"[0-9]{1,6}", lifetime):
        raise Refused("AuthorizationQueryParametersError", "Query-string authentication version 4 is malformed.", 400)
    if not 1 <= int(lifetime) <= _LONGEST_PRESIGNED:
        raise Refused("AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds)", 400)
    return _claim(
        pairs.get("X-Amz-Credential", ""),
        pairs.get("X-Amz-SignedHeaders", ""),
        pairs["X-Amz-Signature"],
        pairs.get("X-Amz-Date", ""),
        pairs.get("X-Amz-Security-Token"),
        timedelta(seconds=int(lifetime)),
    )


def _claim(
    credential: str, headers: str, signature: str, date: str, token: str | None, lifetime: timedelta | None = None
) -> Claim:
    scope = _SCOPE.fullmatch(credential)
    if scope is None or not _DATE.fullmatch(date) or not headers:
        raise Refused("IncompleteSignature", "Credential, SignedHeaders and X-Amz-Date must all be given.", 400)
    try:
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refused("IncompleteSignature", "Date must be in ISO-8601 basic format.", 400) from None
    if not date.startswith(scope["date"]):
        raise mismatch("Credential date does not match the request's date.")
    return Claim(
        scope["key"],
        date,
        scope["region"],
        scope["service"],
        tuple(headers.split(";")),
        signature,
        signed_at,
        token,
        lifetime,
    )


def authenticate(wire: Wire, claim: Claim | None, service: str, state: State) -> Signed:
    """Who signed this request for this service; Refused in the words of the service for anything that does not fit.

    The order is AWS's: key and token known, then the signature, then its time, then the session's end, then the body.
    """
    if claim is None:
        raise missing(service)
    if claim.service != service:
        raise mismatch(f"Credential should be scoped to correct service: '{service}'.")
    secret, found = _holder(claim, service, state)
    _demand_signed_headers(wire, claim)
    signing_key = _signing_key(secret, claim)
    expected = hmac.new(signing_key, _string_to_sign(wire, claim).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, claim.signature):
        raise mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )
    _demand_time(wire.received_at, claim, service)
    if found.session is not None and found.session.expires_at <= wire.received_at:
        raise expired(service)
    _demand_payload(wire, claim)
    return Signed(found, claim, signing_key)


def _holder(claim: Claim, service: str, state: State) -> tuple[str, Caller]:
    key = state.access_keys.get(claim.access_key_id)
    if key is not None:
        if claim.token is not None:
            raise invalid_token(service)
        return key.secret, callers.of_access_key(state, key)
    session = state.sessions.get(claim.access_key_id)
    if session is None:
        raise unknown_key(service)
    if claim.token is None or not hmac.compare_digest(claim.token.encode(), session.token.encode()):
        raise invalid_token(service)
    return session.secret, callers.of_session(state, session)


def _demand_signed_headers(wire: Wire, claim: Claim) -> None:
    signed = set(claim.signed_headers)
    owed = {name for name in wire.headers if name.startswith("x-amz-")} | {"host"}
    if claim.lifetime is not None:
        owed -= {"x-amz-content-sha256"}
    if owed - signed:
        raise Refused(
            "AccessDenied",
            f"There were headers present in the request which were not signed: {', '.join(sorted(owed - signed))}",
            403,
        )
    if signed - set(wire.headers):
        raise mismatch("A signed header is not in the request.")


def _string_to_sign(wire: Wire, claim: Claim) -> str:
    digest = hashlib.sha256(_canonical_request(wire, claim).encode()).hexdigest()
    scope = f"{claim.date[:8]}/{claim.region}/{claim.service}/aws4_request"
    return f"{_ALGORITHM}\n{claim.date}\n{scope}\n{digest}"


def _canonical_request(wire: Wire, claim: Claim) -> str:
    query = "&".join(
        sorted(f"{_encoded(name)}={_encoded(value)}" for name, value in _pairs(wire.query) if name != "X-Amz-Signature")
    )
    headers = "".join(f"{name}:{' '.join(wire.headers[name].split())}\n" for name in claim.signed_headers)
    return "\n".join(
        (
            wire.method,
            _canonical_path(wire, claim),
            query,
            headers,
            ";".join(claim.signed_headers),
            _payload_hash(wire, claim),
        )
    )


def _canonical_path(wire: Wire, claim: Claim) -> str:
    once = quote(unquote_to_bytes(wire.path or "/"), safe="/-_.~")
    return once if claim.service == "s3" else quote(once, safe="/-_.~")


def _payload_hash(wire: Wire, claim: Claim) -> str:
    if claim.service == "s3":
        return wire.headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
    return hashlib.sha256(wire.body).hexdigest()


def _demand_payload(wire: Wire, claim: Claim) -> None:
    if claim.service != "s3":
        return
    told = wire.headers.get("x-amz-content-sha256")
    if told is None and claim.lifetime is None:
        raise Refused("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if told in (None, UNSIGNED_PAYLOAD) or told in STREAMING:
        return
    if told != hashlib.sha256(wire.body).hexdigest():
        raise Refused(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
        )


def _pairs(query: str) -> list[tuple[str, str]]:
    # Not parse_qsl: in a signature a plus sign is a plus sign.
    found = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe="-_.~")


def _signing_key(secret: str, claim: Claim) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (claim.date[:8], claim.region, claim.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _demand_time(now: datetime, claim: Claim, service: str) -> None:
    drift = _ALLOWED_DRIFT_S3 if service == "s3" else _ALLOWED_DRIFT
    if claim.lifetime is not None:
        if claim.signed_at + claim.lifetime < now:
            raise presigned_expired(service)
        if claim.signed_at > now + drift:
            raise Refused("AccessDenied", "Request is not valid yet", 403)
        return
    if abs(claim.signed_at - now) <= drift:
        return
    if service == "s3":
        raise Refused(
            "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403
        )
    is_old = claim.signed_at < now
    bound = now - drift if is_old else now + drift
    word, relation = ("expired", "earlier than") if is_old else ("not yet current", "later than")
    basic = "%Y%m%dT%H%M%SZ"
    raise mismatch(
        f"Signature {word}: {claim.date} is {'now' if is_old else 'still'} {relation} {bound.strftime(basic)} "
        f"({now.strftime(basic)} {'-' if is_old else '+'} 5 min.)"
    )
