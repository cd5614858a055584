"""`aws login` (API `signin`, 2023-01-01): a browser page of ours picks one role; the client gets its credentials.

A dialect of RFC 6749, 7636 and 9449 whose access token is a set of AWS credentials. They last the fifteen minutes
that AWS issues at least, so each renewal is a new decision.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.aws_clients import json_messages
from federation_bridge.aws_limits import SHORTEST_SESSION
from federation_bridge.errors import (
    AccessDenied,
    BadRequest,
    BridgeError,
    EndedMeanwhile,
    InvalidClient,
    SignInAgain,
    SignInTooOld,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
)
from federation_bridge.grant import RoleRequest
from federation_bridge.model import AwsCredentials, Departure, Session
from federation_bridge.oauth.clients import client_named
from federation_bridge.oauth.messages import AuthorizationRequest, IssuedTokens
from federation_bridge.redaction import quoted
from federation_bridge.signing import Purpose, jws
from federation_bridge.web import forms, headers
from federation_bridge.web.bearer import proof_or_none
from federation_bridge.web.departures import leave
from federation_bridge.web.door import caller, door, request_origin, session_or_none, signed_in
from federation_bridge.web.findable import is_of, sentence
from federation_bridge.web.going_on import AsksItself, Pressed
from federation_bridge.web.guards import PROGRAMS_QUERY, guarded, own, signed_in_here
from federation_bridge.web.json_body import json_object
from federation_bridge.web.pages.device import stale_page
from federation_bridge.web.pages.sign_in import confirmation_page, sign_in_for

pages = Blueprint("aws_login", __name__)
tokens = Blueprint("aws_login_token", __name__)

SAME_DEVICE = "arn:aws:signin:::devtools/same-device"
CROSS_DEVICE = "arn:aws:signin:::devtools/cross-device"
_METHODS = {"SHA-256": "S256", "S256": "S256"}
_ONCE = ("response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method", "scope")
_MOST_SECONDS = 900
_ID_TOKEN_LIFE = timedelta(seconds=_MOST_SECONDS)


# --------------------------------------------------------------------------------------------------- in the browser


def _asked(sent: dict[str, list[str]], role: str = "") -> AuthorizationRequest:
    """The request for a code, in the core's terms. Raises what `checked_request` and `check_terms` raise."""
    if any(len(sent.get(name, [])) > 1 for name in _ONCE):
        raise BadRequest("a parameter was sent twice")
    values = {name: forms.checked_text(sent.get(name, [""])[0], name, 512) for name in _ONCE}
    asked = AuthorizationRequest(
        client_id=values["client_id"],
        redirect_uri=values["redirect_uri"],
        code_challenge=values["code_challenge"],
        state=values["state"],
        challenge_method=_METHODS.get(values["code_challenge_method"], ""),
        response_type=values["response_type"],
        role=role,
    )
    if asked.client_id not in (SAME_DEVICE, CROSS_DEVICE):
        raise InvalidClient(f"{quoted(asked.client_id)} is not `aws login`")
    if asked.client_id == CROSS_DEVICE and not door().settings.command_line.device_flow:
        raise UnauthorizedClient("a sign-in on another device, which the operator has switched off")
    door().oauth.codes.checked_request(asked)
    door().oauth.codes.check_terms(asked)
    if asked.response_type != "code":
        raise UnsupportedResponseType(f"response type {quoted(asked.response_type)}")
    return asked


@pages.get("/v1/authorize")
@guarded(
    own("the program's request is checked before anybody is asked to sign in"),
    returns="/v1/authorize" + PROGRAMS_QUERY,
)
def choose_role() -> AnyResponse:
    """Signs in on the way, then asks which role the client shall have."""
    asked = _asked(request.args.to_dict(flat=False))
    session, here = session_or_none(), request.full_path.rstrip("?")
    if session is None:
        return sign_in_for(here)
    if not session.confirmed:
        return confirmation_page(session, forms.checked_return_path(here))
    try:
        door().oauth.codes.check_may_let_in(client_named(asked.client_id), session)
    except SignInTooOld:
        return stale_page(session, forms.checked_return_path(here))
    return _role_page(asked, session)


def _role_page(asked: AuthorizationRequest, session: Session) -> Response:
    if asked.client_id == SAME_DEVICE:
        headers.allow_form_to(asked.redirect_uri)
    page = render_template(
        "aws_login.html",
        identity=session.identity,
        entitlements=door().bridge.entitlements(caller(of=session)),
        fields={name: request.args.get(name, "") for name in _ONCE},
        is_elsewhere=asked.client_id == CROSS_DEVICE,
        csrf_token=forms.session_token(),
    )
    return make_response(page)


def _at_the_question(pressed: Pressed) -> str:
    return "/v1/authorize?" + urlencode([(name, pressed.field(name)) for name in _ONCE if pressed.field(name)])


@pages.post("/v1/authorize")
@guarded(signed_in_here, goes_on=AsksItself(_at_the_question))
def agree() -> AnyResponse:
    """The click on a role: the client gets a code for that role alone. The click on "no": it hears so."""
    session = signed_in()
    role = forms.one_field("role", most=80)
    asked = _asked(request.form.to_dict(flat=False), role)
    if not role:
        return leave(Departure(door().oauth.codes.refusal_redirect(asked, AccessDenied("the person said no"))))
    account, _, name = role.partition("/")
    door().bridge.entitlement(caller(of=session), account, name)
    return leave(Departure(door().oauth.codes.authorize(asked, caller(of=session))))


