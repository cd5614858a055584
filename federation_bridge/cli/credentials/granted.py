"""Tells what was granted: for how long, until when, and which cap decided it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.roles import called
from federation_bridge.cli.failures import CommandFailed
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.durations import format_duration, parse_duration
from federation_bridge.model import AwsCredentials

_JUST_NOW = timedelta(minutes=1)


def tell_granted(context: Context, role: str, credentials: AwsCredentials, asked: str = "") -> None:
    """One line on stderr: how long these last, until when, and why no longer; `asked`: the length that was asked for.

    A length below the one that was asked for stands out, so that nobody finds out by keys that have ended.
    """
    role = called(context, role)
    left = credentials.expires_at - context.http.clock_offset - context.clock()
    granted = credentials.granted or left
    until, why = local_time(credentials.expires_at, context.clock()), cap_words(credentials.cap, asked_now=bool(asked))
    is_cut = bool(asked) and granted + _JUST_NOW < parse_duration(asked)
    if is_cut:
        told = say(
            "{role}: you asked for {asked} and got {length}, until {until}{why}",
            role=role,
            asked=asked,
            length=_rounded(granted),
            until=until,
            why=why,
        )
    elif left + _JUST_NOW < granted:
        told = say(
            "{role}: {left} left of {length}, until {until}{why}",
            role=role,
            left=_rounded(left),
            length=_rounded(granted),
            until=until,
            why=why,
        )
    else:
        told = say("{role}: {length}, until {until}{why}", role=role, length=_rounded(granted), until=until, why=why)
    context.terminal.tell(told, "bold" if is_cut else "dim")


def tell_foreseen(context: Context, role: str, asked: str) -> None:
    """How long a session would be that is granted now; nothing where nobody is signed in here, or the bridge is older.

    The grant itself happens on a page of the bridge, perhaps for another person: this is a hint, and decides nothing.
    """
    if context.tokens().load() is None:
        return
    try:
        found = LocalSession(context).get(f"/roles/{role}/length" + (f"?duration={asked}" if asked else ""))
        length, cap = parse_duration(str(found.get("duration", ""))), str(found.get("cap", ""))
    except (CommandFailed, ValueError):
        return
    words = {"role": called(context, role), "length": format_duration(length), "why": cap_words(cap)}
    if asked and length < parse_duration(asked):
        told = say("{role}: you asked for {asked} and would get {length}{why}", asked=asked, **words)
        context.terminal.tell(told, "bold")
    else:
        context.terminal.tell(say("{role}: {length}{why}", **words), "dim")


def cap_words(cap: str, *, asked_now: bool = True) -> str:
    """Which cap decided a length, behind the rest of a sentence; nothing for one that is not known here.

    `asked_now`: whether this command asked for a length. What an earlier one asked for lies in the cache.
    """
    if cap == "asked" and not asked_now:
        return say(" (the length that you asked for last time; --duration asks for another)")
    words = {
        "asked": say(" (as asked for)"),
        "usual": say(" (the usual length; --duration asks for another)"),
        "rule": say(" (the longest that your rule allows)"),
        "role": say(" (the longest that the role allows)"),
        "rule_end": say(" (your rule ends then)"),
        "session": say(" (your sign-in ends then)"),
        "chaining": say(" (the longest that AWS allows when one role assumes another)"),
    }
    return words.get(cap, "")


def can_be_longer(cap: str) -> bool:
    """Whether asking for more could give more: only what was asked for bounds it, as far as is known."""
    return cap in {"", "asked", "usual"}


def local_time(instant: datetime, now: datetime) -> str:
    """The instant in the person's own time; its date only where that is not today's."""
    there, today = instant.astimezone(), now.astimezone(UTC).astimezone().date()
    return there.strftime("%H:%M" if there.date() == today else "%Y-%m-%d %H:%M")


def _rounded(span: timedelta) -> str:
    """To the minute if it is a minute or more; below that, to the second."""
    seconds = max(int(span.total_seconds()), 0)
    return format_duration(timedelta(seconds=seconds if seconds < 60 else (seconds + 30) // 60 * 60))  # noqa: PLR2004 - a minute
