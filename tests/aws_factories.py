"""A grant, an account and a key as the tests of the AWS side need them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sealed_keys_in_memory import SealedKeysInMemory

from federation_bridge.model import Account, AwsCredentials, Grant, Role
from federation_bridge.signing import KeyRing, Purpose, SigningKey

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ENTITY_ID = "https://bridge.example.com/saml/metadata"
ISSUER = "https://bridge.example.com"
ACCOUNT_ID = "123456789012"

CREDENTIALS = AwsCredentials(
    access_key_id="ASIAEXAMPLEEXAMPLE12",
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token="IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQD=",
    expires_at=NOW + timedelta(hours=1),
    account_id=ACCOUNT_ID,
    role="Admin",
    region="eu-central-1",
    assumed_role_arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/Admin/alice@example.com",
)


@lru_cache(maxsize=1)
def key_ring() -> KeyRing:
    """One for all tests, with a key of its own for each purpose: keys that are made later may come again."""
    made = KeyRing(bytes(range(32)), SealedKeysInMemory(), lambda: NOW, "bridge.example.com")
    for purpose in Purpose:
        made.current(purpose)
    return made


def signing_key(purpose: Purpose = Purpose.AWS_SAML) -> SigningKey:
    return key_ring().current(purpose)


def account(road: str = "saml", partition: str = "aws", **changes: Any) -> Account:
    provider = "saml-provider/Bridge" if road == "saml" else "oidc-provider/bridge.example.com"
    made = Account(
        id=ACCOUNT_ID,
        name="Production",
        partition=partition,
        provider_arn=f"arn:{partition}:iam::{ACCOUNT_ID}:{provider}",
        region="eu-central-1",
        roles={"Admin": Role("Admin"), "Audit": Role("Audit", path="/people/")},
    )
    return replace(made, **changes)


def grant(road: str = "saml", **changes: Any) -> Grant:
    made = Grant(
        id="_0123456789abcdef0123456789abcdef01234567",
        person="okta/00u1a2b3c4",
        account=account(road),
        role="Admin",
        duration=timedelta(hours=1),
        decided_at=NOW,
        session_name="alice@example.com",
        source_identity="alice",
        tags={},
        transitive_tags=(),
        policy_arns=(),
        policy=None,
        rule="admins",
        rules_version="v1",
        because=("in group admins",),
    )
    return replace(made, **changes)
