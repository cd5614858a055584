"""Names and policies, held to IAM's rules; managed policies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from federation_bridge.sandbox.aws.error_responses import Refused, no_such_entity, validation_error
from federation_bridge.sandbox.aws.managed_policies import ManagedPolicy
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.state import (
    AccountState,
    State,
)

Document = str | Mapping[str, Any]
"""A policy as JSON text, or as the mapping that it stands for."""

_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_LONGEST_POLICY = 6_144
_PATH = re.compile(r"/([\x21-\x7e]{1,510}/)?")


def text_of(document: Document) -> str:
    """A policy document as JSON text."""
    return document if isinstance(document, str) else json.dumps(document)


def demand_name(name: str, path: str, longest: int = 128) -> None:
    """Refused unless IAM takes this name, and this path."""
    if not _NAME.fullmatch(name) or len(name) > longest:
        raise validation_error("The specified value for the name is invalid. It must contain only [\\w+=,.@-].")
    if not _PATH.fullmatch(path):
        raise validation_error("The specified value for path is invalid.")


def significant_length(text: str) -> int:
    """Characters of a policy as quotas count them: without whitespace."""
    return sum(not one.isspace() for one in text)


def demand_size(text: str) -> None:
    """Refused for a managed policy that is too long."""
    if significant_length(text) > _LONGEST_POLICY:
        raise Refused("LimitExceeded", f"Cannot exceed quota for PolicySize: {_LONGEST_POLICY}", 409)


def demand_policy(state: State, account: AccountState, arn: str) -> None:
    """Refused unless there is such a managed policy."""
    if state.managed_policy(account, arn) is None:
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")


def put_policy(
    state: State, account: AccountState, name: str, document: Document, *, path: str = "/", description: str = ""
) -> ManagedPolicy:
    """A new customer managed policy (IAM CreatePolicy)."""
    demand_name(name, path)
    demand_size(text_of(document))
    policy = ManagedPolicy(
        account.arn(f"policy{path}{name}"),
        name,
        path,
        state.new_id("ANPA", 17),
        parse_policy(text_of(document)),
        state.now(),
        description,
    )
    with state.lock:
        if policy.arn in account.policies:
            raise Refused("EntityAlreadyExists", f"A policy called {name} already exists.", 409)
        account.policies[policy.arn] = policy
    return policy
