"""The files of the operator's look, served to everybody under names that tell their content apart.

Pages show the logo as an image alone, where no browser runs what an SVG may hold; whoever opens its address by hand
gets it in a sandbox without scripts.
"""

from __future__ import annotations

from flask import Blueprint, Response, g

from federation_bridge.errors import NotFound
from federation_bridge.redaction import quoted
from federation_bridge.web.door import door
from federation_bridge.web.guards import guarded, public

pages = Blueprint("brand_files", __name__)


def for_templates() -> dict[str, object]:
    """What every template may use: `branding`."""
    return {"branding": door().branding}


@pages.get("/brand/<hashed_name>")
@guarded(public)
def file(hashed_name: str) -> Response:
    """The operator's logo or colors; none under another name."""
    branding = door().branding
    for one in (branding.colors, branding.logo):
        if one is not None and one.name == hashed_name:
            g.is_sandboxed = one is branding.logo
            return Response(one.body, mimetype=one.media_type)
    raise NotFound(f"no file {quoted(hashed_name)} of the operator's look")
