"""The authorization request (OIDC core 3.1.2.1 with PKCE, RFC 7636): what a client may ask, and where answers go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from werkzeug.datastructures import MultiDict

from federation_bridge.sandbox.identity_provider.applications import OidcClient
from federation_bridge.sandbox.identity_provider.refusals import OAuthRefusal, Refusal

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where the answer goes: to a redirect URI that is registered for the client, character by character."""

    client: OidcClient
    redirect_uri: str
    state: str
    response_mode: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a registered client asks."""

    to: ReturnAddress
    scopes: frozenset[str]
    nonce: str
    code_challenge: str
    prompt: str
    max_age: timedelta | None
    acr_values: tuple[str, ...] = ()


def return_address(asked: MultiDict[str, str], clients: Mapping[str, OidcClient]) -> ReturnAddress:
    """Where an answer may go, errors included; Refusal (a page, never a redirect) where that is not certain."""
    if any(len(values) > 1 for _, values in asked.lists()):
        raise Refusal("invalid_request", "a parameter occurs twice")
    client = clients.get(asked.get("client_id", ""))
    if client is None:
        raise Refusal("unauthorized_client", "no application is registered with this client id")
    redirect_uri = asked.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        raise Refusal("redirect_uri_mismatch", f"the address {redirect_uri or '(none)'} is not registered")
    mode = asked.get("response_mode", "query")
    return ReturnAddress(client, redirect_uri, asked.get("state", ""), mode if mode == "form_post" else "query")


def authorization_request(asked: MultiDict[str, str], to: ReturnAddress) -> AuthorizationRequest:
    """The request; OAuthRefusal (told to the client by redirect) says why it is not taken."""
    if asked.get("response_type") != "code":
        raise OAuthRefusal("unsupported_response_type", "only the code flow is offered")
    if asked.get("response_mode", "query") not in ("query", "form_post"):
        raise OAuthRefusal("invalid_request", "response_mode is query or form_post")
    scopes = frozenset(asked.get("scope", "").split())
    if "openid" not in scopes:
        raise OAuthRefusal("invalid_scope", "the scope openid is missing")
    challenge = asked.get("code_challenge", "")
    if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise OAuthRefusal("invalid_request", "a code_challenge by S256 is required")
    max_age = asked.get("max_age")
    if max_age is not None and not re.fullmatch(r"[0-9]{1,6}", max_age):
        raise OAuthRefusal("invalid_request", "max_age is a number of seconds")
    return AuthorizationRequest(
        to=to,
        scopes=scopes,
        nonce=asked.get("nonce", ""),
        code_challenge=challenge,
        prompt=asked.get("prompt", ""),
        max_age=None if max_age is None else timedelta(seconds=int(max_age)),
        acr_values=tuple(asked.get("acr_values", "").split()),
    )
