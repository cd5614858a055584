"""One press, one grant: what a browser sends again by itself (Back, reload) issues nothing.

Each page with a button that issues carries a number of its own. The answer to a press leaves a mark of it in the
browser; the server keeps nothing. This is no defence against a browser's owner, who may press as often as they like: it
keeps a reload from making a grant that nobody asked for (ADR 16).
"""

from __future__ import annotations

import hashlib
import re
from typing import TypeVar

from flask import request
from werkzeug.wrappers import Response

from federation_bridge.errors import BadRequest
from federation_bridge.web import cookies, forms
from federation_bridge.web.door import door

FIELD = "press"
_NUMBER = re.compile(r"[0-9a-f]{16}")
_MARK_LENGTH = 16
_MOST_MARKS = 8
R = TypeVar("R", bound=Response)


def number() -> str:
    """A number for the buttons of the page that is being made."""
    return door().randomness(8).hex()


def is_spent() -> bool:
    """Whether this very press was answered before; BadRequest for a form without a number."""
    return _mark() in _marks()


def spend(answer: R) -> R:
    """The same answer, which takes the mark of this press to the browser."""
    kept = [*_marks(), _mark()][-_MOST_MARKS:]
    answer.set_cookie(cookies.PRESSED, ".".join(kept), secure=True, httponly=True, samesite="Lax", path="/")
    return answer


def _marks() -> list[str]:
    return [mark for mark in request.cookies.get(cookies.PRESSED, "").split(".") if _NUMBER.fullmatch(mark)]


def _mark() -> str:
    # Of number and address: the buttons of one page may each be pressed, in a tab of its own.
    given = forms.one_field(FIELD, most=_MARK_LENGTH)
    if not _NUMBER.fullmatch(given):
        raise BadRequest("the form has no number of its press")
    return hashlib.sha256(f"{given} {request.path}".encode()).hexdigest()[:_MARK_LENGTH]
