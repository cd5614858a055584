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

    def consent_of(self, access_token: str) -> Consent:
        """What the access token stands for; OAuthRefusal `invalid_token` (RFC 6750 section 3.1) otherwise."""
        found = self._tokens.get(access_token)
        if found is None or self._clock().timestamp() > found[1]:
            raise OAuthRefusal("invalid_token", "the access token is unknown or too old", 401)
        return found[0]
