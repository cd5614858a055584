"""Roles of an account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from federation_bridge.sandbox.aws.error_responses import Refused, validation_error
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.provisioning.policies import Document, demand_name, demand_policy, text_of
from federation_bridge.sandbox.aws.state import (
    AccountState,
    Role,
    State,
)
from federation_bridge.sandbox.aws.trust import demand_trust_policy

_LONGEST_ROLE_NAME = 64
_LONGEST_TRUST = 4_096
_SHORTEST_MAX, _LONGEST_MAX = timedelta(hours=1), timedelta(hours=12)


def put_role(  # noqa: PLR0913 - IAM's own parameters
    state: State,
    account: AccountState,
    name: str,
    trust: Document,
    *,
    permissions: Mapping[str, Document] | None = None,
    attached: Iterable[str] = (),
    max_session: timedelta = _SHORTEST_MAX,
    path: str = "/",
    description: str = "",
    tags: Mapping[str, str] | None = None,
    boundary: str = "",
) -> Role:
    """A new role (IAM CreateRole, with its inline policies at once)."""
    demand_name(name, path, _LONGEST_ROLE_NAME)
    demand_max_session(max_session)
    if boundary:
        demand_policy(state, account, boundary)
    role = Role(
        account.arn(f"role{path}{name}"),
        name,
        path,
        state.new_id("AROA", 17),
        trust_policy(text_of(trust)),
        state.now(),
        max_session,
        description,
        {key: parse_policy(text_of(document)) for key, document in (permissions or {}).items()},
        tuple(attached),
        tags or {},
        boundary,
    )
    with state.lock:
        if name in account.roles:
            raise Refused("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
        account.roles[name] = role
    return role


def trust_policy(text: str) -> Any:
    """A trust policy as IAM takes it."""
    if len(text) > _LONGEST_TRUST:
        raise Refused("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 4096", 409)
    policy = parse_policy(text, "trust")
    demand_trust_policy(policy)
    return policy


def demand_max_session(span: timedelta) -> None:
    """Refused unless a role's MaxSessionDuration may be this."""
    if not _SHORTEST_MAX <= span <= _LONGEST_MAX:
        raise validation_error(
            f"1 validation error detected: Value '{int(span.total_seconds())}' at 'maxSessionDuration' failed to "
            "satisfy constraint: Member must have value between 3600 and 43200"
        )
