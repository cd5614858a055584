"""Who may let a device in (RFC 8628), as the operator has set it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from federation_bridge.aws_limits import SHORTEST_SESSION
from federation_bridge.errors import AccessDenied, NotSignedIn, SignInTooOld, UnauthorizedClient
from federation_bridge.model import Session
from federation_bridge.oauth.clients import Client
from federation_bridge.settings import CommandLine

_TO_BEGIN = timedelta(minutes=1)
"""How long it may take until the program asks for its first credentials, and AWS answers."""
_JUST_BEGUN = timedelta(minutes=1)

Administers = Callable[[], bool]
"""Whether the rules in force, and no older ones, give the person of this request a right to administer.

Asked only where something hangs on it; Unavailable where these rules cannot be had, SignInTooOld where the person has
to sign in as administration asks for it first.
"""


def nobody() -> bool:
    """No: for callers that let nobody in to administer."""
    return False


def check_may_administer(
    client: Client, session: Session, administers: Administers, within: timedelta, now: datetime
) -> None:
    """Nothing where the client does not administer, or where this person may let in one that does (ADR 41).

    AccessDenied; SignInTooOld where the provider has not seen them `within`.
    """
    if not client.administers:
        return
    if not administers():
        raise AccessDenied("the rules in force give the person no right to administer")
    if now - session.authenticated_at > within:
        raise SignInTooOld("the sign-in at the identity provider is older than sessions.administration")


def check_confirmed(session: Session) -> None:
    """Nothing for a sign-in that its person has confirmed; NotSignedIn for any other: it decides about nothing."""
    if not session.confirmed:
        raise NotSignedIn("the sign-in was not confirmed on a page of ours")


def check_lasts(session: Session, *, bounds_aws: bool, now: datetime) -> None:
    """Nothing where a program that is let in now could have an AWS session; SignInTooOld where the sign-in ends before.

    `bounds_aws`: whether AWS sessions end with the sign-in. Whoever has just signed in is not asked to do so again.
    """
    is_ending = session.ends_at - now < SHORTEST_SESSION + _TO_BEGIN
    if bounds_aws and is_ending and now - session.started_at > _JUST_BEGUN:
        raise SignInTooOld("the sign-in ends before the shortest session that AWS issues")


def check_may_approve(session: Session, flow: CommandLine, now: datetime) -> None:
    """Nothing where this person may let a device in.

    NotSignedIn for an unconfirmed sign-in, UnauthorizedClient where the flow is off for them, SignInTooOld.
    """
    identity = session.identity
    check_confirmed(session)
    if not flow.device_flow:
        raise UnauthorizedClient("the device flow is off")
    if flow.device_flow_connections is not None and identity.connection not in flow.device_flow_connections:
        raise UnauthorizedClient(f"the device flow is off for connection {identity.connection}")
    refused = flow.device_flow_refused_groups.get(identity.connection, ())
    if named := set(refused) & set(identity.groups.names):
        raise UnauthorizedClient(f"the device flow is off for group {min(named)!r}")
    if refused and identity.groups.why_incomplete:
        # Who is in too many groups to name them may be in one of those.
        raise UnauthorizedClient(f"the groups are not all known: {identity.groups.why_incomplete}")
    if now - session.authenticated_at > flow.fresh_sign_in:
        raise SignInTooOld("the sign-in at the identity provider is older than command_line.fresh_sign_in")
