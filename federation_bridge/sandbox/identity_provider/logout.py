"""Where applications lead people to sign out here: single logout (SAML profiles 4.4), RP-initiated logout (OIDC)."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from federation_bridge.sandbox.identity_provider.authn_request import logout_from_redirect
from federation_bridge.sandbox.identity_provider.login import forget_whoever_is_here
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.refusals import Refusal
from federation_bridge.sandbox.identity_provider.saml_logout import logout_response_address
from federation_bridge.sandbox.identity_provider.signals import configuration


def logout_pages(provider: IdentityProvider) -> Blueprint:
    """The single logout service by HTTP-Redirect, the end session endpoint, and where shared signals are described."""
    pages = Blueprint("logout", __name__)

    @pages.get("/saml/slo")
    def single_logout() -> ResponseReturnValue:
        if "SAMLResponse" in request.args:
            return redirect("/", 303)
        asked = logout_from_redirect(request.query_string, provider.service_providers)
        forget_whoever_is_here(provider)
        return redirect(logout_response_address(provider, asked), 303)

    @pages.get("/.well-known/ssf-configuration")
    def ssf_configuration() -> ResponseReturnValue:
        return configuration(provider.address)

    @pages.get("/end-session")
    def end_session() -> ResponseReturnValue:
        client = provider.clients.get(request.args.get("client_id", ""))
        to = request.args.get("post_logout_redirect_uri", "")
        if client is None or to not in client.post_logout_redirect_uris:
            raise Refusal("redirect_uri_mismatch", f"the address {to or '(none)'} is not registered")
        forget_whoever_is_here(provider)
        return redirect(f"{to}?{urlencode({'state': request.args.get('state', '')})}", 303)

    return pages
