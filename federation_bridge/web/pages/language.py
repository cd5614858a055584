"""The language of the pages, chosen in the page and remembered by the browser; without a choice, as it prefers."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from federation_bridge.errors import BadRequest
from federation_bridge.web import cookies, forms, guards, languages
from federation_bridge.web.guards import guarded, own

pages = Blueprint("language", __name__)


@pages.post("/language")
@guarded(own("whoever reads a page may choose; the browser says that it was on a page of ours"))
def choose() -> Response:
    """Remembers the language and leads back to the page: one of ours, or home."""
    forms.check_browsers_word()
    chosen = forms.one_field("language", most=16)
    if chosen not in languages.AVAILABLE:
        raise BadRequest("there is no such language")
    response: Response = redirect(forms.checked_return_path(forms.one_field("page", most=2048)), code=303)
    cookies.set_language(response, chosen)
    return response


def for_templates() -> dict[str, object]:
    """What every template may use."""
    return {"here_again": here_again}


def here_again() -> str:
    """The address at which this page can be read again in another language; "" for the answer to a press."""
    if request.method not in ("GET", "HEAD"):
        return ""
    return forms.checked_return_path(guards.here()) if request.endpoint else "/"
