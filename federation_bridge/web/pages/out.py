"""Who is signed out, and presses something all the same: signs in, and goes on with exactly that (ADR 16).

An old tab, an expired session, a lost cookie, another sign-in in another tab: each of them sends a form, or asks for a
page, without the session that it needs. The page waits behind the sign-in as its way back. A form waits as well, as far
as its person's browser carries it; it is shown with what it would do, and nothing is done before another press. Where a
browser does not say itself that our own page sent the form, it is refused as it always was.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.errors import (
    EndedMeanwhile,
    NotSignedIn,
    PressOfAnother,
    PressOver,
    StaleForm,
    TooOldToAdminister,
)
from federation_bridge.model import Session
from federation_bridge.web import cookies, error_handlers, forms, guards, headers
from federation_bridge.web.door import door, request_origin, session_due, session_or_none, signed_in, why_ended
from federation_bridge.web.going_on import AsksItself, GoesOn, Pressed
from federation_bridge.web.guards import guarded
from federation_bridge.web.pages import waiting_press
from federation_bridge.web.pages.sign_in import confirmation_page, ways_in
from federation_bridge.web.pages.waiting_press import WaitingPress

pages = Blueprint("out", __name__)

_GO_ON = "/go-on"
_NOT_CARRIED = (forms.TOKEN_FIELD,)


def install(app: Flask) -> None:
    """Makes pages answer whoever lacks a session with the way to one, and back."""
    for kind in (NotSignedIn, StaleForm):
        app.register_error_handler(kind, _answered)


def _answered(refusal: NotSignedIn | StaleForm) -> AnyResponse:
    if error_handlers.wants_json() or (request.method == "POST" and not forms.is_from_our_page()):
        return error_handlers.rendered(refusal)
    session = session_or_none()
    if session is None:
        return _bound(_signed_out_page(refusal))
    if isinstance(refusal, TooOldToAdminister):
        return _bound(_signed_out_page(refusal, session))
    if not session.confirmed:
        return _bound(confirmation_page(session, _way_back()[0]))
    return _stale_form(refusal, session) if isinstance(refusal, StaleForm) else error_handlers.rendered(refusal)


def _bound(response: Response) -> Response:
    """The answer, which takes this browser the secret under which a press waits."""
    secret = cookies.browser_secret(door().randomness)
    cookies.set_for_the_way_back(response, cookies.SIGN_IN, secret, door().settings.sign_in_lifetime)
    return response


def _stale_form(refusal: StaleForm, session: Session) -> AnyResponse:
    """Somebody signed in anew meanwhile, and pressed on a page from before."""
    pressed, onward, whose = _pressed(), _onward(), forms.whose_form()
    if onward is None or not whose:
        return error_handlers.rendered(refusal)
    if whose != forms.mark_of(session):
        return error_handlers.rendered(PressOfAnother(refusal.detail))
    if isinstance(onward, AsksItself):
        return redirect(forms.checked_return_path(onward.at(pressed)), code=303)
    return _asking_page(pressed, onward, refusal.status)


def _signed_out_page(refusal: NotSignedIn | StaleForm, session: Session | None = None) -> Response:
    """Tells that nothing was done, and leads to a sign-in and back.

    `session`: of somebody who is signed in, but not in the way that administration asks for.
    """
    return_to, is_kept = _way_back()
    headers.allow_forms_anywhere_secure()
    values: dict[str, Any] = {
        "is_press": request.method == "POST",
        "goes_on": is_kept,
        # Too long to wait in an address: it stays in the page.
        "typed": _sent() if return_to == _GO_ON else (),
        "press_path": request.path,
        "was_in": request.method == "POST" or not {cookies.SESSION, cookies.LEFT}.isdisjoint(request.cookies),
        "is_due": session_due() is not None,
        "ended": refusal.public if isinstance(refusal, EndedMeanwhile) else "",
        "return_to": return_to,
        "reference": request_origin().reference,
    }
    if session is None:
        why = why_ended()
        page = ways_in("went_out.html", problem=why, **values)
        if why is not None:
            cookies.forget(page, cookies.SESSION)
    else:
        factor = guards.second_factor_of(session)
        anew = {"csrf_token": forms.session_token(), "identity": session.identity, "second_factor": factor}
        page = make_response(render_template("went_out.html", **values, **anew))
    page.status_code = NotSignedIn.status
    return page


def _way_back() -> tuple[str, bool]:
    """Where a sign-in leads back to, and whether what was asked for goes on there."""
    if request.method != "POST":
        path = forms.checked_return_path(guards.here())
        return path, path != "/"
    onward = _onward()
    pressed, whose = _pressed(), forms.whose_form()
    if isinstance(onward, AsksItself):
        path = forms.checked_return_path(onward.at(pressed))
        return path, path != "/"
    if onward is None or not whose:
        return "/", False
    secret = cookies.browser_secret(door().randomness)
    text = waiting_press.sealed(WaitingPress(pressed.path, pressed.fields, whose), secret)
    return (f"{_GO_ON}?press={text}", True) if text else (_GO_ON, False)


def _onward() -> GoesOn | AsksItself | None:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "goes_on", None)


def _pressed() -> Pressed:
    return Pressed(request.path, _texts(request.view_args), tuple(one for one in _sent() if one[0] not in _NOT_CARRIED))


def _texts(args: dict[str, Any] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (args or {}).items()}


def _sent() -> tuple[tuple[str, str], ...]:
    return tuple(request.form.items(multi=True))


def _asking_page(pressed: Pressed, onward: GoesOn, status: int = 200) -> Response:
    """The page that shows what was pressed, and asks for the press once more."""
    headers.allow_forms_to_consoles()
    fields = [(name, onward.changed.get((name, value), value)) for name, value in pressed.fields]
    page = render_template(
        "go_on.html",
        identity=signed_in().identity,
        csrf_token=forms.session_token(),
        path=pressed.path,
        fields=fields,
        lines=onward.lines(pressed),
        button=onward.words(pressed),
    )
    return make_response(page, status)


@pages.get(_GO_ON)
@guarded(guards.confirmed, returns=rf"{_GO_ON}(?:\?press=[A-Za-z0-9_-]{{1,{waiting_press.LONGEST}}})?")
def go_on() -> AnyResponse:
    """What was pressed before the sign-in, with what it would do. It waits: nothing is done but by another press."""
    text = request.args.get("press", "")
    if not text:
        return make_response(render_template("in_again.html", identity=signed_in().identity))
    waiting = waiting_press.opened(text)
    if waiting is None:
        raise PressOver("the press is too old, of another browser, or not as we sealed it")
    if waiting.whose != forms.mark_of(signed_in()):
        raise PressOfAnother("somebody else pressed it, before this person signed in")
    onward, args = _route_of(waiting.path)
    if not isinstance(onward, GoesOn):
        raise PressOver(f"no button of ours leads to {waiting.path[:200]!r} any more")
    return _asking_page(Pressed(waiting.path, args, waiting.fields), onward)


def _route_of(path: str) -> tuple[object, dict[str, str]]:
    adapter = current_app.create_url_adapter(request)
    try:
        endpoint, args = adapter.match(path, method="POST") if adapter is not None else ("", {})
    except HTTPException:
        return None, {}
    return getattr(current_app.view_functions.get(endpoint), "goes_on", None), _texts(dict(args))
