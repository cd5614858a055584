"""Changes of what a role or a policy allows, and who has heard of them: at AWS they take their time to arrive."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from federation_bridge.sandbox.aws.managed_policies import ManagedPolicy

if TYPE_CHECKING:
    from federation_bridge.sandbox.aws.state import AccountState, Role, State

_LONGEST_PROPAGATION = timedelta(hours=1)

Changing = TypeVar("Changing", "Role", ManagedPolicy)


def as_heard_of(one: Changing, known_until: datetime) -> Changing:
    """As those see it who have heard of changes up to this instant only."""
    while one.before and one.changed_at and one.changed_at > known_until:
        one = one.before
    return one


def change_role(state: State, account: AccountState, role: Role, **changes: Any) -> None:
    """Changes what a role may; who decides about calls hears of it after the propagation."""
    now = state.now()
    before = replace(role, before=None) if _is_long_ago(role.changed_at, now) else role
    account.roles[role.name] = replace(role, **changes, changed_at=now, before=before)


def change_policy(state: State, account: AccountState, present: ManagedPolicy, **changes: Any) -> ManagedPolicy:
    """The same for a managed policy."""
    now = state.now()
    before = replace(present, before=None) if _is_long_ago(present.updated_at, now) else present
    changed = replace(present, **changes, updated_at=now, before=before)
    account.policies[present.arn] = changed
    return changed


def _is_long_ago(changed_at: datetime | None, now: datetime) -> bool:
    """Whether everybody has heard of it: what was before need not be kept."""
    return changed_at is None or now - changed_at > _LONGEST_PROPAGATION
