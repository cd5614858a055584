"""Credentials of one role: from the cache while they last, else from the bridge, asked once by all processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from federation_bridge.cli import cached_answer
from federation_bridge.cli.context import Context, lock_path
from federation_bridge.cli.credentials.granted import can_be_longer, cap_words
from federation_bridge.cli.credentials.roles import asked_for_role, is_key, is_region
from federation_bridge.cli.failures import BridgeUnreachable, CommandFailed, LocalFailure, SignInNeeded, TooShort
from federation_bridge.cli.files import write_private
from federation_bridge.cli.i18n import printable, say
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.session.question import credentials_question
from federation_bridge.cli.single_flight import SingleFlight
from federation_bridge.delivery import FORMATS
from federation_bridge.durations import format_duration, parse_duration
from federation_bridge.errors import AwsRefused, BridgeError
from federation_bridge.model import AwsCredentials, JsonObject

_SPARE = timedelta(minutes=16)
"""What an AWS SDK wants left: botocore asks again from 15 minutes before the end on, at every call."""
_RENEW_AHEAD = timedelta(minutes=10)
_LONGEST_CAP = 20
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: a role by its key, how long it must still last, and what the bridge shall know."""

    role: str
    need: timedelta = timedelta()
    duration: str = ""
    reason: str = ""
    for_agent: bool = False
    """Whether a program that acts for the person shall have them: the bridge narrows them then."""

    @property
    def kept_as(self) -> str:
        """The name of the cached answer. No role's name holds a `~`: an agent's is never taken for the person's."""
        return f"{self.role}~agent" if self.for_agent else self.role


def obtain(context: Context, wanted: Wanted, *, renew: bool = False) -> AwsCredentials:
    """Credentials that last at least `wanted.need`. `renew` asks the bridge also where the cache still serves.

    Raises:
        TooShort: even fresh ones do not last that long.
        CommandFailed: as the bridge, this computer or the sign-in fail.
    """
    flight = SingleFlight(lock_path(context.answer_path(wanted.kept_as)), context.clock)
    fresh_wish = bool(wanted.duration or wanted.reason)
    if not (renew or fresh_wish) and (found := _cached(context, wanted)) is not None:
        return found
    with flight.alone(context.waiting):
        if not fresh_wish and (found := _cached(context, wanted, renew=renew)) is not None:
            return found
        session = LocalSession(context, flight.asking)
        flight.join(_question(context, wanted, session))
        try:
            credentials = _asked(context, wanted, session)
            _check_rest(context, wanted, credentials)
        except SignInNeeded:
            raise
        except CommandFailed as failure:
            with suppress(LocalFailure):
                # The sign-in may be another by now: the person was asked on the way.
                flight.failed(_question(context, wanted, session), failure)
            raise
        flight.succeeded(_question(context, wanted, session))
    return credentials


def _question(context: Context, wanted: Wanted, session: LocalSession) -> str:
    duration = str(parse_duration(wanted.duration)) if wanted.duration else ""
    asked = {"role": wanted.role, "need": str(wanted.need), "duration": duration, "reason": wanted.reason}
    asked |= {"agent": "yes"} if wanted.for_agent else {}
    return credentials_question(context, session.kept_key(), **asked)


def answer_text(credentials: AwsCredentials) -> str:
    """The output of `credential-process`."""
    return FORMATS["credential-process"](credentials)


def _cached(context: Context, wanted: Wanted, *, renew: bool = False) -> AwsCredentials | None:
    path, now = str(context.answer_path(wanted.kept_as)), context.clock().timestamp()
    found = cached_answer.finished(path, int(wanted.need.total_seconds()), now)
    stored = cached_answer.stored(path)
    if found is None or stored is None or (renew and found[1]):
        return None
    with suppress(ValueError, KeyError, TypeError):
        return _credentials(json.loads(stored[2]))
    return None


def _asked(context: Context, wanted: Wanted, session: LocalSession) -> AwsCredentials:
    body: JsonObject = {name: text for name, text in (("duration", wanted.duration), ("reason", wanted.reason)) if text}
    body |= {"agent": True} if wanted.for_agent else {}
    answer = asked_for_role(context, session, f"{wanted.role}/credentials", body)
    try:
        credentials = _credentials(answer)
        _remember(context, wanted.kept_as, credentials, answer)
        if not session.is_current():
            # Somebody signed in meanwhile, and has dropped what lay here before we wrote.
            context.answer_path(wanted.kept_as).unlink(missing_ok=True)
        context.warn_of_clock()
        if answer.get("cap") == "session":
            context.terminal.tell(
                say("These credentials end with your sign-in. `fedbridge login` begins a longer one.")
            )
    except (ValueError, KeyError, TypeError, OverflowError, AwsRefused):
        raise BridgeUnreachable(say("The bridge answered with credentials that cannot be used.")) from None
    return credentials


