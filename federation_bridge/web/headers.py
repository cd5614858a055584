"""The headers of every answer: nothing inline, no framing, nothing stored, no address leaked onwards."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, g

from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.web import public_documents
from federation_bridge.web.door import door


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


def origin_of(url: str) -> str:
    """Scheme and host of an address, as CSP wants them."""
    parts = urlsplit(url)
    # CSP has no way to write an IPv6 address: then the scheme has to do.
    return f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"


def harden(response: Response) -> Response:
    """Sets the security headers; called for every answer, refusals included."""
    targets = " ".join(dict.fromkeys(("'self'", *g.get("form_targets", ()))))
    headers = response.headers
    headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    # Not no-referrer: under it browsers send `Origin: null` with our own forms, and K02's check goes blind.
    headers.setdefault("Referrer-Policy", "same-origin")
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if door().settings.base_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=63072000"
    if public_documents.is_one(response):
        public_documents.finish(response)
    else:
        headers["Cache-Control"] = "no-store"
        headers["Vary"] = "Cookie"
    return response
