"""Whether a sign-in lasts long enough for the AWS sessions that end with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from federation_bridge.aws.sts import answer_time
from federation_bridge.aws_limits import SHORTEST_SESSION
from federation_bridge.durations import format_duration
from federation_bridge.mapping import Register
from federation_bridge.model import REDEEMABLE
from federation_bridge.operate.check.finding import Finding, Kind, Severity
from federation_bridge.settings import Settings


def findings(settings: Settings, register: Register) -> Iterator[Finding]:
    """What no sign-in is long enough for: any session of AWS, or the web identity tokens that the register allows."""
    lasts = _longest_sign_ins(settings)
    least = SHORTEST_SESSION + answer_time(settings.aws)
    for name, longest in lasts.items():
        if longest < least:
            yield Finding(
                Kind.CONNECTION,
                Severity.WRONG,
                f"connection {name}: a sign-in lasts {format_duration(longest)} at most, AWS sessions end with it, and "
                f"AWS issues none under 15m, so nobody gets one. Raise `sessions.absolute` or its `max_session`, or "
                "set its `aws_sessions_end_with_sign_in` to false",
            )
    if settings.command_line.web_identity_files:
        yield from _tokens(lasts, register)


def _longest_sign_ins(settings: Settings) -> dict[str, timedelta]:
    """By connection whose AWS sessions end with the sign-in: how long one lasts at most."""
    absolute = settings.sessions.absolute
    return {
        name: min(absolute, one.max_session or absolute)
        for name, one in settings.connections.items()
        if one.aws_sessions_end_with_sign_in
    }


def _tokens(lasts: dict[str, timedelta], register: Register) -> Iterator[Finding]:
    for account in register.accounts.values():
        for role in account.roles.values():
            needed = REDEEMABLE + role.max_session
            short = sorted(name for name, longest in lasts.items() if longest < needed)
            if role.web_identity_file and short:
                yield Finding(
                    Kind.CONNECTION,
                    Severity.DOUBTFUL,
                    f"role {account.id}/{role.name}: no web identity token leaves for people of {', '.join(short)}: a "
                    f"sign-in would have to last {format_duration(needed)}, the role's `max_session` and ten minutes",
                )
