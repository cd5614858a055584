"""The terms of a session that several STS calls share: names, tags, session policies, packed size, duration."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from federation_bridge.sandbox.aws.error_responses import Refused, constraint_failed, malformed_policy, validation_error
from federation_bridge.sandbox.aws.policy.document import Policy, parse_policy
from federation_bridge.sandbox.aws.state import AccountState, Role, State

_ALL = 100
"""Percent."""

NAME = re.compile(r"[a-zA-Z_0-9+=,.@-]{2,64}")
"""RoleSessionName and SourceIdentity."""

DEFAULT_DURATION = timedelta(hours=1)
SHORTEST, LONGEST = 900, 43_200
_MAX_POLICY_CHARACTERS = 2_048
_MAX_POLICY_ARNS = 10
_MAX_TAGS = 50
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_TAG_LETTER = re.compile(r"[\w.:/=+\-@]")
_SEPARATORS = ("Zs", "Zl", "Zp")
_PACKED_BUDGET = 1_024
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class SessionTags:
    """Session tags, and which of them are passed on to chained sessions."""

    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionPolicies:
    """What narrows a session: an inline policy, and managed ones by ARN."""

    inline: Policy | None = None
    arns: tuple[str, ...] = ()


def read_tags(pairs: Iterable[tuple[str, str]], transitive: Iterable[str]) -> SessionTags:
    """Tags that hold AWS's limits; Refused otherwise. Keys that differ only in case are the same key."""
    listed, passed_on = list(pairs), tuple(transitive)
    if len(listed) > _MAX_TAGS or len(passed_on) > _MAX_TAGS:
        raise constraint_failed(f"[{len(listed)} tags]", "tags", "Member must have length less than or equal to 50")
    folded = [key.casefold() for key, _ in listed]
    if len(folded) != len(set(folded)):
        raise Refused(
            "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    for key, value in listed:
        if not key or not is_tag_text(key, _LONGEST_KEY) or not is_tag_text(value, _LONGEST_VALUE):
            raise constraint_failed(
                key, "tags", r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+"
            )
        if key.lower().startswith("aws:") or value.lower().startswith("aws:"):
            raise validation_error("Tag keys and values must not begin with aws:")
    unknown = [key for key in passed_on if key.casefold() not in folded]
    if unknown:
        raise Refused("InvalidParameterValue", f"The specified transitive tag key {unknown[0]} is not a session tag.")
    return SessionTags(dict(listed), passed_on)


def is_tag_text(text: str, longest: int) -> bool:
    r"""Whether AWS takes this as a key or value: `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`, at most so long."""
    return len(text) <= longest and all(
        _TAG_LETTER.fullmatch(one) or unicodedata.category(one) in _SEPARATORS for one in text
    )


def read_session_policies(
    policy: str | None, arns: tuple[str, ...], account: AccountState, state: State
) -> SessionPolicies:
    """Session policies that hold AWS's limits; the ARNs must exist in the role's account."""
    if len(arns) > _MAX_POLICY_ARNS:
        raise constraint_failed(f"[{len(arns)} ARNs]", "policyArns", "Member must have length less than or equal to 10")
    if len(policy or "") + sum(map(len, arns)) > _MAX_POLICY_CHARACTERS:
        raise constraint_failed(
            policy or str(list(arns)), "policy", "Member must have length less than or equal to 2048"
        )
    for arn in arns:
        if state.managed_policy(account, arn) is None:
            raise malformed_policy(f"The policy {arn} does not exist or is not attachable.")
    return SessionPolicies(None if policy is None else parse_policy(policy), arns)


def packed_size(policies: SessionPolicies, tags: SessionTags, context: str = "") -> int:
    """A stand-in for AWS's unpublished packed size, in percent: compressed length over a fixed budget.

    Refused (PackedPolicyTooLarge) over 100.
    """
    text = policies.inline.text if policies.inline else ""
    parts = [text, *policies.arns, *(f"{key}={value}" for key, value in tags.tags.items()), context]
    size = -(-_ALL * (len(zlib.compress("\n".join(parts).encode(), 9)) - 8) // _PACKED_BUDGET)
    if size > _ALL:
        raise Refused(
            "PackedPolicyTooLarge", f"Packed policy consumes {size}% of allotted space, please use smaller policy."
        )
    return size


def read_duration(text: str | None, longest: int = LONGEST) -> timedelta | None:
    """The DurationSeconds parameter, within the model's limits; None when it was not sent."""
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise Refused("MalformedInput", "DurationSeconds is not a number")
    seconds = int(text)
    if seconds < SHORTEST:
        raise constraint_failed(text, "durationSeconds", f"Member must have value greater than or equal to {SHORTEST}")
    if seconds > longest:
        raise constraint_failed(text, "durationSeconds", f"Member must have value less than or equal to {longest}")
    return timedelta(seconds=seconds)


def demand_within_role(duration: timedelta | None, role: Role) -> None:
    """Refused when the call asks for more than the role's MaxSessionDuration."""
    if duration is not None and duration > role.max_session:
        raise validation_error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def session_end(now: datetime, duration: timedelta | None, *caps: timedelta | None) -> datetime:
    """When the session ends: the asked (or the default) duration, shortened by every cap that is set."""
    spans = [duration or DEFAULT_DURATION, *(cap for cap in caps if cap is not None)]
    return now + min(spans)
