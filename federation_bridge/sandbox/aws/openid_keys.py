"""Discovery document and keys of an OpenID Connect issuer, fetched as STS fetches them (aws.md 3.3).

Issuers have https names, as AWS demands; a table says at which loopback address each of them really answers, and
nothing else is ever fetched.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from federation_bridge.sandbox.aws.refusals import Refused, invalid_identity_token

_TIMEOUT = 5.0
_MAX_BYTES = 1_000_000
_MAX_KEYS = 100
_OK = 200

Issuers = Mapping[str, str]
"""Issuer, exactly as in `iss`, to the address on this machine where it answers."""


def no_key() -> Refused:
    """AWS's one sentence for whatever is wrong with an issuer's documents (its two blanks are AWS's own)."""
    return invalid_identity_token(
        "Couldn't retrieve verification key from your identity provider,  please reference "
        "AssumeRoleWithWebIdentity documentation for requirements"
    )


@dataclass(frozen=True, slots=True)
class OpenIdKeys:
    """Finds the key that an issuer's token names. `fetch` gives the body behind an address of this machine."""

    issuers: Issuers
    fetch: Callable[[str], bytes]

    def key_for(self, issuer: str, header: Mapping[str, Any]) -> Mapping[str, Any]:
        """The JWK that this JWS header names; Refused when it cannot be had."""
        document = self._document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise no_key()
        _demand_metadata(document)
        keys = self._document(str(document["jwks_uri"])).get("keys")
        if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
            raise no_key()
        return _chosen(keys, header)

    def _document(self, url: str) -> dict[str, Any]:
        for issuer, address in self.issuers.items():
            own = issuer.rstrip("/")
            if url == own or url.startswith(own + "/"):
                return _json(self.fetch(address.rstrip("/") + url[len(own) :]))
        raise no_key()


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise no_key() from None
    if not isinstance(document, dict):
        raise no_key()
    return document


def _demand_metadata(document: Mapping[str, Any]) -> None:
    lists = {
        name: document.get(name)
        for name in (
            "response_types_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported",
            "claims_supported",
        )
    }
    if not all(isinstance(value, list) for value in lists.values()) or not isinstance(document.get("jwks_uri"), str):
        raise no_key()
    responses, subjects, algorithms, claims = lists.values()
    has_id_token = any("id_token" in str(one).split() for one in responses or ())
    if not has_id_token or "public" not in (subjects or ()) or not algorithms:
        raise no_key()
    if not {"aud", "iat", "iss", "sub"} <= set(map(str, claims or ())):
        raise no_key()


def _chosen(keys: list[dict[str, Any]], header: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = "RSA" if str(header["alg"]).startswith("RS") else "EC"
    fitting = [key for key in keys if key.get("kty") == kind]
    if len(fitting) > _MAX_KEYS:
        raise no_key()
    usable = {str(key["kid"]): key for key in fitting if _is_usable(key)}
    kid = header.get("kid")
    if kid is None and len(usable) == 1:
        return next(iter(usable.values()))
    if not isinstance(kid, str) or kid not in usable:
        raise no_key()
    return usable[kid]


def _is_usable(key: Mapping[str, Any]) -> bool:
    numbers = ("n", "e") if key.get("kty") == "RSA" else ("crv", "x", "y")
    if not isinstance(key.get("kid"), str) or not key["kid"] or "key_ops" in key or key.get("use") == "enc":
        return False
    return all(isinstance(key.get(name), str) for name in numbers)


def fetch_from_loopback(address: str) -> bytes:
    """The body at an http address; Refused when it does not answer 200 in time. Follows nothing, heeds no proxy."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        response = connection.getresponse()
        body = response.read(_MAX_BYTES + 1)
    except (OSError, http.client.HTTPException):
        raise Refused(
            "IDPCommunicationError",
            "The identity provider that was asked to verify the incoming identity token could not be reached.",
        ) from None
    finally:
        connection.close()
    if response.status != _OK or len(body) > _MAX_BYTES:
        raise no_key()
    return body
