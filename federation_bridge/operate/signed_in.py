"""Who is signed in, and putting them out: browser sessions and command lines, as an operator sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from federation_bridge import app
from federation_bridge.audit import CommandLineEnded, Entry, SignedOut, printable
from federation_bridge.errors import NotFound
from federation_bridge.model import Visit
from federation_bridge.settings import Settings
from federation_bridge.store import Store, open_store

_OPERATOR = Visit(reference="operator")


def lines(settings: Settings, person: str) -> Iterator[str]:
    """One line for each session and command line that holds: kind, person, begin, end; of one person or of all."""
    with _opened(settings) as store:
        for session in store.sessions.living():
            if person in ("", session.identity.person):
                yield _line(
                    "browser", session.identity.person, session.started_at.isoformat(), session.ends_at.isoformat()
                )
        for family in store.token_families.living(person or None):
            kind = f"{family.client_id} {family.id}"
            span = (family.started_at.isoformat(), family.ends_at.isoformat())
            yield _line(kind, family.identity.person, *span, family.label)


def _line(*parts: str) -> str:
    # What programs call themselves may hold anything, terminal escapes included.
    return "  ".join(printable(part) for part in parts if part)


def end_of_person(settings: Settings, person: str) -> int:
    """Ends all sessions and command lines of a person (`connection/subject`), audited; gives how many there were."""
    with _opened(settings) as store:
        entry = Entry(
            app.utc_now(),
            _OPERATOR,
            SignedOut(reason="ended by an operator"),
            person=person,
            connection=person.partition("/")[0],
        )
        return store.sessions.end_of_person(person, entry)


def end_of_family(settings: Settings, family_id: str) -> None:
    """Ends one command line, audited; NotFound where there is none of this id."""
    with _opened(settings) as store:
        entry = Entry(app.utc_now(), _OPERATOR, CommandLineEnded(family_id, "ended by an operator"))
        if not store.token_families.end(family_id, entry):
            raise NotFound(f"no command line {family_id!r} holds")


@contextmanager
def _opened(settings: Settings) -> Iterator[Store]:
    password = settings.database_password.read() if settings.database_password else None
    store = open_store(settings.database_url, clock=app.utc_now, password=password)
    try:
        yield store
    finally:
        store.close()
