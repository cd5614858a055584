"""`/api/v1`: the same verbs for programs. One error shape; the OpenAPI document is served beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify, request

from federation_bridge.bridge import Offer, WebIdentityToken
from federation_bridge.durations import format_duration
from federation_bridge.errors import BadRequest
from federation_bridge.grant import RoleRequest
from federation_bridge.mapping import RuleOutcome
from federation_bridge.model import AwsCredentials, Entitlement, JsonObject
from federation_bridge.redaction import quoted
from federation_bridge.web import cookies, forms
from federation_bridge.web.api.openapi import DOCUMENT
from federation_bridge.web.bearer import calling, challenge, check_bound_to_a_key, has_token
from federation_bridge.web.door import door
from federation_bridge.web.guards import called, guarded, public
from federation_bridge.web.json_body import json_object

api = Blueprint("api", __name__, url_prefix="/api/v1")

api.after_request(challenge)

_REQUEST_FIELDS = frozenset({"duration", "reason", "to", "show_link", "agent"})


@api.get("/openapi.json")
@guarded(public)
def openapi() -> Response:
    """The OpenAPI 3.1 document of this API."""
    return jsonify({**DOCUMENT, "servers": [{"url": door().settings.base_url + "/api/v1"}]})


@api.get("/me")
@guarded(called)
def me() -> Response:
    """Who is signed in, until when, and the token that changing calls of a browser must send."""
    session = calling().session
    return jsonify(
        person=session.identity.person,
        connection=session.identity.connection,
        name=session.identity.name,
        email=session.identity.email,
        signed_in_at=session.started_at.isoformat(),
        ends_at=session.ends_at.isoformat(),
        csrf_token=None if has_token() else forms.session_token(),
    )


@api.get("/roles")
@guarded(called)
def roles() -> Response:
    """The roles that the person may have right now."""
    offers = door().bridge.offers(calling())
    kept = {one.key for one in offers.favourites}
    ranks = {one.key: rank for rank, one in enumerate(offers.recents, 1)}
    return jsonify(
        roles=[
            {**_offer(one), "is_favourite": one.key in kept, "recent": ranks.get(one.key, 0)} for one in offers.roles
        ]
    )


def _offer(offer: Offer) -> JsonObject:
    account = offer.entitlement.account
    return {
        **_role(offer.entitlement),
        "description": offer.description,
        "account_description": account.description,
        "environment": account.environment,
        "color": account.color,
        "aliases": list(account.aliases),
        "tags": dict(account.tags),
    }


def _role(entitlement: Entitlement) -> JsonObject:
    account = entitlement.account
    return {
        "account": account.id,
        "account_name": account.name,
        "partition": account.partition,
        "region": account.region,
        "role": entitlement.role,
        "role_arn": entitlement.role_arn,
        "max_duration": format_duration(entitlement.max_duration),
        "rule": entitlement.rule,
        "because": list(entitlement.because),
        "has_session_policy": bool(entitlement.policy or entitlement.policy_arns),
    }


@api.post("/roles/<account>/<role>/favourite")
@guarded(called)
def favourite(account: str, role: str) -> Response:
    """Keeps a role on top of the person's lists, or no longer."""
    body = json_object() if request.data else {}
    if set(body) - {"keep"} or not isinstance(body.get("keep", True), bool):
        raise BadRequest("the body is {keep: true} or {keep: false}")
    keeps = body.get("keep", True)
    (door().bridge.keep_on_top if keeps else door().bridge.keep_no_longer)(calling(), account, role)
    return jsonify(is_favourite=keeps)


@api.get("/explanation")
@guarded(called)
def explanation() -> Response:
    """For every role why, for every rule that missed why not."""
    found = door().bridge.explain(calling())
    return jsonify(roles=[_role(one) for one in found.entitlements], rules=[_rule(one) for one in found.outcomes])


def _rule(outcome: RuleOutcome) -> JsonObject:
    """One rule as the page shows it: its remarks only to whom it gives a role, or takes one."""
    return {
        "rule": outcome.rule,
        "granted": list(outcome.granted),
        "reasons": list(outcome.reasons),
        "description": outcome.description,
        "owner": outcome.owner,
    }


