"""The operator's look: name, logo, accent color and sentences, read once at the start.

The logo is a file that somebody made elsewhere: it is taken for what its bytes say, and never with anything active.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.settings import Portal
from federation_bridge.settings.accents import for_dark_pages

MOST_BYTES = 65_536
"""Of a logo: it goes to every browser once."""
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<svg[\s>]", re.DOTALL)
_ACTIVE = re.compile(rb"<script|<foreignobject|<!doctype|<!entity|\son[a-z]+\s*=|javascript:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BrandFile:
    """A file of the operator's look, under a name that tells its content apart."""

    name: str
    media_type: str
    body: bytes

    @property
    def address(self) -> str:
        """The path at which it is served."""
        return f"/brand/{self.name}"


@dataclass(frozen=True, slots=True)
class Branding:
    """The operator's look."""

    name: str
    help_link: str
    without_roles: str
    colors: BrandFile
    logo: BrandFile | None = None


def read_branding(portal: Portal) -> Branding:
    """The look that these settings describe; ConfigurationInvalid where the logo cannot be read, or is none."""
    sheet = "/* The accent is the stylesheet's own. */\n"
    if accent := portal.accent:
        dark = for_dark_pages(accent)
        sheet = f":root{{--accent:{accent}}}@media (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}\n"
    return Branding(
        name=portal.name,
        help_link=portal.help_link or "",
        without_roles=portal.without_roles,
        colors=_file("colors", ".css", "text/css", sheet.encode()),
        logo=_logo(portal),
    )


def _logo(portal: Portal) -> BrandFile | None:
    if portal.logo is None:
        return None
    try:
        with portal.logo.open("rb") as opened:
            body = opened.read(MOST_BYTES + 1)
    except OSError as problem:
        raise ConfigurationInvalid(f"portal.logo: {portal.logo}: cannot be read: {problem.strerror}") from None
    if len(body) > MOST_BYTES:
        raise ConfigurationInvalid(f"portal.logo: {portal.logo}: has more than {MOST_BYTES // 1024} KiB")
    if body.startswith(_PNG):
        return _file("logo", ".png", "image/png", body)
    if not _SVG.match(body):
        raise ConfigurationInvalid(f"portal.logo: {portal.logo}: is neither a PNG nor an SVG file")
    if active := _ACTIVE.search(body):
        what = active[0].decode().strip()
        raise ConfigurationInvalid(f"portal.logo: {portal.logo}: holds `{what}`; save it as a plain SVG, without it")
    return _file("logo", ".svg", "image/svg+xml", body)


def _file(stem: str, suffix: str, media_type: str, body: bytes) -> BrandFile:
    return BrandFile(f"{stem}-{hashlib.sha256(body).hexdigest()[:16]}{suffix}", media_type, body)
