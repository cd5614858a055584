"""Authorization codes and access tokens (RFC 6749 sections 4.1.2 and 4.1.4): a code is good once, for a minute."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta

from federation_bridge.model import Clock, Randomness
from federation_bridge.sandbox.identity_provider.authorization import AuthorizationRequest
from federation_bridge.sandbox.identity_provider.presence import Presence
from federation_bridge.sandbox.identity_provider.refusals import OAuthRefusal

_CODE_LIFETIME = timedelta(seconds=60)
TOKEN_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a code or an access token stands for: this person let this client know these things."""

    asked: AuthorizationRequest
    presence: Presence


class Codes:
    """Issued codes and access tokens, in memory. A code that comes a second time also ends its access token."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness
        self._lock = threading.Lock()
        self._codes: dict[str, tuple[Consent, float]] = {}
        self._spent: dict[str, str] = {}
        self._tokens: dict[str, tuple[Consent, float]] = {}
        self._refresh: dict[str, Consent] = {}

    def issue(self, consent: Consent) -> str:
        """A new code for what was consented to."""
        code = self._randomness(32).hex()
        self._codes[code] = (consent, (self._clock() + _CODE_LIFETIME).timestamp())
        return code

    def redeem(self, code: str) -> tuple[Consent, str]:
        """What the code stands for and a new access token; OAuthRefusal `invalid_grant` for a used or old one."""
        with self._lock:
            found = self._codes.pop(code, None)
            if found is None:
                self._tokens.pop(self._spent.get(code, ""), None)
                raise OAuthRefusal("invalid_grant", "the code is unknown or was used before")
            consent, ends_at = found
            token = self._randomness(32).hex()
            self._spent[code] = token
            if self._clock().timestamp() > ends_at:
                raise OAuthRefusal("invalid_grant", "the code is too old")
            self._tokens[token] = (consent, (self._clock() + TOKEN_LIFETIME).timestamp())
        return consent, token

    def refresh_token(self, consent: Consent) -> str:
        """A new refresh token for what was consented to; each is good once (RFC 9700 4.14.2)."""
        token = self._randomness(32).hex()
        self._refresh[token] = consent
        return token

    def renew(self, refresh_token: str) -> tuple[Consent, str]:
        """What the refresh token stands for and a new access token; OAuthRefusal `invalid_grant` otherwise."""
        with self._lock:
            consent = self._refresh.pop(refresh_token, None)
        if consent is None:
            raise OAuthRefusal("invalid_grant", "the refresh token is unknown, was used before, or was revoked")
        token = self._randomness(32).hex()
        self._tokens[token] = (consent, (self._clock() + TOKEN_LIFETIME).timestamp())
        return consent, token

    def revoke_of(self, login: str) -> int:
        """Revokes every refresh token of a person; gives how many there were."""
        found = [one for one, consent in list(self._refresh.items()) if consent.presence.person.login == login]
        return sum(self._refresh.pop(one, None) is not None for one in found)

    def consent_of(self, access_token: str) -> Consent:
        """What the access token stands for; OAuthRefusal `invalid_token` (RFC 6750 section 3.1) otherwise."""
        found = self._tokens.get(access_token)
        if found is None or self._clock().timestamp() > found[1]:
            raise OAuthRefusal("invalid_token", "the access token is unknown or too old", 401)
        return found[0]
