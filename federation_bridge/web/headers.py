"""The headers of every answer: nothing inline, no framing, nothing stored, no address leaked onwards."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from flask import Response, g

from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.web.door import door
from federation_bridge.web.observe import public_documents

_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; sandbox"
"""For a file that is not ours: its own styles, and nothing that runs, loads or leads away."""
_KEPT_BY_NOBODY = (("Cache-Control", "no-store"), ("Vary", "Cookie"))


def allow_form_to(*urls: str) -> None:
    """Lets the forms of the page being made lead to the origins of these addresses."""
    g.form_targets = (*g.get("form_targets", ()), *(origin_of(url) for url in urls))


def allow_forms_anywhere_secure() -> None:
    """For pages that lead to an identity provider: it may redirect through hosts that we cannot know.

    Browsers apply form-action to every redirect that follows a form. Such pages hold no secret.
    """
    g.form_targets = (*g.get("form_targets", ()), "https:", *door().form_targets)


def allow_forms_to_consoles() -> None:
    """For pages from which a form leads to AWS: its sign-in redirects to a region's sign-in and on to its console."""
    local = door().settings.aws.local_endpoint
    if local:
        allow_form_to(local)
    for partition in PARTITIONS.values():
        for host in (partition.signin_host, partition.console_host):
            allow_form_to(f"https://{host}", f"https://*.{host}")


def allow_live_checks() -> None:
    """Lets the page being made ask us again while its form is filled in: us alone, and from its own script."""
    g.is_live = True


def origin_of(url: str) -> str:
    """Scheme and host of an address, as CSP wants them."""
    parts = urlsplit(url)
    # CSP has no way to write an IPv6 address: then the scheme has to do.
    return f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"


def harden(response: Response) -> Response:
    """Sets the security headers; called for every answer, refusals included."""
    here, headers = door(), response.headers
    if "Referrer-Policy" not in headers:
        # Not no-referrer: under it browsers send `Origin: null` with our own forms, and K02's check goes blind.
        headers.add("Referrer-Policy", "same-origin")
    # Added, not set: no part of ours makes any of these, and to set one means to look through all others first.
    headers.extend(_ALWAYS)
    headers.add("Content-Security-Policy", _SANDBOX if g.get("is_sandboxed", False) else _policy_of_page())
    if here.settings.base_url.startswith("https://"):
        headers.add("Strict-Transport-Security", "max-age=63072000")
    if public_documents.is_one(response):
        public_documents.finish(response)
    else:
        headers.extend(_KEPT_BY_NOBODY)
    return response


def _policy_of_page() -> str:
    return _content_security_policy(g.get("form_targets", ()), g.get("is_live", False))


@lru_cache(maxsize=256)
def _content_security_policy(form_targets: tuple[str, ...], is_live: bool) -> str:
    targets = " ".join(dict.fromkeys(("'self'", *form_targets)))
    connect = "connect-src 'self'; " if is_live else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; {connect}"
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )
