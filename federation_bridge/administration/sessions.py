"""Putting people out: browser sessions and command lines end at once, by an operator's word."""

from __future__ import annotations

from federation_bridge.ending import Endings
from federation_bridge.errors import NotFound
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import Caller, Cause, Ended
from federation_bridge.store import Store

BY_OPERATOR = Cause("administrator", "operator", "ended by an operator")
"""The cause of an end by a command, where no reason is given."""


def end_of_person(
    store: Store,
    endings: Endings,
    person: str,
    cause: Cause = BY_OPERATOR,
    caller: Caller | None = None,
    *,
    in_aws: bool = False,
) -> Ended:
    """Ends all that a person (`connection/subject`) holds, audited; gives what there was.

    `caller`: the administrator who wants it, by a page or the API; None: a command on the machine.

    NotFound where nobody of that name is signed in, with the nearest name: an end that ended nothing is a mistake.
    """
    origin = None if caller is None else caller.origin
    ended = endings.end_person(person, cause, in_aws=in_aws, origin=origin)
    if not ended.here and not ended.aws.sessions:
        raise NotFound(f"nobody called {person!r} is signed in{did_you_mean(person, _people(store))}")
    return ended


def end_of_family(endings: Endings, family_id: str, cause: Cause = BY_OPERATOR) -> None:
    """Ends one command line, audited; NotFound where no command line has this id."""
    if not endings.end_command_line(family_id, "", cause):
        raise NotFound(f"no command line {family_id!r} holds")


def _people(store: Store) -> set[str]:
    browsers = {session.identity.person for session in store.sessions.living()}
    return browsers | {family.identity.person for family in store.token_families.living()}
