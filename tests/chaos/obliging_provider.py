"""An OpenID provider that believes everybody: it lets in whom the test names, each code once, many people at a time."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.openid_provider import CLIENT_ID, public_jwk, rs256, rsa_key, served, signed

SECRET = "quiet secret"


@dataclass
class ObligingProvider:
    """`issuer` is known once it is served."""

    issuer: str = ""
    _given: dict[str, dict[str, str]] = field(default_factory=dict)
    """By code, what it was given for."""

    def answer_for(self, address: str, person: str, group: str) -> str:
        """The query with which the browser comes back that left for this address."""
        asked = dict(parse_qsl(urlsplit(address).query))
        code = secrets.token_hex(16)
        self._given[code] = {"person": person, "group": group, **asked}
        return urlencode({"state": asked["state"], "code": code, "iss": self.issuer})

    def respond(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        path = urlsplit(url).path
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps(self._discovery()).encode()
        if path == "/keys":
            return 200, json.dumps({"keys": [public_jwk(rsa_key("obliging"), kid="first")]}).encode()
        if path == "/token" and method == "POST":
            return self._redeem(dict(parse_qsl(body.decode())))
        return 404, b"{}"

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "jwks_uri": self.issuer + "/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _redeem(self, fields: Mapping[str, str]) -> tuple[int, bytes]:
        asked = self._given.pop(fields.get("code", ""), None)
        if asked is None or _challenge(fields["code_verifier"]) != asked["code_challenge"]:
            return 400, b'{"error": "invalid_grant"}'
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 3600,
            "nonce": asked["nonce"],
            "sub": asked["person"],
            "name": asked["person"].title(),
            "email": f"{asked['person']}@example.com",
            "email_verified": True,
            "groups": [asked["group"]],
        }
        header = {"alg": "RS256", "kid": "first", "typ": "JWT"}
        token = signed(header, json.dumps(claims).encode(), rs256(rsa_key("obliging")))
        return 200, json.dumps({"access_token": "unused", "token_type": "Bearer", "id_token": token}).encode()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@contextmanager
def obliging_provider() -> Iterator[ObligingProvider]:
    """One in this process, as long as the block lasts."""
    provider = ObligingProvider()
    with served(provider.respond) as address:
        provider.issuer = address
        yield provider
