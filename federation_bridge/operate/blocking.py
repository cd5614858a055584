"""`people block`, `people unblock`, `people blocked` and `incident` for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from federation_bridge import system_clock
from federation_bridge.administration import blocking
from federation_bridge.administration.blocking import Blocking, BlockingRequest
from federation_bridge.errors import BadRequest, ConfigurationInvalid, Unavailable
from federation_bridge.keys_and_endings import endings_of
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Ended
from federation_bridge.operate.opening import looking_at, store_looked_at, store_of
from federation_bridge.settings import Settings, load_settings

__all__ = ["BlockingRequest", "begun", "blocked", "lines", "over", "told", "told_of_aws", "unblocked", "verbs_of"]


@contextmanager
def verbs_of(settings: Settings, *, is_emergency: bool, asks_rules: bool = True) -> Iterator[Blocking]:
    """What the verbs work with. In an emergency no rules are read, so that broken ones keep nobody in."""
    rules = _rules(settings) if asks_rules and not is_emergency else None
    with store_of(settings) as store:
        yield Blocking(
            store=store,
            endings=endings_of(store, system_clock.utc_now),
            clock=system_clock.utc_now,
            kept=settings.sessions.people_kept,
            connections=frozenset(settings.connections),
            lifters=settings.lifters,
            rules=None if rules is None else lambda: rules,
        )


def _rules(settings: Settings) -> RuleSet:
    try:
        with looking_at(settings) as parts:
            return parts.rulebook.current()
    except (ConfigurationInvalid, Unavailable) as problem:
        raise BadRequest(
            f"who administers cannot be looked up: {problem.detail}; `--emergency` blocks without looking"
        ) from None


def blocked(path: Path, person: str, asked: BlockingRequest, *, is_emergency: bool) -> Iterator[str]:
    """Blocks one person, as `administration.blocking` does, and says what ended."""
    with verbs_of(load_settings(path), is_emergency=is_emergency) as verbs:
        yield from told(f"{person} is blocked.", blocking.block(verbs, person, asked))


def unblocked(path: Path, person: str, asked: BlockingRequest) -> Iterator[str]:
    """Lifts the block of an administrator, and says what else keeps the person out."""
    with verbs_of(load_settings(path), is_emergency=False, asks_rules=False) as verbs:
        others = blocking.unblock(verbs, person, asked)
    yield f"{person} is not blocked any more." if not others else f"{person} is still kept out:"
    yield from blocking.lines_of(others)


def begun(
    path: Path, excepted: tuple[str, ...], asked: BlockingRequest, connection: str, *, is_emergency: bool
) -> Iterator[str]:
    """Begins an incident, and says what ended."""
    with verbs_of(load_settings(path), is_emergency=is_emergency) as verbs:
        ended = blocking.begin_incident(verbs, excepted, asked, connection)
    who = f"of {connection} " if connection else ""
    yield from told(f"Everybody {who}is blocked but {', '.join(sorted(excepted)) or 'nobody'}.", ended)


def over(path: Path, asked: BlockingRequest, connection: str) -> Iterator[str]:
    """Ends an incident."""
    with verbs_of(load_settings(path), is_emergency=False, asks_rules=False) as verbs:
        stood = blocking.end_incident(verbs, asked, connection)
    yield f"The incident is over; it stood since {stood.since:%Y-%m-%d %H:%M} UTC."


def lines(path: Path) -> Iterator[str]:
    """Every block that stands."""
    with store_looked_at(load_settings(path)) as store:
        found = tuple(blocking.lines_of(blocking.standing(store)))
    yield from found or ("Nobody is blocked.",)


def told(first: str, ended: Ended) -> Iterator[str]:
    """What was done, and what ended with it."""
    yield first
    here = f"{ended.sessions} browser sessions, {ended.command_lines} command lines"
    yield f"Ended: {here}, {ended.pending} command lines not let in yet."
    yield from told_of_aws(ended)


def told_of_aws(ended: Ended) -> Iterator[str]:
    """What ends in AWS, and what does not and why; nothing where AWS was not told."""
    if ended.aws.sessions:
        yield f"{ended.aws.sessions} AWS sessions are ending."
    if ended.aws.told:
        yield ended.aws.told[0].upper() + ended.aws.told[1:] + "."
