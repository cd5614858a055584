"""Registered accounts, plain and with every sign that a role may have, and their plans."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aws_factories import ENTITY_ID, ISSUER, key_ring
from local_aws_factories import ACCOUNT

from federation_bridge.aws import issuer
from federation_bridge.aws.onboarding import AccountPlan, Additions, planned
from federation_bridge.model import Account, Role

AUDIT = Role("Audit", path="/people/")
ROLES = {"Admin": Role("Admin", max_session=timedelta(hours=4)), "Audit": AUDIT}
REVOKING = ("federation-bridge-revoker", "federation-bridge-revocations")
READ_ONLY = {"Audit": ("arn:{partition}:iam::aws:policy/ReadOnlyAccess",)}
HOSTILE = (
    "$${x}",
    "%$${",
    "$(touch.x)",
    "a'b",
    'a"b',
    "${x}",
    "%{x}",
    "a`id`b",
    "a;b",
    "a\\b",
    "a|b&c",
    "#x",
    "<x>",
    "$$",
    "!x",
)


def registered(road: str = "saml", number: str = ACCOUNT, partition: str = "aws", **changes: Any) -> Account:
    name = "saml-provider/Ours" if road == "saml" else "oidc-provider/bridge.example.com"
    arn = f"arn:{partition}:iam::{number}:{name}"
    return replace(Account(number, f"Account {number}", partition, arn, "us-east-1", ROLES), **changes)


def plan(account: Account, **additions: Any) -> AccountPlan:
    metadata = issuer.saml_metadata(key_ring(), ENTITY_ID, ISSUER).decode()
    return planned(
        account, entity_id=ENTITY_ID, issuer=ISSUER, metadata=metadata, additions=Additions(**additions)
    )  # fmt: skip


def hostile() -> Account:
    """Paths hold every sign of a shell and of templates; names are narrower, and may begin with a dash."""
    roles = {f"-r{n}": Role(f"-r{n}", path=f"/{path}/") for n, path in enumerate(HOSTILE)}
    return registered(roles={**roles, "-@=": Role("-@=")})
