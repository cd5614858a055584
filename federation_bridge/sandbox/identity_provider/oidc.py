"""OpenID Connect, the provider's side: discovery, authorization and userinfo endpoints (OIDC core 3.1, discovery 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from federation_bridge.sandbox.identity_provider.authorization import (
    AuthorizationRequest,
    ReturnAddress,
    authorization_request,
    return_address,
)
from federation_bridge.sandbox.identity_provider.codes import Consent
from federation_bridge.sandbox.identity_provider.login import run, whoever_is_here
from federation_bridge.sandbox.identity_provider.pages import self_posting_form
from federation_bridge.sandbox.identity_provider.presence import Errand, Presence
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.refusals import OAuthRefusal
from federation_bridge.sandbox.identity_provider.second_factor import wanted_by
from federation_bridge.sandbox.identity_provider.styles import oidc_claims
from federation_bridge.sandbox.identity_provider.token import TokenEndpoint


def oidc_pages(provider: IdentityProvider) -> Blueprint:
    """Discovery, keys, and the authorization, token and userinfo endpoints. The issuer is the provider's address."""
    pages = Blueprint("oidc", __name__)
    tokens = TokenEndpoint(provider)

    @pages.get("/.well-known/openid-configuration")
    def discovery() -> ResponseReturnValue:
        return _configuration(provider.address)

    @pages.get("/jwks")
    def jwks() -> ResponseReturnValue:
        return {"keys": [provider.jwk.as_dict(private=False)]}

    @pages.get("/authorize")
    def authorize() -> ResponseReturnValue:
        to = return_address(request.args, provider.clients)
        try:
            return _authorized(provider, authorization_request(request.args, to))
        except OAuthRefusal as refusal:
            return _error(provider, to, refusal.code, refusal.sentence)

    @pages.post("/token")
    def token() -> ResponseReturnValue:
        return tokens.answer(request.form, request.headers.get("Authorization"))

    @pages.get("/userinfo")
    def userinfo() -> ResponseReturnValue:
        scheme, _, access_token = request.headers.get("Authorization", "").partition(" ")
        consent = provider.codes.consent_of(access_token if scheme.lower() == "bearer" else "")
        return oidc_claims(provider.style, consent.presence.person, consent.asked.scopes)

    return pages


def _configuration(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "end_session_endpoint": f"{issuer}/end-session",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "groups", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }


def _authorized(provider: IdentityProvider, asked: AuthorizationRequest) -> ResponseReturnValue:
    prompts = asked.prompt.split()
    max_age = timedelta(0) if "login" in prompts else asked.max_age
    if "none" in prompts and whoever_is_here(provider, max_age) is None:
        raise OAuthRefusal("login_required", "nobody is signed in here")
    errand = Errand(
        asked.to.client.client_id,
        answer=lambda presence: _code(provider, asked, presence),
        decline=lambda: _error(provider, asked.to, "access_denied", "the person did not sign in"),
        wants_second_factor=wanted_by(asked.acr_values) == "second factor" and not provider.passes_over_wishes,
    )
    return run(provider, errand, max_age=max_age)


def _code(provider: IdentityProvider, asked: AuthorizationRequest, presence: Presence) -> ResponseReturnValue:
    if not presence.person.is_assigned:
        return _error(provider, asked.to, "access_denied", "User is not assigned to the client application.")
    return _back(provider, asked.to, {"code": provider.codes.issue(Consent(asked, presence))})


def _error(provider: IdentityProvider, to: ReturnAddress, code: str, sentence: str) -> ResponseReturnValue:
    return _back(provider, to, {"error": code, "error_description": sentence})


def _back(provider: IdentityProvider, to: ReturnAddress, answer: dict[str, str]) -> ResponseReturnValue:
    # `iss` tells the client which provider answered, so that no other one's answer is taken for ours (RFC 9207).
    fields = answer | ({"state": to.state} if to.state else {}) | {"iss": provider.address}
    if to.response_mode == "form_post":
        return self_posting_form(to.redirect_uri, fields)
    joint = "&" if "?" in to.redirect_uri else "?"
    return redirect(f"{to.redirect_uri}{joint}{urlencode(fields)}", 302)
