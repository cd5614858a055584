"""Who is signed in, and putting them out: browser sessions and command lines, as an operator sees them."""

from __future__ import annotations

from collections.abc import Iterator

from federation_bridge import system_clock
from federation_bridge.administration import sessions
from federation_bridge.audit import printable
from federation_bridge.keys_and_endings import endings_of
from federation_bridge.model import Session, TokenFamily
from federation_bridge.oauth.families import held
from federation_bridge.oauth.messages import HeldCommandLine
from federation_bridge.oauth.places import places_from
from federation_bridge.operate.blocking import told_of_aws
from federation_bridge.operate.opening import store_looked_at, store_of
from federation_bridge.settings import Settings


def lines(settings: Settings, person: str) -> Iterator[str]:
    """One line for each session and command line that holds, newest first, of one person or of all.

    Kind and id, person, begin, end, last use; of a command line also the way and the address of its approval, the
    place of that address where it is known, and what the program says of itself.
    """
    places = places_from(settings.command_line.geoip)
    with store_looked_at(settings) as store:
        for session in store.sessions.living():
            if person in ("", session.identity.person):
                yield _line("browser", session.identity.person, *_times(session))
        for family in store.token_families.living(person or None):
            kind = f"{family.client_id} {family.id}"
            yield _line(kind, family.identity.person, *_times(family), *_origin(held(family, places)))


def _times(one: Session | TokenFamily) -> tuple[str, ...]:
    last = one.last_seen_at if isinstance(one, Session) else one.last_used_at
    return (
        one.started_at.isoformat(timespec="seconds"),
        f"until {one.ends_at.isoformat(timespec='seconds')}",
        f"used {last.isoformat(timespec='seconds')}",
    )


def _origin(one: HeldCommandLine) -> tuple[str, ...]:
    family = one.family
    place = f" ({one.place})" if one.place else ""
    return (
        f"for {family.role}" if family.role else "",
        f"let in by {family.way or 'unknown way'} from {family.approved_from or 'unknown address'}{place}",
        f"unverified label: {family.label}" if family.label else "",
    )


def _line(*parts: str) -> str:
    # What programs call themselves may hold anything, terminal escapes included.
    return "  ".join(printable(part) for part in parts if part)


def end_of_person(settings: Settings, person: str, *, in_aws: bool) -> Iterator[str]:
    """Ends all of a person, as `administration.sessions` does, and says what there was."""
    with store_of(settings) as store:
        ended = sessions.end_of_person(store, endings_of(store, system_clock.utc_now), person, in_aws=in_aws)
    yield f"{ended.here} ended."
    yield from told_of_aws(ended)


def end_of_family(settings: Settings, family_id: str) -> None:
    """Ends one command line, as `administration.sessions` does."""
    with store_of(settings) as store:
        sessions.end_of_family(endings_of(store, system_clock.utc_now), family_id)
