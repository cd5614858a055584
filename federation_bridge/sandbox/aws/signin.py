"""AWS's sign-in pages: the federation endpoint, the SAML form endpoint with its role picker, and a console page.

The console does not exist here: whoever signs in sees one page that says as whom, where, with what, until when.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import render_template

from federation_bridge.sandbox.aws import caller as callers
from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.console_sessions import ConsoleSession, ConsoleSessions, is_console_page
from federation_bridge.sandbox.aws.error_responses import Refused, invalid_identity_token
from federation_bridge.sandbox.aws.parameters import Parameters
from federation_bridge.sandbox.aws.saml_statement import (
    SamlStatement,
    read_statement,
    structural_fault,
    unverified_roles,
)
from federation_bridge.sandbox.aws.session_terms import LONGEST, SHORTEST
from federation_bridge.sandbox.aws.sign_out import signed_out
from federation_bridge.sandbox.aws.state import Session, State
from federation_bridge.sandbox.aws.sts.handing_out import Call
from federation_bridge.sandbox.aws.sts.saml_request import read_verified, role_pairs
from federation_bridge.sandbox.aws.sts.with_saml import redeem
from federation_bridge.sandbox.aws.wire import Answer, Trail, Wire

COOKIE = "local-aws-console"
PATHS = ("/federation", "/saml", "/console", "/oauth")
_AUDIENCES = re.compile(
    r"urn:amazon:webservices(:cn-north-1|:govcloud)?|https://signin\.aws\.amazon\.com/saml(/acs/\w+)?"
)
_SIGNIN_HOST = re.compile(
    r"([a-z0-9-]+\.)?signin\.(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com|amazonaws-eusc\.eu)"
)
_ACS = re.compile(r"/saml(?:/acs/(SAMLSP[A-Z0-9]{1,40}))?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class SigninRequest:
    """One request of a browser or a broker."""

    state: State
    consoles: ConsoleSessions
    wire: Wire
    trail: Trail
    own_address: str
    is_paranoid: bool = False


def answer_signin(request: SigninRequest) -> Answer:
    """The page or answer at a sign-in address; a refusal is a page with AWS's sentence."""
    try:
        return _answer(request)
    except Refused as refused:
        return _page("refused.html", refused.status, code=refused.code, message=refused.message)


def _answer(request: SigninRequest) -> Answer:
    wire = request.wire
    if wire.path == "/federation":
        return _federation(request, wire.fields())
    if wire.path == "/oauth":
        return signed_out(request.own_address, wire.fields(), COOKIE)
    if wire.path == "/console":
        return _console(request)
    if not _ACS.fullmatch(wire.path):
        raise Refused("NotFound", "There is no such page.", 404)
    if wire.method != "POST":
        raise Refused("InvalidRequest", "The SAML endpoint takes a posted form.", 405)
    request.trail.name = "ConsoleLogin"
    return _saml(request, wire.fields())


def _page(template: str, status: int = 200, **values: Any) -> Answer:
    nonce = secrets.token_urlsafe(16)
    text = render_template(f"local_aws/{template}", nonce=nonce, **values)
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Answer(text.encode(), status, "text/html; charset=utf-8", headers)


# ------------------------------------------------------------------------------------------------------- federation


def _federation(request: SigninRequest, fields: Mapping[str, str]) -> Answer:
    action = fields.get("Action")
    request.trail.name = "ConsoleLogin" if action == "login" else "GetSigninToken"
    if action == "getSigninToken":
        return _get_signin_token(request, fields)
    if action == "login":
        return _login(request, fields)
    raise _bad("The Action must be getSigninToken or login.")


def _bad(message: str) -> Refused:
    return Refused("BadRequest", message, 400)


def _get_signin_token(request: SigninRequest, fields: Mapping[str, str]) -> Answer:
    session = _shown_session(request, fields.get("Session") or fields.get("SessionData") or "")
    duration = _console_duration(request.state, session, fields.get("SessionDuration"))
    token = request.consoles.new_token(session, duration)
    body = json.dumps({"SigninToken": token}).encode()
    return Answer(body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _shown_session(request: SigninRequest, text: str) -> Session:
    try:
        shown = json.loads(text)
        identifier, key, token = (str(shown[name]) for name in ("sessionId", "sessionKey", "sessionToken"))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _bad("Session must be JSON with sessionId, sessionKey and sessionToken.") from None
    session = request.state.sessions.get(identifier)
    if session is None or not _same(key, session.secret) or not _same(token, session.token):
        raise _bad("The credentials in Session are not valid.")
    if session.expires_at <= request.wire.received_at:
        raise _bad("The credentials in Session have expired.")
    if session.kind == "session-token":
        raise _bad("Credentials of GetSessionToken cannot be used to sign in to the console.")
    return session


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode())


def _console_duration(state: State, session: Session, text: str | None) -> timedelta | None:
    if text is None or text == "":
        return None
    if session.is_chained or session.kind == "federated-user":
        raise _bad("SessionDuration must not be sent with credentials of role chaining or GetFederationToken.")
    if not _WHOLE_NUMBER.fullmatch(text) or not SHORTEST <= int(text) <= LONGEST:
        raise _bad(f"SessionDuration must be between {SHORTEST} and {LONGEST}.")
    role = state.accounts[session.account_id].roles.get(session.role)
    duration = timedelta(seconds=int(text))
    if role is None or duration >= role.max_session:
        raise _bad("SessionDuration must be less than the role's MaxSessionDuration.")
    return duration


