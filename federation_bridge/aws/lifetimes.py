"""How long an AWS session may last at the latest: what is asked of AWS, and what its answer is held against.

STS counts DurationSeconds from the moment at which it answers, which may be long after the decision. A length alone
therefore never keeps a rule's end; each road has its own means, and the answer is compared on both.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from federation_bridge.aws_limits import SHORTEST_SESSION
from federation_bridge.errors import AnswerNotGranted, RoleWithheld
from federation_bridge.model import Grant

_ROUNDING = timedelta(seconds=1)
"""AWS tells instants in whole seconds."""

_TOLERANCE = timedelta(minutes=5)
"""How far our clock and AWS's may differ before a session counts as longer than was asked for."""


def asked_seconds(grant: Grant, now: datetime, answer_time: timedelta) -> int:
    """DurationSeconds for a call that is made now and answered within `answer_time` (STS API).

    On the SAML road the statement's SessionNotOnOrAfter keeps a rule's end. On the OIDC road nothing but this number
    does, so the time in which AWS may still answer is taken off. RoleWithheld where less is left than AWS sells.
    """
    duration = grant.duration
    if grant.ends_at is not None and grant.account.road == "oidc":
        duration = min(duration, grant.ends_at - now - answer_time)
        if duration < SHORTEST_SESSION:
            raise RoleWithheld("the rule ends before the shortest session that AWS sells, counted from its answer")
    return int(duration.total_seconds())


def session_not_on_or_after(grant: Grant, now: datetime) -> datetime:
    """The end that an assertion signed now names for its session: the granted length, never past the rule's end."""
    end = now + grant.duration
    return end if grant.ends_at is None else min(end, grant.ends_at.replace(microsecond=0))


def told_end(grant: Grant, expires_at: datetime) -> datetime:
    """The end that the holder of the credentials is told: what AWS answered, never past what was granted.

    Credentials cannot be shortened, so AnswerNotGranted where the session would outlive its rule, or was sold for
    longer than it was asked for: then nothing is handed over.
    """
    granted_until = grant.decided_at + grant.duration
    limit = granted_until + _TOLERANCE if grant.ends_at is None else grant.ends_at + _ROUNDING
    if expires_at > limit:
        granted = f"the rule's end {grant.ends_at}" if grant.ends_at else f"the end that was granted, {granted_until}"
        raise AnswerNotGranted(
            f"STS sold a session until {expires_at}, which is after {granted}: its credentials are handed to nobody. "
            "STS answered late, or the bridge's clock is wrong"
        )
    return min(expires_at, granted_until)
