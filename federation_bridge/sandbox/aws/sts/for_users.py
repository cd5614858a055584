"""GetSessionToken and GetFederationToken: sessions that rest on a user's (or root's) long-term keys (aws.md 10)."""

from __future__ import annotations

from datetime import timedelta

from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.answers import Value
from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.session_terms import packed_size, read_duration, read_tags
from federation_bridge.sandbox.aws.state import Session
from federation_bridge.sandbox.aws.sts.handing_out import Call, credentials_of, new_token, note_session, policies_of
from federation_bridge.sandbox.aws.sts.with_role import NAME

_DEFAULT, _LONGEST_SECONDS = timedelta(hours=12), 129_600
_LONGEST_OF_ROOT = timedelta(hours=1)


def get_session_token(call: Call, caller: Caller) -> dict[str, Value]:
    """A session with the caller's own permissions."""
    _demand_long_term(caller, "GetSessionToken")
    parameters = call.parameters
    duration = _duration(call, caller)
    if parameters.optional("SerialNumber", 9, 256) or parameters.optional("TokenCode", 6, 6):
        raise Refused("AccessDenied", "MultiFactorAuthentication failed, unable to validate MFA code.", 403)
    state, now = call.state, call.wire.received_at
    session = Session(
        kind="session-token",
        access_key_id=state.new_id("ASIA"),
        secret=state.new_secret(),
        token=new_token(state),
        account_id=caller.account_id,
        arn=caller.arn,
        user_id=caller.user_id,
        issued_at=now,
        expires_at=now + duration,
        user=caller.user,
    )
    state.admit(session)
    note_session(call.trail, session)
    return {"Credentials": credentials_of(session)}


def get_federation_token(call: Call, caller: Caller) -> dict[str, Value]:
    """A session for somebody whom the caller vouches for: what the caller may, cut down by the session policies."""
    _demand_long_term(caller, "GetFederationToken")
    name = call.parameters.required("Name", 2, 32, NAME)
    duration = _duration(call, caller)
    account = call.state.accounts[caller.account_id]
    tags = read_tags(call.parameters.tags(), ())
    arn = f"arn:{account.partition}:sts::{account.id}:federated-user/{name}"
    context = {**context_keys.of_request(call.wire, call.region), **context_keys.of_request_tags(tags)}
    for action in ("sts:GetFederationToken", *(("sts:TagSession",) if tags.tags else ())):
        caller.demand(action, arn, context)
    policies = policies_of(call, account)
    size = packed_size(policies, tags)
    state, now = call.state, call.wire.received_at
    session = Session(
        kind="federated-user",
        access_key_id=state.new_id("ASIA"),
        secret=state.new_secret(),
        token=new_token(state),
        account_id=account.id,
        arn=arn,
        user_id=f"{account.id}:{name}",
        issued_at=now,
        expires_at=now + duration,
        user=caller.user,
        policy=policies.inline,
        policy_arns=policies.arns,
        tags=tags.tags,
    )
    state.admit(session)
    call.trail.request = {"name": name, "durationSeconds": int(duration.total_seconds())}
    note_session(call.trail, session)
    return {
        "Credentials": credentials_of(session),
        "FederatedUser": {"Arn": arn, "FederatedUserId": session.user_id},
        "PackedPolicySize": size,
    }


def _demand_long_term(caller: Caller, action: str) -> None:
    if caller.session is not None:
        raise Refused("AccessDenied", f"Cannot call {action} with session credentials", 403)


def _duration(call: Call, caller: Caller) -> timedelta:
    duration = read_duration(call.parameters.optional("DurationSeconds"), _LONGEST_SECONDS) or _DEFAULT
    return min(duration, _LONGEST_OF_ROOT) if caller.identity_policies is None else duration
