"""AssumeRoleWithWebIdentity (aws.md section 3, order of checks from its section 12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.error_responses import invalid_identity_token, not_authorized
from federation_bridge.sandbox.aws.openid_keys import OpenIdKeys
from federation_bridge.sandbox.aws.paranoid import demand_careful_token
from federation_bridge.sandbox.aws.policy.patterns import Context
from federation_bridge.sandbox.aws.session_terms import (
    SessionPolicies,
    demand_within_role,
    packed_size,
    read_duration,
    session_end,
)
from federation_bridge.sandbox.aws.state import AccountState, OidcProvider, Role, Session
from federation_bridge.sandbox.aws.sts.handing_out import (
    Call,
    account_of,
    assumed_role_arn,
    assumed_role_of,
    find_role,
    new_token,
    note_session,
    policies_of,
    without_none,
)
from federation_bridge.sandbox.aws.trust import trusts_federated
from federation_bridge.sandbox.aws.web_identity import WebIdentity, read_web_identity

ACTION = "sts:AssumeRoleWithWebIdentity"
_SESSION_NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)
_LOGIN_WITH_AMAZON = "www.amazon.com"


@dataclass(frozen=True, slots=True)
class Request:
    """What a token and a call ask for together, all of it well-formed."""

    role_arn: str
    session_name: str
    account: AccountState
    provider: OidcProvider
    identity: WebIdentity
    duration: timedelta | None


def assume_role_with_web_identity(call: Call, keys: OpenIdKeys) -> dict[str, Value]:
    """Issues a session for a JWT; Refused as AWS refuses."""
    request = _read(call, keys)
    account, role = _trusted_role(call, request)
    demand_within_role(request.duration, role)
    policies = policies_of(call, account)
    size = packed_size(policies, request.identity.tags, request.identity.subject)
    session = _session(call, request, role, policies)
    call.state.admit(session)
    note_session(call.trail, session)
    result: dict[str, Value] = {
        **assumed_role_of(session),
        "SubjectFromWebIdentityToken": request.identity.subject,
        "PackedPolicySize": size,
        "Provider": request.provider.arn,
        "Audience": request.identity.audience,
    }
    if call.trail.response is not None:
        call.trail.response.update(
            subjectFromWebIdentityToken=request.identity.subject,
            provider=request.provider.arn,
            audience=request.identity.audience,
            packedPolicySize=size,
        )
    return result


def _read(call: Call, keys: OpenIdKeys) -> Request:
    parameters = call.parameters
    role_arn = parameters.arn("RoleArn")
    session_name = parameters.required("RoleSessionName", 2, 64, _SESSION_NAME)
    call.trail.request = {"roleArn": role_arn, "roleSessionName": session_name}
    token = parameters.required("WebIdentityToken", 4, 20_000)
    duration = read_duration(parameters.optional("DurationSeconds"))
    call.trail.account_id = account_of(role_arn)
    provider_id = parameters.optional("ProviderId", 4, 2048)
    if provider_id == _LOGIN_WITH_AMAZON:
        raise invalid_identity_token("Provided Token is not a Login With Amazon token")
    if provider_id is not None:
        raise not_authorized(ACTION)
    account = call.state.accounts.get(account_of(role_arn))
    identity, provider = read_web_identity(token, account, keys, call.wire.received_at)
    if call.is_paranoid:
        demand_careful_token(identity, call.state)
    if account is None:  # pragma: no cover - without an account there is no provider
        raise not_authorized(ACTION)
    if identity.authorized_roles is not None and role_arn not in identity.authorized_roles:
        raise invalid_identity_token("The requested role is not among the roles that the token authorizes.")
    request = Request(role_arn, session_name, account, provider, identity, duration)
    _note(call, request)
    return request


def _trusted_role(call: Call, request: Request) -> tuple[AccountState, Role]:
    found = find_role(call.state, request.role_arn)
    if found is None or found[1].name.startswith("AWSReservedSSO_"):
        raise not_authorized(ACTION)
    account, role = found
    if not call.state.is_known_everywhere(role, request.provider):
        raise not_authorized(ACTION)
    actions = [ACTION]
    if request.identity.tags.tags:
        actions.append("sts:TagSession")
    if request.identity.source_identity:
        actions.append("sts:SetSourceIdentity")
    if not trusts_federated(role.trust, request.provider.arn, actions, _trust_context(call, request)):
        raise not_authorized(ACTION)
    return account, role


def _trust_context(call: Call, request: Request) -> Context:
    identity, prefix = request.identity, request.provider.url.lower()
    keys: dict[str, tuple[str, ...]] = {
        **context_keys.of_request(call.wire, call.region),
        **context_keys.of_request_tags(identity.tags),
        **_surviving_context(request),
        f"{prefix}:oaud": (identity.original_audience,),
        "sts:rolesessionname": (request.session_name,),
        "aws:principalaccount": (request.account.id,),
        "aws:principaltype": ("User",),
        "aws:userid": (request.provider.arn,),
        "aws:federatedprovider": (request.provider.arn,),
    }
    if identity.source_identity:
        keys["sts:sourceidentity"] = (identity.source_identity,)
    if isinstance(identity.claims.get("email"), str):
        keys[f"{prefix}:email"] = (identity.claims["email"],)
    if identity.authorized_roles is not None:
        keys["sts:roleauthorizedbyidp"] = ("true" if request.role_arn in identity.authorized_roles else "false",)
    return keys


def _surviving_context(request: Request) -> dict[str, tuple[str, ...]]:
    prefix, identity = request.provider.url.lower(), request.identity
    keys: dict[str, tuple[str, ...]] = {
        f"{prefix}:aud": (identity.audience,),
        f"{prefix}:sub": (identity.subject,),
    }
    methods = identity.claims.get("amr")
    if isinstance(methods, list) and methods:
        keys[f"{prefix}:amr"] = tuple(str(method) for method in methods)
    return keys


def _session(call: Call, request: Request, role: Role, policies: SessionPolicies) -> Session:
    state, now, identity = call.state, call.wire.received_at, request.identity
    return Session(
        kind="assumed-role",
        access_key_id=state.new_id("ASIA"),
        secret=state.new_secret(),
        token=new_token(state),
        account_id=request.account.id,
        arn=assumed_role_arn(request.account, role, request.session_name),
        user_id=f"{role.id}:{request.session_name}",
        issued_at=now,
        expires_at=session_end(now, request.duration),
        role=role.name,
        role_arn=role.arn,
        role_id=role.id,
        policy=policies.inline,
        policy_arns=policies.arns,
        tags=identity.tags.tags,
        transitive_tags=identity.tags.transitive,
        source_identity=identity.source_identity,
        federated_provider=request.provider.arn,
        context=_surviving_context(request),
    )


def _note(call: Call, request: Request) -> None:
    identity = request.identity
    call.trail.identity = {
        "type": "WebIdentityUser",
        "principalId": f"{request.provider.arn}:{identity.audience}:{identity.subject}",
        "userName": identity.subject,
        "identityProvider": request.provider.arn,
    }
    call.trail.request = without_none(
        {
            "roleArn": request.role_arn,
            "roleSessionName": request.session_name,
            "sourceIdentity": identity.source_identity,
            "principalTags": dict(identity.tags.tags),
            "transitiveTagKeys": list(identity.tags.transitive),
            "durationSeconds": request.duration and int(request.duration.total_seconds()),
        }
    )
