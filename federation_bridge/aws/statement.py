"""A statement: what we sign for one grant, and the limits of AWS that hold for it on either road."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws_limits import (
    LONGEST_SESSION,
    MOST_TAGS,
    SHORTEST_SESSION,
    source_identity_mistake,
    tag_key_mistake,
    tag_value_mistake,
)
from federation_bridge.errors import OutsideAwsLimits
from federation_bridge.model import Grant

LIFE = timedelta(minutes=5)
"""STS takes an assertion for five minutes after its IssueInstant."""
_TELLING, _SHOWN_OF_A_KEY = 3, 40
"""So many of a statement's longest tags are named where it is too long."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Signed, for one person and one role, good for five minutes. Whoever holds `text` can redeem it."""

    text: str = field(repr=False)
    """Base64 of a SAML Response, or a compact JWT."""
    id: str
    """Assertion ID or `jti`: the same as the grant's, and what CloudTrail shows."""
    ends_at: datetime


def check_terms(grant: Grant) -> None:
    """Refuses a grant whose terms AWS would not take or would read otherwise; OutsideAwsLimits says which.

    The rules and the register are checked when they are loaded, but tags and names are filled from claims: whatever
    comes in that way is held against AWS's limits here, before anything is signed.
    """
    _check_place(grant)
    for what, name in (("session name", grant.session_name), ("source identity", grant.source_identity)):
        if mistake := source_identity_mistake(name):
            raise OutsideAwsLimits(f"the {what} {name!r} {mistake}")
    if not SHORTEST_SESSION <= grant.duration <= LONGEST_SESSION or grant.duration.microseconds:
        raise OutsideAwsLimits(f"a session of {grant.duration} is not between 15 minutes and 12 hours in whole seconds")
    check_tags(grant.tags, grant.transitive_tags)


def check_tags(tags: Mapping[str, str], transitive: tuple[str, ...]) -> None:
    """Refuses session tags outside AWS's limits (IAM: tagging in STS); OutsideAwsLimits says which one and why."""
    if len(tags) > MOST_TAGS:
        raise OutsideAwsLimits(f"{len(tags)} session tags; AWS takes {MOST_TAGS}")
    if len({key.casefold() for key in tags}) != len(tags):
        raise OutsideAwsLimits("two session tags differ only in the case of their keys; AWS takes them for one")
    for key, value in tags.items():
        if mistake := tag_key_mistake(key):
            raise OutsideAwsLimits(f"the key {key!r} of a session tag {mistake}")
        if mistake := tag_value_mistake(value):
            raise OutsideAwsLimits(f"the value {value!r} of the session tag {key!r} {mistake}")
    if not set(transitive) <= set(tags) or len(set(transitive)) != len(transitive):
        raise OutsideAwsLimits("a transitive tag key is missing from the session's tags, or appears twice")


def _check_place(grant: Grant) -> None:
    account = grant.account
    if account.partition not in PARTITIONS:
        raise OutsideAwsLimits(f"there is no partition {account.partition!r}")
    kind = "saml-provider" if account.road == "saml" else "oidc-provider"
    if not account.provider_arn.startswith(f"arn:{account.partition}:iam::{account.id}:{kind}/"):
        raise OutsideAwsLimits(f"the provider {account.provider_arn} is not one of account {account.id}")
    if grant.role not in account.roles:
        raise OutsideAwsLimits(f"the role {grant.role!r} is not registered in account {account.id}")


def check_length(what: str, text: str, most: int, grant: Grant) -> None:
    """Refuses a statement that is longer than STS takes; OutsideAwsLimits names the limit and what makes it long."""
    if len(text) <= most:
        return
    sizes = sorted(((len(f"{key}{value}".encode()), key) for key, value in grant.tags.items()), reverse=True)
    longest = ", ".join(f"{key[:_SHOWN_OF_A_KEY]!r} ({size})" for size, key in sizes[:_TELLING])
    made = f"its {len(sizes)} session tags have {sum(size for size, _ in sizes)} bytes, most of all {longest}"
    raise OutsideAwsLimits(
        f"the {what} has {len(text)} characters, and AWS takes {most} at most; "
        + (made if sizes else "it has no session tags, so the names of account, role and provider make it long")
        + "; AWS was not asked"
    )
