"""When the person was authenticated: whether the provider did what a setting or a step-up asked of it. Both protocols.

ForceAuthn, `prompt` and `max_age` only ask: an answer that was made of an old session looks like any other. So
the instant that the provider states (SAML core 2.7.2 AuthnInstant, OpenID Connect Core 2 `auth_time`) is held to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from federation_bridge.errors import NotAuthenticatedAsAsked, SignInRejected

LONGEST_SESSION = timedelta(days=3653)
"""No session at an identity provider is older: the year 1 or 1970 is what a program says that does not know."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What was asked about the authentication of one sign-in."""

    now: datetime
    skew: timedelta
    is_anew: bool
    """Whether the provider was asked to authenticate the person again."""
    left_at: datetime | None
    """When the browser left; None: nobody left from here."""
    max_age: timedelta | None = None
    """How long ago the authentication may be, by the connection's settings."""
    ahead: timedelta = timedelta(0)
    """How far the stated instant may lie ahead where nothing was asked of it; at least the skew."""
    longest_session: timedelta = LONGEST_SESSION

    @property
    def is_asked(self) -> bool:
        """Whether anything was asked about the time of the authentication."""
        return self.is_anew or self.max_age is not None


def ahead_of_us(what: str, stated: datetime, now: datetime, allowed: timedelta) -> str:
    """What a refusal says of an instant that lies further ahead of our clock than is let pass."""
    return (
        f"{what}: {stated.isoformat()} lies in the future: here it is {now.isoformat()}, and"
        f" {allowed.total_seconds():g} s ahead are let pass"
    )


def check_authentication(authenticated_at: datetime | None, demand: Demand) -> None:
    """Passes if the stated instant is possible and fulfils the demand; SignInRejected says what does not.

    An instant that is missing fulfils nothing that was asked.
    """
    if authenticated_at is None:
        if demand.is_asked:
            told = "authentication: its time was asked for and is missing (auth_time, AuthnInstant)"
            raise (NotAuthenticatedAsAsked if demand.is_anew else SignInRejected)(told)
        return
    latest = demand.now + (demand.skew if demand.is_asked else max(demand.skew, demand.ahead))
    if authenticated_at > latest:
        raise SignInRejected(ahead_of_us("authentication", authenticated_at, demand.now, latest - demand.now))
    if authenticated_at < demand.now - demand.longest_session:
        raise SignInRejected(
            f"authentication: {authenticated_at.isoformat()} is no time of this session: here it is"
            f" {demand.now.isoformat()}, and no session lasts longer than {demand.longest_session.days} days"
        )
    if demand.is_anew and not _is_anew(authenticated_at, demand):
        left_at = "never" if demand.left_at is None else f"at {demand.left_at.isoformat()}"
        raise NotAuthenticatedAsAsked(
            f"authentication: asked for anew, and it was at {authenticated_at.isoformat()}; the browser left {left_at},"
            f" and {demand.skew.total_seconds():g} s are let pass"
        )
    if demand.max_age is not None and demand.now - authenticated_at > demand.max_age + demand.skew:
        raise SignInRejected(
            f"authentication: at {authenticated_at.isoformat()}, longer ago than `max_age`"
            f" ({demand.max_age.total_seconds():g} s) allows: here it is {demand.now.isoformat()}, and"
            f" {demand.skew.total_seconds():g} s are let pass"
        )


def _is_anew(authenticated_at: datetime, demand: Demand) -> bool:
    # Providers cut the instant to whole seconds, so ours is cut as well.
    return demand.left_at is not None and authenticated_at >= demand.left_at.replace(microsecond=0) - demand.skew
