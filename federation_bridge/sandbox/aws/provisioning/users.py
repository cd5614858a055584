"""IAM users and long-term keys."""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.provisioning.policies import Document, demand_name, text_of
from federation_bridge.sandbox.aws.state import (
    AccessKey,
    AccountState,
    State,
    User,
)


def add_user(
    state: State,
    account: AccountState,
    name: str,
    permissions: Mapping[str, Document] | None = None,
    tags: Mapping[str, str] | None = None,
) -> User:
    """A new IAM user with inline policies (IAM CreateUser)."""
    demand_name(name, "/", 64)
    policies = {key: parse_policy(text_of(document)) for key, document in (permissions or {}).items()}
    user = User(account.arn(f"user/{name}"), name, "/", state.new_id("AIDA", 17), state.now(), policies, (), tags or {})
    with state.lock:
        if name in account.users:
            raise Refused("EntityAlreadyExists", f"User with name {name} already exists.", 409)
        account.users[name] = user
    return user


def put_user(
    state: State, account: AccountState, name: str, permissions: Mapping[str, Document] | None = None
) -> AccessKey:
    """A new IAM user with inline policies, and a key pair of theirs."""
    return put_access_key(state, account, add_user(state, account, name, permissions).name)


def put_access_key(state: State, account: AccountState, user: str = "") -> AccessKey:
    """A new long-term key pair: of a user, or of the account's root."""
    key = AccessKey(state.new_id("AKIA"), state.new_secret(), account.id, user, state.now())
    with state.lock:
        state.access_keys[key.id] = key
    return key