@pages.get("/v1/sessions/confirmation")
@guarded(signed_in_here, returns=None)
def show_code() -> Response:
    """Shows a code that a person carries to `aws login --remote` by hand."""
    session = signed_in()
    names = ("code", "state", "error")
    code, state, error = (forms.checked_text(request.args.get(name, ""), name, 512) for name in names)
    text = base64.b64encode(urlencode({"state": state, "code": code}).encode()).decode() if code else ""
    token = forms.session_token()
    page = render_template("aws_login_code.html", identity=session.identity, text=text, error=error, csrf_token=token)
    return make_response(page)


# ------------------------------------------------------------------------------------------------------ the client


@tokens.errorhandler(BridgeError)
def _refused(refusal: BridgeError) -> Response:
    kind, status, error = _named(refusal, is_renewal=g.get("is_renewal", False))
    return json_messages.refused(refusal, kind, status, {"error": error, "message": sentence(refusal)})


_DENIED = frozenset(
    {"role_not_granted", "role_withheld", "sign_in_again", "aws_refused", "outside_aws_limits", "not_signed_in"}
)
"""Codes that the client takes for "you may not", rather than for a request of its own that was wrong."""


def _named(refusal: BridgeError, *, is_renewal: bool) -> tuple[str, int, str]:
    is_over = isinstance(refusal, SignInAgain) and refusal.is_over
    oauth_error = getattr(refusal, "oauth_error", "")
    if is_over or oauth_error == "invalid_grant" or refusal.code == EndedMeanwhile.code:
        return "AccessDeniedException", 401, "TOKEN_EXPIRED" if is_renewal else "AUTHCODE_EXPIRED"
    if refusal.status == 429:  # noqa: PLR2004 - RFC 6585
        return "TooManyRequestsError", 429, "server_error"
    if refusal.code in _DENIED:
        return "AccessDeniedException", 403, "INSUFFICIENT_PERMISSIONS"
    if refusal.status >= 500:  # noqa: PLR2004 - RFC 9110, 15.6
        return "InternalServerException", 500, "server_error"
    return "ValidationException", 400, "INVALID_REQUEST"


@tokens.post("/v1/token")
@guarded(own("the program proves itself by what it sends"))
def token() -> Response:
    """CreateOAuth2Token: credentials of the chosen role, for a code or a refresh token, and the key that it proves."""
    body = json_object()
    client = json_messages.text(body, "clientId")
    if client not in (SAME_DEVICE, CROSS_DEVICE):
        raise InvalidClient(f"{quoted(client)} is not `aws login`")
    grant = json_messages.text(body, "grantType")
    if grant == "authorization_code":
        return _first(body, client)
    if grant == "refresh_token":
        g.is_renewal = True
        return _next(body, client)
    raise UnsupportedGrantType(f"grant type {quoted(grant)}")


def _first(body: dict[str, Any], client: str) -> Response:
    """For a code: it is used up first, whatever AWS says then. A code is good for one try (RFC 6749 4.1.2)."""
    asked = AuthorizationRequest(client, json_messages.text(body, "redirectUri"), code_challenge="")
    code, verifier = json_messages.text(body, "code"), json_messages.text(body, "codeVerifier")
    server = door().oauth.tokens
    found = server.for_code(code, asked, verifier, request_origin(), proof_or_none())
    try:
        bought = _bought(found.session, found.role)
    except BridgeError:
        # Nobody holds these tokens: they shall not stand among the person's command lines for hours.
        server.withdraw(found, "its first credentials could not be had", request_origin())
        raise
    return _answer(found, bought, client)


def _next(body: dict[str, Any], client: str) -> Response:
    """For a refresh token: it is used up last, so that a silence of AWS costs nobody their sign-in.

    Of two who show one token at once both ask AWS, and one is answered: what AWS issued for the other goes to nobody.
    """
    server = door().oauth.tokens
    renewal = server.renewal(json_messages.text(body, "refreshToken"), client, request_origin(), proof_or_none())
    bought = _bought(renewal.session, renewal.family.role)
    return _answer(server.rotate(renewal, request_origin()), bought, client)


def _bought(session: Session, granted: str) -> AwsCredentials:
    account, _, role = granted.partition("/")
    return door().bridge.credentials(
        caller(of=is_of(session), is_command_line=True),
        RoleRequest(account=account, role=role, duration=SHORTEST_SESSION),
    )


def _answer(found: IssuedTokens, credentials: AwsCredentials, client: str) -> Response:
    left = int((credentials.expires_at - door().clock()).total_seconds())
    return jsonify(
        accessToken={
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key,
            "sessionToken": credentials.session_token,
        },
        tokenType="aws_sigv4",
        expiresIn=max(1, min(left, _MOST_SECONDS)),
        refreshToken=found.refresh_token,
        idToken=_id_token(credentials.assumed_role_arn, client),
    )


def _id_token(role_arn: str, client: str) -> str:
    """Tells the client whom its credentials stand for: the ARN becomes the name of its login session."""
    key, now = door().keys.current(Purpose.TOKENS), door().clock()
    claims = {
        "iss": door().settings.base_url,
        "sub": role_arn,
        "aud": client,
        "iat": int(now.timestamp()),
        "exp": int((now + _ID_TOKEN_LIFE).timestamp()),
    }
    return jws.signed(claims, key)
