"""Statements of policies that stand in an account, however they are written down. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from federation_bridge.aws.revocations import ALLOW_ALL


def statements_of(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Its statements; IAM takes a single one without a list."""
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return [one for one in listed if isinstance(one, dict)]


def allows_all(statement: Mapping[str, Any]) -> bool:
    """Whether a statement allows everything, however it is written down."""
    named = {key: value for key, value in statement.items() if key != "Sid"}
    plain = {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in named.items()}
    return plain == ALLOW_ALL
