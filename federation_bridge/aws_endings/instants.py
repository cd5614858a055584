"""The instant of an end: sessions issued before it are denied. It lies after all that AWS may still issue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from federation_bridge.aws.console import LINK_LIVES
from federation_bridge.model import CHAINED, REDEEMABLE, LiveGrant

LEAD = timedelta(seconds=30)
"""How far ahead a deny lies at least: as long as AWS's own console gives a policy to arrive everywhere."""


def not_before(now: datetime, lives: Iterable[LiveGrant], answer_time: timedelta) -> datetime:
    """The instant, in whole seconds, from which on an end that is decided now denies no new session.

    It lies after the end of every statement and sign-in link that was handed out, and after the last answer that STS
    may still give. So a session that begins later with one of these is denied as well.
    """
    return whole_second(max(now + LEAD, issuing_until(lives, answer_time)))


def issuing_until(lives: Iterable[LiveGrant], answer_time: timedelta) -> datetime:
    """Until when a session may begin for any of these grants."""
    return max((_issuing_until(one, answer_time) for one in lives), default=datetime.min.replace(tzinfo=UTC))


def _issuing_until(live: LiveGrant, answer_time: timedelta) -> datetime:
    if live.is_handed_over:
        # AWS does not say whether the session of a link is issued with its credentials or when it is opened: the later
        # one counts. A line without a key may be of a link too. STS answers first, then the sign-in service.
        return live.made_at + max(REDEEMABLE, 2 * answer_time + LINK_LIVES)
    # Its key is known: it was issued, and no other will be.
    return live.made_at if live.access_key_id else live.made_at + answer_time


def longest_after(instant: datetime, lives: Iterable[LiveGrant]) -> timedelta:
    """For how long after `instant` something that was issued before can be alive.

    No grant lives longer than the ledger says. What was assumed with one, before `instant` too, lives an hour at most.
    """
    return max([CHAINED, *(one.over_at - instant for one in lives)])


def whole_second(instant: datetime) -> datetime:
    """The same, or the next whole second."""
    cut = instant.replace(microsecond=0)
    return cut if cut == instant else cut + timedelta(seconds=1)