def _login(request: SigninRequest, fields: Mapping[str, str]) -> Answer:
    destination = fields.get("Destination", "")
    if not _may_lead_to(request, destination):
        raise _bad("Destination must be a page of the console.")
    token = request.consoles.redeemed(fields.get("SigninToken", ""))
    if token is None:
        raise _bad("The SigninToken is not valid or has expired.")
    now = request.wire.received_at
    ends_at = token.session.expires_at if token.duration is None else now + token.duration
    return _signed_in(request, ConsoleSession(token.session, ends_at, _issuer(fields)), destination)


def _may_lead_to(request: SigninRequest, destination: str) -> bool:
    own = f"{request.own_address}/console"
    return is_console_page(destination) or destination == own or destination.startswith(f"{own}?")


def _issuer(fields: Mapping[str, str]) -> str:
    try:
        is_web = urlsplit(fields.get("Issuer", "")).scheme in ("https", "http")
    except ValueError:
        is_web = False
    return fields["Issuer"] if is_web else ""


def _signed_in(request: SigninRequest, console: ConsoleSession, destination: str) -> Answer:
    secret = request.consoles.begin(console)
    session = console.session
    request.trail.account_id = session.account_id
    request.trail.identity = {
        "type": "AssumedRole" if session.role else "FederatedUser",
        "principalId": session.user_id,
        "arn": session.arn,
        "accountId": session.account_id,
    }
    request.trail.response = {"ConsoleLogin": "Success"}
    query = urlencode({"at": destination}) if is_console_page(destination) else ""
    headers = {
        "Location": f"{request.own_address}/console" + (f"?{query}" if query else ""),
        "Set-Cookie": f"{COOKIE}={secret}; Path=/console; HttpOnly; SameSite=Lax",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Answer(b"", 302, "text/plain", headers)


# ------------------------------------------------------------------------------------------------------ SAML form


def _saml(request: SigninRequest, fields: Mapping[str, str]) -> Answer:
    text = fields.get("SAMLResponse", "")
    relay_state, picked = fields.get("RelayState", ""), fields.get("roleIndex")
    statement = _verified(request, text)
    _demand_addressed_to_us(request, statement)
    roles = [role for role, vouching in role_pairs(statement) if _is_provider(request.state, vouching, statement)]
    if not roles:
        raise invalid_identity_token("SAML Assertion doesn't contain the requested Role and Metadata in the attributes")
    if picked is None and len(roles) > 1:
        return _page("roles.html", roles=roles, response=text, relay_state=relay_state, action=request.wire.path)
    role = roles[0] if picked is None else picked
    if role not in roles:
        raise _bad("The role is not among those in the SAML response.")
    vouching = dict(role_pairs(statement))[role]
    return _enter(request, text, role, vouching, relay_state)


def _verified(request: SigninRequest, text: str) -> SamlStatement:
    # The unverified message only says with whose keys to verify it.
    uuid = _ACS.fullmatch(request.wire.path)
    providers = [one for account in request.state.accounts.values() for one in account.saml_providers.values()]
    if uuid and uuid[1]:
        named = [one for one in providers if one.uuid == uuid[1]]
    else:
        arns = unverified_roles(text, request.wire.request_id)
        named = [one for one in providers if one.arn in arns]
    if not named:
        raise invalid_identity_token("Specified provider doesn't exist")
    statement = read_statement(text, named[0], request.wire.request_id)
    statement.demand_live(request.wire.received_at)
    return statement


def _demand_addressed_to_us(request: SigninRequest, statement: SamlStatement) -> None:
    if not any(_AUDIENCES.fullmatch(audience) for audience in statement.audiences):
        raise invalid_identity_token("Response does not contain the required audience.")
    parts = urlsplit(statement.recipient) if statement.recipient.isascii() else urlsplit("")
    is_aws = parts.scheme == "https" and _SIGNIN_HOST.fullmatch(parts.netloc) and _ACS.fullmatch(parts.path)
    if not is_aws and statement.recipient != f"{request.own_address}/saml":
        raise structural_fault(request.wire.request_id)


def _is_provider(state: State, arn: str, statement: SamlStatement) -> bool:
    return any(
        provider.arn == arn and provider.metadata.entity_id == statement.issuer
        for account in state.accounts.values()
        for provider in account.saml_providers.values()
    )


def _enter(request: SigninRequest, text: str, role: str, provider_arn: str, relay_state: str) -> Answer:
    call = Call(request.state, request.wire, Parameters({}), request.trail, "us-east-1", request.is_paranoid)
    asked = read_verified(call, role, provider_arn, text, None)
    # In the console SessionDuration lengthens, too: here it is the duration that is asked for.
    session, _ = redeem(call, replace(asked, duration=asked.attribute_duration))
    return _signed_in(request, ConsoleSession(session, session.expires_at), relay_state)


# ---------------------------------------------------------------------------------------------------------- console


def _console(request: SigninRequest) -> Answer:
    console = request.consoles.of(_cookie(request.wire))
    if console is None:
        return _page("refused.html", 401, code="NotSignedIn", message="You are not signed in to this console.")
    if console.ends_at <= request.wire.received_at:
        message = "Your session has ended."
        return _page("refused.html", 401, code="SessionEnded", message=message, issuer=console.issuer)
    at = request.wire.fields().get("at", "")
    why_not = _why_no_buckets(request, console.session)
    buckets = sorted(one.name for one in request.state.buckets.values() if one.account_id == console.session.account_id)
    return _page(
        "console.html",
        session=console.session,
        ends_at=console.ends_at.replace(microsecond=0),
        destination=at if is_console_page(at) else "",
        buckets=buckets,
        why_not=why_not,
    )


def _why_no_buckets(request: SigninRequest, session: Session) -> str:
    keys = context_keys.of_request(request.wire, "us-east-1")
    return callers.of_session(request.state, session).why_not("s3:ListAllMyBuckets", "*", keys)


def _cookie(wire: Wire) -> str:
    for part in wire.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
