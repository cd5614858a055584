"""Discovery document and keys of an OpenID Connect issuer, fetched as STS fetches them (aws.md 3.3).

Issuers have https names, as AWS demands; a table says at which loopback address each of them really answers, and
nothing else is ever fetched.
"""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from federation_bridge.sandbox.aws.error_responses import Refused, invalid_identity_token

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
    thumbprints: Mapping[str, str] = field(default_factory=dict)
    """Issuer to the SHA-1 of a certificate above its own, for issuers whose chain AWS is to know only by that."""

    def demand_thumbprint(self, issuer: str, configured: Iterable[str]) -> None:
        """Refused when the table says how the issuer's certificate is known, and the provider does not know it."""
        own = self.thumbprints.get(issuer)
        if own is not None and own.lower() not in {one.lower() for one in configured}:
            raise invalid_identity_token(
                "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
            )

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
    return all(isinstance(key.get(name), str) for name in numbers) and _fits_its_certificate(key)


def _fits_its_certificate(key: Mapping[str, Any]) -> bool:
    """`x5c` may be absent; where it stands, its first certificate holds the same key."""
    if "x5c" not in key:
        return True
    numbers: dict[str, str | list[str]] = {
        name: str(key[name]) for name in ("kty", "n", "e", "crv", "x", "y") if name in key
    }
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0], validate=True))
        own = (RSAKey if key["kty"] == "RSA" else ECKey).import_key(numbers).public_key
        return bool(certificate.public_key() == own)
    except (ValueError, TypeError, LookupError, JoseError, UnsupportedAlgorithm):
        return False


def fetch_from_loopback(address: str) -> bytes:
    """The body at an http address; Refused when it does not answer 200 in time. Follows no redirect, uses no proxy."""
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
