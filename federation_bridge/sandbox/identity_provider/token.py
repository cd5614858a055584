"""The token endpoint (OIDC core 3.1.3): who the client is, whether the code is its own, and the ID token for it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.codes import TOKEN_LIFETIME, Consent
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.refusals import OAuthRefusal
from federation_bridge.sandbox.identity_provider.second_factor import MFA_ACR
from federation_bridge.sandbox.identity_provider.styles import oidc_claims

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TokenEndpoint:
    """Trades a code for an ID token, for the client that asked for it and proves it."""

    def __init__(self, provider: IdentityProvider) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._assertions_seen: set[str] = set()

    def answer(self, form: Mapping[str, str], authorization: str | None) -> tuple[dict[str, Any], dict[str, str]]:
        """Body and headers of the answer; OAuthRefusal (RFC 6749 section 5.2) otherwise."""
        client = self._client(form, authorization)
        codes = self._provider.codes
        match form.get("grant_type"):
            case "authorization_code":
                consent, access_token = codes.redeem(form.get("code", ""))
                self._check_code_is_the_clients(consent, client, form)
            case "refresh_token":
                consent, access_token = codes.renew(form.get("refresh_token", ""))
                if consent.asked.to.client != client:
                    raise OAuthRefusal("invalid_grant", "the refresh token was issued to another client")
            case _:
                raise OAuthRefusal("unsupported_grant_type", "authorization_code and refresh_token are offered")
        body = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFETIME.total_seconds()),
            "scope": " ".join(sorted(consent.asked.scopes)),
            "id_token": self._id_token(consent, access_token),
        }
        if "offline_access" in consent.asked.scopes:
            body["refresh_token"] = codes.refresh_token(consent)
        return body, {"Cache-Control": "no-store"}

    def _check_code_is_the_clients(self, consent: Consent, client: OidcClient, form: Mapping[str, str]) -> None:
        to = consent.asked.to
        if to.client != client or to.redirect_uri != form.get("redirect_uri"):
            raise OAuthRefusal("invalid_grant", "the code was issued to another client or address")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not hmac.compare_digest(challenge, consent.asked.code_challenge):
            raise OAuthRefusal("invalid_grant", "the code_verifier does not fit the code_challenge")

    def _id_token(self, consent: Consent, access_token: str) -> str:
        now = int(self._provider.clock().timestamp())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = oidc_claims(self._provider.style, consent.presence.person, consent.asked.scopes) | {
            "iss": self._provider.address,
            "aud": consent.asked.to.client.client_id,
            "iat": now,
            "exp": now + int(TOKEN_LIFETIME.total_seconds()),
            "auth_time": int(consent.presence.authenticated_at.timestamp()),
            "sid": consent.presence.sid,
            "jti": self._provider.randomness(16).hex(),
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        }
        if consent.presence.has_second_factor and self._provider.style == "okta":
            claims |= {"amr": ["pwd", "otp", "mfa"], "acr": MFA_ACR}
        if consent.asked.nonce:
            claims["nonce"] = consent.asked.nonce
        header = {"alg": "RS256", "typ": "JWT", "kid": self._provider.jwk.kid}
        return jwt.encode(header, claims, self._provider.jwk)

    # ------------------------------------------------------------------ who the client is (OIDC core section 9)

    def _client(self, form: Mapping[str, str], authorization: str | None) -> OidcClient:
        ways = [authorization is not None, "client_secret" in form, "client_assertion" in form]
        if sum(ways) != 1:
            raise _unknown_client("the client authenticates in exactly one way")
        if "client_assertion" in form:
            return self._by_assertion(form)
        name, secret = _basic(authorization) if authorization is not None else _posted(form)
        client = self._provider.clients.get(name)
        if client is None or client.secret is None or not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise _unknown_client("wrong client id or secret")
        return client

    def _by_assertion(self, form: Mapping[str, str]) -> OidcClient:
        client = self._provider.clients.get(form.get("client_id") or _claimed_subject(form["client_assertion"]))
        if client is None or client.keys is None or form.get("client_assertion_type") != _JWT_BEARER:
            raise _unknown_client("this client does not authenticate by a signed JWT")
        try:
            keys = KeySet.import_key_set({"keys": list(client.keys["keys"])})
            claims = jwt.decode(form["client_assertion"], keys, algorithms=["RS256"]).claims
            self._assertion_rules(client).validate(claims)
        except (JoseError, ValueError) as problem:
            raise _unknown_client(f"the client assertion is not good: {problem}") from None
        with self._lock:
            if claims["jti"] in self._assertions_seen:
                raise _unknown_client("the client assertion was used before")
            self._assertions_seen.add(claims["jti"])
        return client

    def _assertion_rules(self, client: OidcClient) -> jwt.JWTClaimsRegistry:
        audiences = [self._provider.address, f"{self._provider.address}/token"]
        return jwt.JWTClaimsRegistry(
            now=int(self._provider.clock().timestamp()),
            iss={"essential": True, "value": client.client_id},
            sub={"essential": True, "value": client.client_id},
            aud={"essential": True, "values": audiences},
            exp={"essential": True},
            jti={"essential": True},
        )


def _unknown_client(sentence: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_client", sentence, 401)


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, value = authorization.partition(" ")
    try:
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _unknown_client("the Authorization header cannot be read") from None
    if scheme.lower() != "basic" or not colon:
        raise _unknown_client("the Authorization header cannot be read")
    # Both parts are form-encoded before they are joined (RFC 6749 section 2.3.1).
    return unquote_plus(name), unquote_plus(secret)


def _posted(form: Mapping[str, str]) -> tuple[str, str]:
    return form.get("client_id", ""), form["client_secret"]


def _claimed_subject(assertion: str) -> str:
    # Unverified: only picks the client whose keys must then have signed it.
    try:
        payload = assertion.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return ""
    return str(claims.get("sub", "")) if isinstance(claims, dict) else ""
