"""The RFCs' dialect of the authorization server: metadata, device authorization, token and revocation endpoints.

For programs only: every answer is JSON, every refusal has the shape of RFC 6749 5.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify, request

from federation_bridge.errors import (
    AccessBlocked,
    AccessEnded,
    BridgeError,
    OAuthRefused,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from federation_bridge.model import JsonObject
from federation_bridge.oauth.clients import ADMINISTRATION, client_named
from federation_bridge.oauth.messages import AuthorizationRequest, IssuedTokens
from federation_bridge.redaction import quoted
from federation_bridge.web import forms
from federation_bridge.web.bearer import proof_or_none
from federation_bridge.web.door import door, request_origin
from federation_bridge.web.findable import sentence
from federation_bridge.web.guards import guarded, own, public

endpoints = Blueprint("oauth", __name__)

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_OWN_STATUS = frozenset({405, 413, 429, 500, 503})


@endpoints.get("/.well-known/oauth-authorization-server")
@guarded(public)
def metadata() -> Response:
    """Our authorization server's metadata (RFC 8414): all that a command line needs to know besides our address."""
    settings = door().settings
    grants = ["authorization_code", "refresh_token"]
    document: JsonObject = {
        "issuer": settings.base_url,
        "authorization_endpoint": f"{settings.base_url}/oauth/authorize",
        "token_endpoint": f"{settings.base_url}/oauth/token",
        "revocation_endpoint": f"{settings.base_url}/oauth/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": [ADMINISTRATION],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": True,
    }
    if settings.command_line.device_flow:
        document["device_authorization_endpoint"] = f"{settings.base_url}/oauth/device_authorization"
        grants.append(DEVICE_GRANT)
    return jsonify({**document, "grant_types_supported": grants})


@endpoints.post("/oauth/device_authorization")
@guarded(own("the program proves itself by what it sends"))
def device_authorization() -> Response:
    """A device code and a user code (RFC 8628 3.1). `client_label` is what the program calls its machine.

    There is no `verification_uri_complete`: a code that comes in a link is a code that nobody typed (attack N01).
    """
    label = _parameter("client_label", most=64)
    asked = _parameter("client_id"), label, request_origin(), proof_or_none()
    grant = door().oauth.devices.begin(*asked, _parameter("scope"))
    return jsonify(
        device_code=grant.device_code,
        user_code=grant.user_code,
        verification_uri=grant.verification_uri,
        expires_in=grant.expires_in,
        interval=grant.interval,
    )


@endpoints.post("/oauth/token")
@guarded(own("the program proves itself by what it sends"))
def token() -> Response:
    """Tokens for a device code, an authorization code or a refresh token (RFC 6749 3.2)."""
    try:
        redeem = _GRANTS[_parameter("grant_type")]
    except KeyError:
        raise UnsupportedGrantType(f"grant_type {quoted(_parameter('grant_type'))}") from None
    client = client_named(_parameter("client_id"))
    if client.one_role:
        raise UnauthorizedClient("its tokens are credentials of AWS, which its own door hands out")
    tokens = redeem()
    response = jsonify(
        access_token=tokens.access_token,
        token_type=tokens.token_type,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
        **({"scope": client.scope} if client.scope else {}),
    )
    response.headers["Pragma"] = "no-cache"
    return response


def _by_device_code() -> IssuedTokens:
    server = door().oauth.tokens
    return server.for_device(_parameter("device_code"), _parameter("client_id"), request_origin(), proof_or_none())


def _by_code() -> IssuedTokens:
    asked = AuthorizationRequest(_parameter("client_id"), _parameter("redirect_uri", most=512), "")
    verifier = _parameter("code_verifier")
    return door().oauth.tokens.for_code(_parameter("code"), asked, verifier, request_origin(), proof_or_none())


def _by_refresh_token() -> IssuedTokens:
    server = door().oauth.tokens
    return server.refresh(_parameter("refresh_token"), _parameter("client_id"), request_origin(), proof_or_none())


_GRANTS: Mapping[str, Callable[[], IssuedTokens]] = {
    DEVICE_GRANT: _by_device_code,
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
}


@endpoints.post("/oauth/revoke")
@guarded(own("the program proves itself by what it sends"))
def revoke() -> Response:
    """Ends the command line of an access or refresh token (RFC 7009). The answer does not tell whose it was."""
    if not (token := _parameter("token")):
        raise OAuthRefused("no token to revoke")
    door().oauth.tokens.revoke(token, _parameter("client_id"), request_origin())
    return jsonify({})


def _parameter(name: str, most: int = 512) -> str:
    """A form parameter, "" where absent; BadRequest for one sent twice (RFC 6749 3.2), too long or in the address."""
    if name in request.args:
        # Addresses end up in logs; tokens must not.
        raise OAuthRefused(f"parameter {name} in the address")
    return forms.one_field(name, most=most)


@endpoints.errorhandler(BridgeError)
def _refused(refusal: BridgeError) -> Response:
    error = refusal.oauth_error if isinstance(refusal, OAuthRefused) else _ERRORS.get(refusal.status, "invalid_request")
    # Of what was ended, the program needs to know whether another sign-in helps: RFC 6749 has one code for both.
    more = {"code": refusal.code} if isinstance(refusal, AccessEnded | AccessBlocked) else {}
    response = jsonify(error=error, error_description=sentence(refusal), **more)
    is_own = refusal.status in _OWN_STATUS or error == "invalid_client"
    response.status_code = refusal.status if is_own else 400
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


_ERRORS = {500: "server_error", 503: "temporarily_unavailable"}
