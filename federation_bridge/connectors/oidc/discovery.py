"""The provider's own description of itself (OpenID Connect Discovery 1.0), checked before anything in it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from federation_bridge.connectors.oidc.strict_json import published_object
from federation_bridge.errors import SignInRejected
from federation_bridge.settings import is_loopback
from federation_bridge.spelling import differing

MAX_DISCOVERY_BYTES = 256_000
_ADDRESS = re.compile(r"https?://[!-\[\]-~]{1,2000}")
ENTRA_SHARED_AUTHORITIES = frozenset({"common", "organizations"})


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What we use of the document. Lists of algorithms are not among it: ours are fixed in the settings."""

    issuer: str
    """As configured; with `{tenantid}` where an Entra authority stands for many tenants."""
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods: tuple[str, ...]
    announces_iss: bool
    """The answer to our request must carry `iss` (RFC 9207)."""
    response_modes: tuple[str, ...] = ("query", "fragment")
    """How answers can come back; unsaid it is these (Discovery 3). Looked at by `check` alone."""
    end_session_endpoint: str | None = None
    """None: there is none that we would send anybody to. Not among `endpoints`: it is only used on a host of those."""
    userinfo_endpoint: str | None = None
    """None where the connection has no use for it: then it may lie anywhere, or not be there."""

    @property
    def endpoints(self) -> dict[str, str]:
        """The addresses that people, secrets and trust are taken to, by their names in the document."""
        found = {
            "authorization_endpoint": self.authorization_endpoint,
            "token_endpoint": self.token_endpoint,
            "jwks_uri": self.jwks_uri,
        }
        return found if self.userinfo_endpoint is None else {**found, "userinfo_endpoint": self.userinfo_endpoint}


def discovery_address(issuer: str) -> str:
    """Where the issuer's document lies (OpenID Connect Discovery 4)."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def expected_issuer(issuer: str, tenancy: str) -> str:
    """The `issuer` that the document must name: the configured one, or Entra's template for a shared authority."""
    parts = urlsplit(issuer)
    segments = parts.path.split("/")
    if tenancy == "entra" and len(segments) > 1 and segments[1] in ENTRA_SHARED_AUTHORITIES:
        path = "/".join(["", "{tenantid}", *segments[2:]])
        return f"{parts.scheme}://{parts.netloc}{path}"
    return issuer


def read_discovery(text: bytes, issuer: str, *, uses_userinfo: bool = False) -> ProviderMetadata:
    """The provider's metadata; `issuer` must stand in it letter for letter (Discovery 4.3). Else SignInRejected.

    `uses_userinfo`: whether a userinfo endpoint is needed.
    """
    if len(text) > MAX_DISCOVERY_BYTES:
        raise SignInRejected("discovery: more than 256 kB")
    document = published_object(text, "discovery")
    if document.get("issuer") != issuer:
        raise SignInRejected(f"discovery: another issuer: {differing('issuer', issuer, str(document.get('issuer')))}")
    allows_http = is_loopback(issuer) and issuer.startswith("http:")
    return ProviderMetadata(
        issuer,
        _endpoint(document, "authorization_endpoint", allows_http=allows_http),
        _endpoint(document, "token_endpoint", allows_http=allows_http),
        _endpoint(document, "jwks_uri", allows_http=allows_http),
        _methods(document),
        document.get("authorization_response_iss_parameter_supported") is True,
        _response_modes(document),
        _end_session_endpoint(document, allows_http=allows_http),
        _endpoint(document, "userinfo_endpoint", allows_http=allows_http) if uses_userinfo else None,
    )


def without_what_is_unused(text: bytes) -> bytes:
    """The document without its userinfo endpoint, for a connection that has no use for it; SignInRejected as above.

    Nobody looks where that lies as long as it is unused. Were it kept, it would be taken for pinned by the time that
    somebody uses it (attack I16).
    """
    document = published_object(text, "discovery")
    if "userinfo_endpoint" not in document:
        return text
    used = {name: value for name, value in document.items() if name != "userinfo_endpoint"}
    return json.dumps(used, ensure_ascii=False, separators=(",", ":")).encode()


def _end_session_endpoint(document: Mapping[str, Any], *, allows_http: bool) -> str | None:
    """Where people sign out there; one that is no good refuses nothing else."""
    try:
        return _endpoint(document, "end_session_endpoint", allows_http=allows_http)
    except SignInRejected:
        return None


def _endpoint(document: Mapping[str, Any], name: str, *, allows_http: bool) -> str:
    """An https address; http only where the issuer itself is one on this machine."""
    url = document.get(name)
    if not isinstance(url, str) or not _ADDRESS.fullmatch(url):
        raise SignInRejected(f"discovery: `{name}` is not an address")
    try:
        parts = urlsplit(url)
        plain = parts.port != 0 and not (parts.username or parts.password or "#" in url) and bool(parts.hostname)
    except ValueError:
        plain = False
    if not plain or not (url.startswith("https:") or (allows_http and is_loopback(url))):
        raise SignInRejected(f"discovery: `{name}` is not a plain https address")
    return url


def _response_modes(document: Mapping[str, Any]) -> tuple[str, ...]:
    modes = document.get("response_modes_supported")
    if not isinstance(modes, list):
        return ("query", "fragment")
    return tuple(mode for mode in modes if isinstance(mode, str))


def _methods(document: Mapping[str, Any]) -> tuple[str, ...]:
    methods = document.get("token_endpoint_auth_methods_supported")
    if methods is None:
        return ("client_secret_basic",)
    if not isinstance(methods, list):
        raise SignInRejected("discovery: `token_endpoint_auth_methods_supported` is not a list")
    return tuple(method for method in methods if isinstance(method, str))
