"""Joins the identity provider's pages into one Flask application, and serves it on this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, request
from flask.typing import ResponseReturnValue

from federation_bridge.sandbox.identity_provider.login import login_pages
from federation_bridge.sandbox.identity_provider.logout import logout_pages
from federation_bridge.sandbox.identity_provider.oidc import oidc_pages
from federation_bridge.sandbox.identity_provider.pages import page
from federation_bridge.sandbox.identity_provider.provider import IdentityProvider
from federation_bridge.sandbox.identity_provider.refusals import OAuthRefusal, Refusal
from federation_bridge.sandbox.identity_provider.saml import saml_pages
from federation_bridge.sandbox.serving import Served, serve

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedIdentityProvider:
    """An identity provider that answers people and applications until `served.stop()`."""

    provider: IdentityProvider
    served: Served


def serve_identity_provider(
    make_provider: Callable[[str], IdentityProvider],
    *,
    host: str = "localhost",
    port: int = 0,
    allow_beyond_loopback: bool = False,
) -> ServedIdentityProvider:
    """Serves the provider that `make_provider` makes for its address; as `sandbox.serving.serve` does.

    By name on `localhost`, where the bridge is on 127.0.0.1: two sites, so that its answers really are cross-site.
    """
    made: list[IdentityProvider] = []

    def make_app(address: str) -> Flask:
        made.append(make_provider(address))
        return create_identity_provider(made[0])

    served = serve(make_app, host=host, port=port, allow_beyond_loopback=allow_beyond_loopback)
    return ServedIdentityProvider(made[0], served)


def create_identity_provider(provider: IdentityProvider) -> Flask:
    """The provider as a Flask application. Refusals become a page, or JSON at the endpoints that machines call."""
    app = Flask(__name__, template_folder="templates", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    for pages in (login_pages(provider), saml_pages(provider), oidc_pages(provider), logout_pages(provider)):
        app.register_blueprint(pages)

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> ResponseReturnValue:
        _log.info("refused %s: %s (%s)", request.path, refusal.sentence, refusal.code)
        if isinstance(refusal, OAuthRefusal):
            body = {"error": refusal.code, "error_description": refusal.sentence}
            return body, refusal.status, {"Cache-Control": "no-store"}
        return page("refused.html", refusal.status, code=refusal.code, sentence=refusal.sentence)

    return app
