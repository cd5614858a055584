"""Who calls the API: a command line with an access token, or a browser with its cookie. Never the one for the other."""

from __future__ import annotations

from flask import Response, g, request

from federation_bridge.errors import InvalidDpopProof, InvalidToken, NotFound, NotSignedIn, OtherDoor
from federation_bridge.model import Caller
from federation_bridge.oauth.clients import FEDBRIDGE, FEDBRIDGE_ADMINISTRATION
from federation_bridge.oauth.dpop import DpopProof
from federation_bridge.oauth.messages import Bearer
from federation_bridge.redaction import quoted
from federation_bridge.web import forms
from federation_bridge.web.door import caller, door, request_origin, signed_in
from federation_bridge.web.findable import is_of


def has_token() -> bool:
    """Whether the call says that it is a command line's; then no cookie counts."""
    return "Authorization" in request.headers


def calling() -> Caller:
    """Who makes this call; NotSignedIn, InvalidToken or InvalidDpopProof where there is none."""
    return caller(of=_of_token().session, is_command_line=True) if has_token() else caller(of=signed_in())


def administering() -> Caller:
    """Who makes this call with a token of the scope `administration`; no cookie counts (ADR 41).

    NotSignedIn, InvalidToken, InvalidDpopProof where there is no such token. NotFound for a live token of another
    program: for it there is nothing at this address.
    """
    if not has_token():
        raise NotSignedIn("no access token, and no cookie counts here")
    try:
        bearer = _of_token(FEDBRIDGE_ADMINISTRATION)
    except OtherDoor as refusal:
        raise NotFound(refusal.detail) from None
    return caller(of=bearer.session, is_command_line=True)


def check_not_forged() -> None:
    """Refuses a call that another site's page made a browser send. A token cannot be sent so: no browser adds it."""
    if not has_token():
        forms.check_same_site()


def check_bound_to_a_key() -> None:
    """Refuses a token that is bound to no key: whoever found it could take the answer away. A browser's call passes."""
    if has_token() and _of_token().family.dpop_jkt is None:
        raise InvalidDpopProof("the token is bound to no key")


def proof_or_none() -> DpopProof | None:
    """The `DPoP` header of this request, None without one; InvalidDpopProof where there are several (RFC 9449 4.3)."""
    headers = request.headers.getlist("DPoP")
    if not headers:
        return None
    if len(headers) > 1:
        raise InvalidDpopProof("more than one DPoP header")
    return DpopProof(headers[0], request.method, door().settings.base_url + request.path)


def _of_token(client: str = FEDBRIDGE) -> Bearer:
    found = g.get("token_bearer")
    if not isinstance(found, Bearer) or found.family.client_id != client:
        scheme, _, token = request.headers["Authorization"].partition(" ")
        if scheme.lower() not in ("dpop", "bearer"):
            raise InvalidToken(f"the authorization scheme is {quoted(scheme, 20)}")
        proof = proof_or_none() if scheme.lower() == "dpop" else None
        if scheme.lower() == "dpop" and proof is None:
            raise InvalidDpopProof("the scheme DPoP without a proof")
        found = door().oauth.access.bearer(token.strip(), proof, request_origin(), client)
        g.token_bearer = found
        is_of(found.session)
    return found


def challenge(response: Response) -> Response:
    """Tells a command line whose token was not taken what would be (RFC 9449 7.1, RFC 6750 3)."""
    if response.status_code == 401 and has_token():  # noqa: PLR2004 - HTTP's own number
        body = response.get_json(silent=True) or {}
        is_proof = body.get("error", {}).get("code") == InvalidDpopProof.code
        error = InvalidDpopProof.oauth_error if is_proof else InvalidToken.oauth_error
        response.headers["WWW-Authenticate"] = f'DPoP error="{error}", algs="ES256", Bearer error="{error}"'
    return response
