"""The latest end of an AWS session: what is requested from AWS, and what its answer is compared with.

STS counts DurationSeconds from the moment at which it answers, which may be long after the decision. A length alone
therefore never guarantees an end; each provider type has its own means, and the answer is always compared.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from federation_bridge.aws_limits import SHORTEST_SESSION
from federation_bridge.errors import AnswerNotGranted, RoleWithheld, SignInAgain
from federation_bridge.model import REDEEMABLE, Grant

_ROUNDING = timedelta(seconds=1)
"""AWS tells instants in whole seconds."""

_TOLERANCE = timedelta(minutes=5)
"""How far our clock and AWS's may differ before a session counts as longer than was asked for."""


def asked_seconds(grant: Grant, now: datetime, answer_time: timedelta) -> int:
    """DurationSeconds for a call that is made now and answered within `answer_time` (STS API).

    On the SAML road the statement's SessionNotOnOrAfter keeps the end of rule and sign-in. On the OIDC road nothing but
    this number does, so the time in which AWS may still answer is taken off. RoleWithheld or SignInAgain where less is
    left than AWS issues.
    """
    duration = grant.duration
    if grant.ends_at is not None and grant.account.road == "oidc":
        duration = min(duration, grant.ends_at - now - answer_time)
        if duration < SHORTEST_SESSION:
            told = "ends before the shortest session that AWS issues, counted from its answer"
            if grant.cap == "session":
                raise SignInAgain(f"the sign-in {told}", is_over=True)
            raise RoleWithheld(f"the rule {told}")
    return int(duration.total_seconds())


def session_not_on_or_after(grant: Grant) -> datetime:
    """The end that an assertion names for its session: the granted length from the decision on, whenever it is signed,
    and never past the end of rule and sign-in.
    """
    end = (grant.decided_at + grant.duration).replace(microsecond=0)
    return end if grant.ends_at is None else min(end, grant.ends_at.replace(microsecond=0))


def latest_end(grant: Grant) -> datetime:
    """The latest end that a session of this grant can have, whoever redeems its statement, and when.

    An assertion names the end itself. For a token AWS counts from its answer, and takes the token for `REDEEMABLE`.
    """
    end = grant.decided_at + grant.duration
    return end if grant.account.road == "saml" else end + REDEEMABLE


def told_end(grant: Grant, expires_at: datetime) -> datetime:
    """The end that the holder of the credentials is told: what AWS answered, never past what was granted.

    Credentials cannot be shortened, so AnswerNotGranted where the session would outlive its rule or its sign-in, or was
    issued for longer than it was asked for: then nothing is handed over.
    """
    granted_until = grant.decided_at + grant.duration
    limits = [(granted_until + _TOLERANCE, f"the end that was granted, {granted_until}")]
    if grant.ends_at is not None:
        limits.append((grant.ends_at + _ROUNDING, f"the end of the rule or of the sign-in, {grant.ends_at}"))
    limit, granted = min(limits)
    if expires_at > limit:
        raise AnswerNotGranted(
            f"STS issued a session until {expires_at}, which is after {granted}: its credentials are handed to nobody. "
            "STS answered late, or the bridge's clock is wrong"
        )
    return min(expires_at, granted_until)
