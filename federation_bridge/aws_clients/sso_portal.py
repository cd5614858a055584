"""The portal that `aws sso` profiles ask for accounts, roles and credentials (API `sso`, 2019-06-10).

The token comes in `x-amz-sso_bearer_token`, a header with underscores: the server in front has to let it through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from federation_bridge.aws_clients import json_messages
from federation_bridge.aws_clients.sso_oidc import CLIENT
from federation_bridge.errors import BadRequest, BridgeError, InvalidToken, SignInAgain
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, JsonObject
from federation_bridge.web.door import caller, door, request_origin
from federation_bridge.web.findable import is_of, sentence
from federation_bridge.web.guards import guarded, own

_TOO_MANY, _OF_OURS = 429, 500
"""A status from `_OF_OURS` on says that the fault is ours (RFC 9110 15.6)."""

portal = Blueprint("sso_portal", __name__)

_HEADER = "x-amz-sso_bearer_token"
_MOST_RESULTS = 100
_PAGE = re.compile(r"[0-9]{1,6}")
_KINDS = {401: "UnauthorizedException", 403: "ResourceNotFoundException", 404: "ResourceNotFoundException"}


@portal.errorhandler(BridgeError)
def _refused(refusal: BridgeError) -> Response:
    # A role that is not granted is "not found": 401 would send the person to sign in again, in vain.
    told = {"message": sentence(refusal)}
    if isinstance(refusal, SignInAgain) and refusal.is_over:
        return json_messages.refused(refusal, "UnauthorizedException", 401, told)
    if refusal.status == _TOO_MANY:
        return json_messages.refused(refusal, "TooManyRequestsException", _TOO_MANY, told)
    if refusal.status >= _OF_OURS:
        # No class of the dialect's own: clients retry it, and show the sentence.
        return json_messages.refused(refusal, "InternalServerException", refusal.status, told)
    kind = _KINDS.get(refusal.status, "InvalidRequestException")
    status = 404 if kind == "ResourceNotFoundException" else 401 if kind == "UnauthorizedException" else 400
    return json_messages.refused(refusal, kind, status, told)


def _caller() -> Caller:
    session = is_of(door().oauth.access.bearer(_token(), None, request_origin(), CLIENT).session)
    return caller(of=session, is_command_line=True)


def _token() -> str:
    token = request.headers.get(_HEADER, "")
    if not token:
        raise InvalidToken(f"no {_HEADER}: sent by nobody, or dropped by a server in front of us")
    return token


@portal.get("/federation/credentials")
@guarded(own("the program proves itself by what it sends"))
def role_credentials() -> Response:
    """GetRoleCredentials: short-lived credentials of one role; the expiry is in milliseconds."""
    role_request = RoleRequest(account=_argument("account_id", 12), role=_argument("role_name", 64))
    found = door().bridge.credentials(_caller(), role_request)
    return jsonify(
        roleCredentials={
            "accessKeyId": found.access_key_id,
            "secretAccessKey": found.secret_access_key,
            "sessionToken": found.session_token,
            "expiration": int(found.expires_at.timestamp()) * 1000,
        }
    )


@portal.get("/assignment/accounts")
@guarded(own("the program proves itself by what it sends"))
def accounts() -> Response:
    """ListAccounts: the accounts in which the person has any role right now."""
    named = {one.account.id: one.account.name for one in door().bridge.entitlements(_caller())}
    return _paged("accountList", [{"accountId": number, "accountName": name} for number, name in named.items()])


@portal.get("/assignment/roles")
@guarded(own("the program proves itself by what it sends"))
def roles() -> Response:
    """ListAccountRoles: the roles that the person has in one account right now."""
    account = _argument("account_id", 12)
    mine = [one for one in door().bridge.entitlements(_caller()) if one.account.id == account]
    return _paged("roleList", [{"roleName": one.role, "accountId": account} for one in mine])


@portal.post("/logout")
@guarded(own("the program proves itself by what it sends"))
def logout() -> Response:
    """Logout: ends the tokens of this client. Credentials that AWS has handed out live on until their own end."""
    door().oauth.tokens.revoke(_token(), CLIENT, request_origin())
    return jsonify({})


def _argument(name: str, most: int) -> str:
    values = request.args.getlist(name)
    if len(values) != 1 or not 0 < len(values[0]) <= most:
        raise BadRequest(f"{name} is missing, sent twice or too long")
    return values[0]


def _paged(name: str, found: Sequence[JsonObject]) -> Response:
    size, begin = _number("max_result", _MOST_RESULTS), _number("next_token", 0)
    if not 1 <= size <= _MOST_RESULTS:
        raise BadRequest(f"max_result is not between 1 and {_MOST_RESULTS}")
    answer: dict[str, Any] = {name: list(found[begin : begin + size])}
    if begin + size < len(found):
        answer["nextToken"] = str(begin + size)
    return jsonify(answer)


def _number(name: str, otherwise: int) -> int:
    value = request.args.get(name, str(otherwise))
    if not _PAGE.fullmatch(value):
        raise BadRequest(f"{name} is no number of ours")
    return int(value)
