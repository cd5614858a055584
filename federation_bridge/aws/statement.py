"""A statement: what we sign for one grant, and the limits of AWS that hold for it on either road."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws.session_names import LEGAL
from federation_bridge.errors import AwsRefused
from federation_bridge.model import Grant

LIFE = timedelta(minutes=5)
"""STS takes an assertion for five minutes after its IssueInstant."""

SHORTEST = timedelta(seconds=900)
"""The least that STS sells (DurationSeconds)."""
_LONGEST = timedelta(seconds=43_200)
_TAGS, _TAG_KEY, _TAG_VALUE = 50, 128, 256
_TAG_PUNCTUATION = frozenset("_.:/=+-@")


@dataclass(frozen=True, slots=True)
class Statement:
    """Signed, for one person and one role, good for five minutes. Whoever holds `text` can redeem it."""

    text: str = field(repr=False)
    """Base64 of a SAML Response, or a compact JWT."""
    id: str
    """Assertion ID or `jti`: the same as the grant's, and what CloudTrail shows."""
    ends_at: datetime


def check_terms(grant: Grant) -> None:
    """Refuses a grant whose terms AWS would not take or would read otherwise; AwsRefused says which.

    The rules and the register are checked when they are loaded, but tags and names are filled from claims: whatever
    comes in that way is held against AWS's limits here, before anything is signed.
    """
    _check_place(grant)
    for what, name in (("session name", grant.session_name), ("source identity", grant.source_identity)):
        if not LEGAL.fullmatch(name):
            raise AwsRefused(f"the {what} {name!r} is not 2 to 64 of a-z A-Z 0-9 _ + = , . @ -")
    if not SHORTEST <= grant.duration <= _LONGEST or grant.duration.microseconds:
        raise AwsRefused(f"a session of {grant.duration} is not between 15 minutes and 12 hours in whole seconds")
    check_tags(grant.tags, grant.transitive_tags)


def check_tags(tags: Mapping[str, str], transitive: tuple[str, ...]) -> None:
    """Refuses session tags outside AWS's limits (IAM: tagging in STS); AwsRefused says which one and why."""
    if len(tags) > _TAGS:
        raise AwsRefused(f"{len(tags)} session tags; AWS takes {_TAGS}")
    if len({key.casefold() for key in tags}) != len(tags):
        raise AwsRefused("two session tags differ only in the case of their keys; AWS takes them for one")
    for key, value in tags.items():
        if not key or _tag_fault(key, _TAG_KEY) or _tag_fault(value, _TAG_VALUE):
            fault = _tag_fault(key, _TAG_KEY) or _tag_fault(value, _TAG_VALUE) or "has no key"
            raise AwsRefused(f"the session tag {key[:_TAG_KEY]!r} {fault}")
    if not set(transitive) <= set(tags) or len(set(transitive)) != len(transitive):
        raise AwsRefused("a transitive tag key is none of the session's tags, or stands twice")


def _check_place(grant: Grant) -> None:
    account = grant.account
    if account.partition not in PARTITIONS:
        raise AwsRefused(f"there is no partition {account.partition!r}")
    kind = "saml-provider" if account.road == "saml" else "oidc-provider"
    if not account.provider_arn.startswith(f"arn:{account.partition}:iam::{account.id}:{kind}/"):
        raise AwsRefused(f"the provider {account.provider_arn} is not one of account {account.id}")
    if grant.role not in account.roles:
        raise AwsRefused(f"the role {grant.role!r} is not registered in account {account.id}")


def _tag_fault(text: str, longest: int) -> str | None:
    if len(text) > longest:
        return f"holds more than {longest} characters"
    if text.casefold().startswith("aws:"):
        return "begins with aws:, which AWS keeps for itself"
    if text != text.strip():
        return "begins or ends with a blank"
    if any(unicodedata.category(char)[0] not in "LZN" and char not in _TAG_PUNCTUATION for char in text):
        return "holds a character that AWS does not take (letters, digits, blanks and _.:/=+-@)"
    return None
