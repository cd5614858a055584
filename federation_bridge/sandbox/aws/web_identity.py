"""From a compact JWT to what it states, held to the rules that STS was seen to hold it to (aws.md 3.2 and 3.4)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from federation_bridge.sandbox.aws.error_responses import Refused, expired_token, invalid_identity_token
from federation_bridge.sandbox.aws.openid_keys import OpenIdKeys, no_key
from federation_bridge.sandbox.aws.session_terms import NAME, SessionTags, read_tags
from federation_bridge.sandbox.aws.state import AccountState, OidcProvider

_ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_REQUIRED = ("iss", "sub", "aud", "iat", "exp")
_LEEWAY = 300
_OLDEST = 86_400
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_TAGS = "https://aws.amazon.com/tags"
_SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
_ROLES = "https://aws.amazon.com/roles"


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """What a verified token states, as far as STS reads it."""

    issuer: str
    subject: str
    audience: str
    """`azp` where there is one, else `aud`: what the provider's client ids are compared with."""
    original_audience: str
    tags: SessionTags
    source_identity: str
    claims: Mapping[str, Any] = field(repr=False)
    authorized_roles: tuple[str, ...] | None = None
    """Role ARNs that the issuer names; None where it names none."""

    @property
    def id(self) -> str:
        """`jti`, or nothing."""
        return str(self.claims.get("jti", ""))


def not_a_token() -> Refused:
    """AWS's sentence for whatever is no JWT to it."""
    return invalid_identity_token(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
    )


def _not_validated() -> Refused:
    return invalid_identity_token(
        "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for "
        "requirements."
    )


def read_web_identity(
    token: str, account: AccountState | None, keys: OpenIdKeys, now: datetime
) -> tuple[WebIdentity, OidcProvider]:
    """What the token states and the account's provider that vouches for it; Refused in AWS's words."""
    header, claims = _parsed(token)
    _demand_required(claims)
    times = {str(name): _timestamp(claims[name]) for name in ("iat", "exp", "nbf") if name in claims}
    issuer = str(claims["iss"])
    audience, original = _audience(claims)
    provider = account and account.oidc_providers.get(issuer.removeprefix("https://"))
    if not provider or not issuer.startswith("https://"):
        raise invalid_identity_token(f"No OpenIDConnect provider found in your account for {issuer}")
    if audience not in provider.client_ids:
        raise _not_validated()
    keys.demand_thumbprint(issuer, provider.thumbprints)
    _demand_signature(token, header, keys.key_for(issuer, header))
    _demand_times(times, int(now.timestamp()))
    identity = WebIdentity(
        issuer,
        _subject(claims["sub"]),
        audience,
        original,
        _tags(claims),
        _source_identity(claims),
        claims,
        _authorized_roles(claims),
    )
    return identity, provider


def _parsed(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - RFC 7515 7.1
        raise not_a_token()
    header, claims = (_json_part(part) for part in parts[:2])
    if header.get("alg") not in _ALGORITHMS or "crit" in header:
        raise not_a_token()
    return header, claims


def _json_part(text: str) -> dict[str, Any]:
    try:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
            raise not_a_token()
        part = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8"))
    except (ValueError, binascii.Error, RecursionError):
        raise not_a_token() from None
    if not isinstance(part, dict):
        raise not_a_token()
    return part


def _demand_required(claims: Mapping[str, Any]) -> None:
    for name in _REQUIRED:
        if name not in claims:
            raise invalid_identity_token(f"Missing a required claim: {name}")


def _timestamp(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise invalid_identity_token("Invalid timestamp in token claims.")


def _audience(claims: Mapping[str, Any]) -> tuple[str, str]:
    aud = claims["aud"]
    if aud == []:
        raise invalid_identity_token("Claim is not allowed to be empty: aud")
    values = aud if isinstance(aud, list) else [aud]
    if not all(isinstance(value, str) for value in values):
        raise _not_validated()
    if "azp" in claims:
        azp = claims["azp"]
        return (azp if isinstance(azp, str) else ""), str(values[0])
    if len(values) > 1:
        raise invalid_identity_token(
            "Token audience contains more than one audience while authorized party is not present"
        )
    return values[0], values[0]


def _subject(value: object) -> str:
    if value is None:
        raise Refused("InternalFailure", "Unknown error validating third-party token", 500)
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise _not_validated()


def _demand_signature(token: str, header: Mapping[str, Any], jwk: Mapping[str, Any]) -> None:
    algorithm = str(header["alg"])
    try:
        if jwk["kty"] == "RSA":
            key: RSAKey | ECKey = RSAKey.import_key({name: str(jwk[name]) for name in ("kty", "n", "e")})
        else:
            if jwk["crv"] != _CURVES[algorithm]:
                raise no_key()
            key = ECKey.import_key({name: str(jwk[name]) for name in ("kty", "crv", "x", "y")})
    except (JoseError, ValueError, KeyError):
        raise no_key() from None
    try:
        jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError):
        raise _not_validated() from None


def _demand_times(times: Mapping[str, int], now: int) -> None:
    if now - _LEEWAY >= times["exp"]:
        raise expired_token(
            f"Token expired: current date/time {now - _LEEWAY} must be before the expiration date/time {times['exp']}"
        )
    if times["iat"] > now + _LEEWAY:
        raise invalid_identity_token(f"Token issued in the future: {times['iat']}")
    if times.get("nbf", 0) > now + _LEEWAY:
        raise invalid_identity_token(
            f"Token not yet valid: current date/time {now + _LEEWAY} must be after or equal to the not-before "
            f"date/time {times['nbf']}"
        )
    if now - times["iat"] > _OLDEST:
        raise expired_token(f"Token too old: {now - times['iat']}")


def _tags(claims: Mapping[str, Any]) -> SessionTags:
    nested = claims.get(_TAGS, {})
    if not isinstance(nested, dict):
        raise invalid_identity_token("tags passed in claim is not in correct format.")
    principal = nested.get("principal_tags", {})
    if not isinstance(principal, dict):
        raise _badly_formed_tags()
    pairs = [(key, _nested_value(value)) for key, value in principal.items()]
    prefix = f"{_TAGS}/principal_tags/"
    for name, value in claims.items():
        if name.startswith(prefix):
            if not isinstance(value, str):
                raise _badly_formed_tags()
            pairs.append((name[len(prefix) :], value))
    transitive = nested.get("transitive_tag_keys", claims.get(f"{_TAGS}/transitive_tag_keys", []))
    if not isinstance(transitive, list) or not all(isinstance(key, str) for key in transitive):
        raise invalid_identity_token("transitive_tag_keys passed in claim is not in correct format.")
    return read_tags(pairs, transitive)


def _nested_value(value: object) -> str:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return value[0]
    raise _badly_formed_tags()


def _badly_formed_tags() -> Refused:
    return invalid_identity_token("principal_tags passed in claim is not in correct format.")


def _source_identity(claims: Mapping[str, Any]) -> str:
    value = claims.get(_SOURCE_IDENTITY, "")
    if value == "":
        return ""
    if not isinstance(value, str) or not NAME.fullmatch(value) or value.startswith("aws:"):
        raise invalid_identity_token('Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"')
    return value


def _authorized_roles(claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    value = claims.get(_ROLES)
    if value is None:
        return None
    if isinstance(value, str):
        return tuple(value.split(";"))
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
