"""The identity provider's pages: the form for name and password, and forms that browsers post to applications."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, render_template


def page(template: str, status: int = 200, **values: Any) -> Response:
    """The template as a page that no cache keeps, no frame shows and no foreign script runs in."""
    nonce = secrets.token_urlsafe(16)
    response = make_response(render_template(f"identity_provider/{template}", nonce=nonce, **values), status)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def self_posting_form(url: str, fields: Mapping[str, str]) -> Response:
    """A page whose form the browser posts to `url` by itself (SAML bindings 3.5.4; OAuth form post response mode)."""
    return page("post.html", url=url, fields=fields)