@api.post("/roles/<account>/<role>/credentials")
@guarded(called)
def credentials(account: str, role: str) -> Response:
    """Short-lived credentials of one role, for the person or for their agent."""
    body = _body()
    asked = replace(_role_request(account, role, body), for_agent=_flag(body, "agent"))
    return jsonify(_credentials(door().bridge.credentials(calling(), asked)))


def _credentials(found: AwsCredentials) -> JsonObject:
    return {
        "access_key_id": found.access_key_id,
        "secret_access_key": found.secret_access_key,
        "session_token": found.session_token,
        "expires_at": found.expires_at.isoformat(),
        "account": found.account_id,
        "role": found.role,
        "region": found.region,
        "assumed_role_arn": found.assumed_role_arn,
        "cap": found.cap,
        "duration": format_duration(found.granted),
    }


@api.get("/roles/<account>/<role>/length")
@guarded(called)
def length(account: str, role: str) -> Response:
    """How long a session would be that is asked for now (`duration` in the query), and which cap decides it."""
    asked = forms.duration_field(forms.checked_text(request.args.get("duration", ""), "duration", 16))
    found = door().bridge.length(calling(), RoleRequest(account, role, asked))
    return jsonify(duration=format_duration(found.length), cap=found.name)


@api.post("/roles/<account>/<role>/web-identity-token")
@guarded(called)
def web_identity_token(account: str, role: str) -> Response:
    """The signed token of one role for AWS_WEB_IDENTITY_TOKEN_FILE, where the operator hands it out."""
    check_bound_to_a_key()
    body = _body()
    if unasked := sorted(set(body) - {"reason"}):
        raise BadRequest(
            f"field {quoted(unasked[0])} does not apply to a web identity token, because its holder asks AWS, not us"
        )
    return jsonify(_token(door().bridge.web_identity_token(calling(), _role_request(account, role, body))))


def _token(found: WebIdentityToken) -> JsonObject:
    grant = found.grant
    return {
        "token": found.statement.text,
        "expires_at": found.statement.ends_at.isoformat(),
        "account": grant.account.id,
        "role": grant.role,
        "role_arn": grant.role_arn,
        "session_name": grant.session_name,
        "region": grant.account.region,
        "max_duration": format_duration(grant.duration),
    }


@api.post("/roles/<account>/<role>/console")
@guarded(called)
def console(account: str, role: str) -> Response:
    """The way to the console. The link signs in whoever holds it, so it is shown only where it is asked for."""
    body = _body()
    if body.get("show_link") is not True:
        raise BadRequest("the console link is a sign-in: ask for it with show_link true")
    if "agent" in body:
        # A browser is the person's own.
        raise BadRequest("field agent applies to credentials alone")
    page = _text(body, "to", 2048)
    departure = door().bridge.console(calling(), _role_request(account, role, body), page)
    return jsonify(url=departure.url, form=dict(departure.form) if departure.form is not None else None)


@api.post("/sign-out")
@guarded(called)
def sign_out() -> Response:
    """Ends this session, or this command line."""
    door().bridge.sign_out(calling())
    response = jsonify(signed_out=True)
    if not has_token():
        cookies.forget(response, cookies.SESSION)
    return response


def _body() -> dict[str, Any]:
    # `data` looks for a form first, which no JSON is.
    if not (request.get_data() if request.is_json else request.data):
        return {}
    body = json_object()
    if unknown := sorted(set(body) - _REQUEST_FIELDS):
        raise BadRequest(f"unknown field {quoted(unknown[0])}")
    return body


def _text(body: dict[str, Any], name: str, most: int) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise BadRequest(f"field {name} is not a text")
    return forms.checked_text(value, name, most)


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadRequest(f"field {name} is neither true nor false")
    return value


def _role_request(account: str, role: str, body: dict[str, Any]) -> RoleRequest:
    duration = forms.duration_field(_text(body, "duration", 16))
    return RoleRequest(account=account, role=role, duration=duration, reason=_text(body, "reason", 256))
