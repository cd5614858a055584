"""AssumeRole: from credentials to a role, and from a role's session to the next one (aws.md section 10).

A role's session that assumes another role is a chain: it lasts an hour at most, keeps its transitive tags and its
source identity, and neither may be changed on the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.error_responses import Refused, constraint_failed, validation_error
from federation_bridge.sandbox.aws.session_terms import (
    SessionPolicies,
    SessionTags,
    demand_within_role,
    packed_size,
    read_duration,
    read_tags,
    session_end,
)
from federation_bridge.sandbox.aws.state import AccountState, Role, Session
from federation_bridge.sandbox.aws.sts.handing_out import (
    Call,
    assumed_role_arn,
    assumed_role_of,
    find_role,
    new_token,
    note_session,
    policies_of,
    without_none,
)
from federation_bridge.sandbox.aws.trust import trusts_caller

ACTION = "sts:AssumeRole"
NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:\/-]*", re.ASCII)
_CHAIN_LIMIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks for, well-formed."""

    role_arn: str
    session_name: str
    duration: timedelta | None
    external_id: str
    source_identity: str
    tags: SessionTags
    """The caller's own and those inherited along a chain."""
    is_tagging: bool


def assume_role(call: Call, caller: Caller) -> dict[str, Value]:
    """Exchanges the caller's credentials for a role's session; Refused as AWS refuses."""
    if caller.identity_policies is None:
        raise Refused("AccessDenied", "Roles may not be assumed by root accounts.", 403)
    if caller.session is not None and caller.session.kind == "federated-user":
        raise _denied(caller, call.parameters.arn("RoleArn"))
    request = _read(call, caller)
    account, role = _trusted_role(call, caller, request)
    demand_within_role(request.duration, role)
    is_chained = caller.session is not None and caller.session.kind == "assumed-role"
    if is_chained and request.duration is not None and request.duration > _CHAIN_LIMIT:
        raise validation_error(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    policies = policies_of(call, account)
    size = packed_size(policies, request.tags)
    session = _session(call, request, account, role, policies, is_chained=is_chained)
    call.state.admit(session)
    note_session(call.trail, session)
    return {**assumed_role_of(session), "PackedPolicySize": size}


def _read(call: Call, caller: Caller) -> Request:
    parameters = call.parameters
    role_arn = parameters.arn("RoleArn")
    session_name = parameters.required("RoleSessionName", 2, 64, NAME)
    duration = read_duration(parameters.optional("DurationSeconds"))
    external_id = parameters.optional("ExternalId", 2, 1224, _EXTERNAL_ID) or ""
    if parameters.optional("SerialNumber", 9, 256) or parameters.optional("TokenCode", 6, 6):
        raise Refused("AccessDenied", "MultiFactorAuthentication failed, unable to validate MFA code.", 403)
    own = read_tags(parameters.tags(), parameters.texts("TransitiveTagKeys"))
    request = Request(
        role_arn,
        session_name,
        duration,
        external_id,
        _source_identity(call, caller, role_arn),
        _with_inherited(own, caller.session),
        bool(own.tags),
    )
    call.trail.request = without_none(
        {
            "roleArn": role_arn,
            "roleSessionName": session_name,
            "externalId": external_id,
            "sourceIdentity": request.source_identity,
            "durationSeconds": duration and int(duration.total_seconds()),
            "tags": [{"key": key, "value": text} for key, text in own.tags.items()],
            "transitiveTagKeys": list(own.transitive),
        }
    )
    return request


def _source_identity(call: Call, caller: Caller, role_arn: str) -> str:
    asked = call.parameters.optional("SourceIdentity", 2, 64, NAME) or ""
    if asked.startswith("aws:"):
        raise constraint_failed(asked, "sourceIdentity", "Member must not begin with aws:")
    inherited = caller.session.source_identity if caller.session else ""
    if asked and inherited and asked != inherited:
        raise _denied(caller, role_arn)
    return inherited or asked


def _with_inherited(own: SessionTags, session: Session | None) -> SessionTags:
    if session is None or not session.transitive_tags:
        return own
    passed_on = {key.casefold() for key in session.transitive_tags}
    if passed_on & {key.casefold() for key in own.tags}:
        raise Refused(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from "
            "the calling session.",
        )
    inherited = {key: text for key, text in session.tags.items() if key.casefold() in passed_on}
    return SessionTags({**inherited, **own.tags}, (*session.transitive_tags, *own.transitive))


def _denied(caller: Caller, role_arn: str) -> Refused:
    return Refused(
        "AccessDenied", f"User: {caller.arn} is not authorized to perform: {ACTION} on resource: {role_arn}", 403
    )


def _trusted_role(call: Call, caller: Caller, request: Request) -> tuple[AccountState, Role]:
    found = find_role(call.state, request.role_arn)
    if found is None or not call.state.is_known_everywhere(found[1]):
        raise _denied(caller, request.role_arn)
    account, role = found
    actions = [ACTION]
    if request.is_tagging:
        actions.append("sts:TagSession")
    if request.source_identity:
        actions.append("sts:SetSourceIdentity")
    context = _context(call, caller, request, role)
    trusted = trusts_caller(role.trust, caller, actions, context)
    # Who is named, in the same account, needs nothing more; whoever only belongs to a trusted account does.
    suffices_alone = trusted == "by name" and caller.account_id == account.id
    for action in actions:
        suffices = suffices_alone and caller.lacks_own_policy(action, role.arn, context)
        if caller.why_not(action, role.arn, context) and not suffices:
            raise _denied(caller, request.role_arn)
    if trusted is None:
        raise _denied(caller, request.role_arn)
    return account, role


def _context(call: Call, caller: Caller, request: Request, role: Role) -> dict[str, tuple[str, ...]]:
    keys = {
        **context_keys.of_request(call.wire, call.region),
        **context_keys.of_request_tags(request.tags),
        **context_keys.of_resource_tags(role.tags),
        **context_keys.of_resource_tags(role.tags, "iam:resourcetag/"),
        **caller.context,
        "sts:rolesessionname": (request.session_name,),
    }
    if request.external_id:
        keys["sts:externalid"] = (request.external_id,)
    if request.source_identity:
        keys["sts:sourceidentity"] = (request.source_identity,)
    return keys


def _session(
    call: Call, request: Request, account: AccountState, role: Role, policies: SessionPolicies, *, is_chained: bool
) -> Session:
    state, now = call.state, call.wire.received_at
    return Session(
        kind="assumed-role",
        access_key_id=state.new_id("ASIA"),
        secret=state.new_secret(),
        token=new_token(state),
        account_id=account.id,
        arn=assumed_role_arn(account, role, request.session_name),
        user_id=f"{role.id}:{request.session_name}",
        issued_at=now,
        expires_at=session_end(now, request.duration),
        role=role.name,
        role_arn=role.arn,
        role_id=role.id,
        policy=policies.inline,
        policy_arns=policies.arns,
        tags=request.tags.tags,
        transitive_tags=request.tags.transitive,
        source_identity=request.source_identity,
        is_chained=is_chained,
    )