def _remember(context: Context, kept_as: str, credentials: AwsCredentials, answer: JsonObject) -> None:
    """Writes the cache. Its instants are this computer's: a clock that is off by a day changes nothing then."""
    now, expires = context.clock(), credentials.expires_at - context.http.clock_offset
    life = expires - now
    if life <= timedelta():
        raise TooShort(
            say("By this computer's clock, fresh credentials have already ended. Please turn on automatic time.")
        )
    usable_until = expires - min(_SPARE, life / 3)
    renew_at = usable_until - min(_RENEW_AHEAD, life / 6)
    header = " ".join(str(int(instant.timestamp())) for instant in (now, usable_until, renew_at, expires))
    about = {name: answer[name] for name in _ABOUT if isinstance(answer.get(name), str)}
    full = json.dumps({name: answer[name] for name in _FIELDS} | about)
    data = f"{header}\n{answer_text(credentials)}{full}\n".encode()
    if len(data) > cached_answer.MOST_BYTES:
        raise ValueError("longer than what is read back")
    write_private(context.answer_path(kept_as), data)


def _check_rest(context: Context, wanted: Wanted, credentials: AwsCredentials) -> None:
    rest = credentials.expires_at - context.http.clock_offset - context.clock()
    if rest < wanted.need:
        raise TooShort(_too_short(wanted, rest, credentials.cap))


def _too_short(wanted: Wanted, rest: timedelta, cap: str) -> str:
    role, lasts, need = wanted.role, format_duration(_told(rest, wanted.need)), format_duration(wanted.need)
    short = say(
        "Fresh credentials of {role} last {rest}{why}, less than the {need} that --min-remaining asks for.",
        role=role,
        rest=lasts,
        why="" if can_be_longer(cap) else cap_words(cap),
        need=need,
    )
    if not can_be_longer(cap):
        return short
    return say("{what} Ask for longer ones: --duration {need}", what=short, need=need)


def _told(rest: timedelta, need: timedelta) -> timedelta:
    """To the minute, for an hour that was asked for seconds ago is an hour; exact where that would be enough."""
    whole = _MINUTE * round(rest / _MINUTE)
    return whole if _MINUTE <= whole < need else rest


_FIELDS = (
    "access_key_id",
    "secret_access_key",
    "session_token",
    "expires_at",
    "account",
    "role",
    "region",
    "assumed_role_arn",
)
_ABOUT = ("cap", "duration")
"""What a bridge of an older release does not tell, nor a cache that was written by one of ours."""


def _credentials(answer: Mapping[str, object]) -> AwsCredentials:
    texts = {name: answer[name] for name in _FIELDS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a field is not a text")
    plain = {name: str(text) for name, text in texts.items()}
    # Tools make host names of a region, and prompts show account and role: they hold what AWS gives, and nothing else.
    if not is_key(f"{plain['account']}/{plain['role']}") or not (is_region(plain["region"]) or not plain["region"]):
        raise ValueError("no account, role or region of AWS")
    expires_at = datetime.fromisoformat(plain.pop("expires_at"))
    cap, length = (str(printable(str(answer.get(name) or ""))) for name in _ABOUT)
    return AwsCredentials(
        expires_at=expires_at.astimezone(UTC),
        account_id=plain.pop("account"),
        cap=cap[:_LONGEST_CAP],
        granted=_length(length),
        **plain,
    )


def _length(text: str) -> timedelta:
    with suppress(ValueError, OverflowError):
        return parse_duration(text)
    return timedelta()


def rendered(credentials: AwsCredentials, format_name: str) -> str:
    """The credentials in a format of `delivery.FORMATS`; CommandFailed for a value that it cannot carry."""
    try:
        return FORMATS[format_name](credentials)
    except BridgeError as refused:
        raise CommandFailed(
            say("The format {name} cannot carry these credentials safely: {why}", name=format_name, why=refused.detail)
        ) from None
