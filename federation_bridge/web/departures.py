"""How a browser leaves us: by redirect, or by a form that posts itself."""

from __future__ import annotations

from flask import make_response, redirect, render_template
from werkzeug.wrappers import Response

from federation_bridge.model import Departure
from federation_bridge.web import headers


def leave(departure: Departure) -> Response:
    """The answer that sends the browser on its way. Never cached; the next site learns no address of ours.

    The caller lets forms lead to where the next site redirects (`headers.allow_forms_...`).
    """
    if departure.form is None:
        answer: Response = redirect(departure.url, code=303)
    else:
        headers.allow_form_to(departure.url)
        answer = make_response(render_template("departure.html", url=departure.url, fields=departure.form))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
