"""The sign-in of `aws sso login` and of SDK `sso_session` profiles (API `sso-oidc`, 2019-06-10), and the start page.

A dialect of RFC 6749, 7636 and 8628 with other names for everything. Its clients are public: what they register is
one row of our closed table, so registering stores nothing, and nobody can fill a table by it.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from federation_bridge.aws_clients import json_messages
from federation_bridge.errors import BridgeError, InvalidClient, OAuthRefused, UnsupportedGrantType
from federation_bridge.oauth.messages import AuthorizationRequest, IssuedTokens
from federation_bridge.redaction import quoted
from federation_bridge.web.door import door, request_origin
from federation_bridge.web.findable import sentence
from federation_bridge.web.guards import PROGRAMS_QUERY, guarded, own, public
from federation_bridge.web.json_body import json_object

_OF_OURS = 500
"""From here on a status says that the fault is ours (RFC 9110 15.6)."""

oidc = Blueprint("sso_oidc", __name__)

CLIENT = "aws-sso"
_SECRET = "public"  # noqa: S105 - the field has to be there; a public client has no secret, and this opens nothing
_REGISTRATION_LIFE = timedelta(days=90)
_SCOPES = frozenset({"sso:account:access"})
_REDIRECT = "http://127.0.0.1/oauth/callback"
_DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_GRANTS = frozenset({_DEVICE_CODE, "authorization_code", "refresh_token"})

START_TARGET = "https://identitycenter.amazonaws.com/ssoins-0000000000000000"
"""Where `/start` points. `aws sso login` asks whether a start URL leads to a host of AWS's and never goes there. An
instance of this number is nobody's: a person whose endpoint settings are missing meets no stranger's sign-in page."""

_KINDS = {
    "access_denied": ("AccessDeniedException", 400),
    "authorization_pending": ("AuthorizationPendingException", 400),
    "expired_token": ("ExpiredTokenException", 400),
    "invalid_client": ("InvalidClientException", 401),
    "invalid_client_metadata": ("InvalidClientMetadataException", 400),
    "invalid_grant": ("InvalidGrantException", 400),
    "invalid_redirect_uri": ("InvalidRedirectUriException", 400),
    "invalid_scope": ("InvalidScopeException", 400),
    "slow_down": ("SlowDownException", 400),
    "unauthorized_client": ("UnauthorizedClientException", 400),
    "unsupported_grant_type": ("UnsupportedGrantTypeException", 400),
}


class _Misregistered(OAuthRefused):
    """A registration that asks for what these clients never need."""

    def __init__(self, oauth_error: str, detail: str) -> None:
        super().__init__(detail)
        self.oauth_error = oauth_error


@oidc.errorhandler(BridgeError)
def _refused(refusal: BridgeError) -> Response:
    usual = "server_error" if refusal.status >= _OF_OURS else "invalid_request"
    error = getattr(refusal, "oauth_error", usual)
    kind, status = _KINDS.get(error, ("InvalidRequestException", 400))
    if error == "server_error":
        kind, status = "InternalServerException", refusal.status
    return json_messages.refused(refusal, kind, status, {"error": error, "error_description": sentence(refusal)})


@oidc.post("/client/register")
@guarded(own("the program proves itself by what it sends"))
def register() -> Response:
    """RegisterClient: gives every public client the same name."""
    body = json_object()
    json_messages.text(body, "clientName")
    if json_messages.text(body, "clientType") != "public":
        raise _Misregistered("invalid_client_metadata", "only public clients")
    if not set(json_messages.texts(body, "scopes", tuple(_SCOPES))) <= _SCOPES:
        raise _Misregistered("invalid_scope", f"scopes other than {', '.join(_SCOPES)}")
    if not set(json_messages.texts(body, "grantTypes")) <= _GRANTS:
        raise _Misregistered("unsupported_grant_type", "a grant type that we do not speak")
    if not set(json_messages.texts(body, "redirectUris")) <= {_REDIRECT}:
        raise _Misregistered("invalid_redirect_uri", "a redirect address other than the loopback one")
    now = door().clock()
    return jsonify(
        clientId=CLIENT,
        clientSecret=_SECRET,
        clientIdIssuedAt=int(now.timestamp()),
        clientSecretExpiresAt=int((now + _REGISTRATION_LIFE).timestamp()),
        authorizationEndpoint=f"{door().settings.base_url}/authorize",
        tokenEndpoint=f"{door().settings.base_url}/token",
    )


@oidc.post("/device_authorization")
@guarded(own("the program proves itself by what it sends"))
def device_authorization() -> Response:
    """StartDeviceAuthorization. The complete address holds no code: a person types it, or compares it (attack N01)."""
    _check_client(json_object())
    granted = door().oauth.devices.begin(CLIENT, "", request_origin())
    return jsonify(
        deviceCode=granted.device_code,
        userCode=granted.user_code,
        verificationUri=granted.verification_uri,
        verificationUriComplete=granted.verification_uri,
        expiresIn=granted.expires_in,
        interval=granted.interval,
    )


@oidc.post("/token")
@guarded(own("the program proves itself by what it sends"))
def token() -> Response:
    """CreateToken: by device code, by authorization code, or by refresh token."""
    _check_client(body := json_object())
    server, grant = door().oauth.tokens, json_messages.text(body, "grantType")
    if grant == _DEVICE_CODE:
        return _tokens(server.for_device(json_messages.text(body, "deviceCode"), CLIENT, request_origin()))
    if grant == "refresh_token":
        return _tokens(server.refresh(json_messages.text(body, "refreshToken"), CLIENT, request_origin()))
    if grant == "authorization_code":
        asked = AuthorizationRequest(CLIENT, json_messages.text(body, "redirectUri"), code_challenge="")
        verifier = json_messages.text(body, "codeVerifier")
        return _tokens(server.for_code(json_messages.text(body, "code"), asked, verifier, request_origin()))
    raise UnsupportedGrantType(f"grant type {quoted(grant)}")


def _tokens(found: IssuedTokens) -> Response:
    return jsonify(
        accessToken=found.access_token,
        tokenType="Bearer",
        expiresIn=found.expires_in,
        refreshToken=found.refresh_token,
    )


def _check_client(body: dict[str, object]) -> None:
    if json_messages.text(body, "clientId") != CLIENT or json_messages.text(body, "clientSecret") != _SECRET:
        raise InvalidClient("a client that was not registered here")


@oidc.get("/authorize")
@guarded(own("leads on to the page that asks"), returns="/authorize" + PROGRAMS_QUERY)
def authorize() -> AnyResponse:
    """Leads the browser to our one authorization page, with the parameters' names of RFC 6749 (here: `scopes`)."""
    kept = ("response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method")
    sent = [(name, value) for name, value in request.args.items(multi=True) if name in kept]
    return redirect(f"/oauth/authorize?{urlencode(sent)}", code=302)


@oidc.route("/start", methods=["GET", "HEAD"])
@guarded(public)
def start() -> AnyResponse:
    """The start URL: where a person looks, their roles; where `aws sso login` looks (HEAD), a host of AWS's."""
    return redirect(START_TARGET if request.method == "HEAD" else "/", code=302)
