"""People for whom rules are tried: those who signed in here, and those who stand in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from federation_bridge.errors import NotFound
from federation_bridge.mapping.document import Node, did_you_mean, fields, items, read_document, refuse, text, texts
from federation_bridge.model import Clock, Groups, Identity, PersonSeen
from federation_bridge.store import Store

UNKNOWN_THEN = (
    "what the groups were at the time that was asked about is not known: the person was not here yet, or it is not kept"
    " any more"
)
"""What an explanation of a past time says where the groups of now had to do."""
_FIELDS = ("connection", "subject", "name", "email", "groups", "claims", "authentication_methods")


def identities_seen(store: Store, clock: Clock, span: timedelta) -> tuple[Identity, ...]:
    """Everybody who signed in within this span, as they were told last; Unavailable."""
    return tuple(one.identity for one in store.people.seen_since(clock() - span))


def identities_in(written: str, connections: Iterable[str]) -> tuple[Identity, ...]:
    """The people in this YAML or JSON text, a list; ConfigurationInvalid with line and reason.

    Their e-mail addresses count as verified: the file says so.
    """
    known = frozenset(connections)
    return tuple(_identity(node, known) for node in items(read_document(written), "the people"))


def _identity(node: Node, connections: frozenset[str]) -> Identity:
    entry = fields(node, "a person", _FIELDS, ("connection", "subject"))
    connection, subject = text(entry["connection"], "a connection"), text(entry["subject"], "a subject")
    if connection not in connections:
        refuse(
            entry["connection"],
            "there is no connection %(connection)s%(near)s",
            connection=repr(connection),
            near=did_you_mean(connection, connections),
        )
    groups = _list(entry, "groups")
    claims = entry.get("claims")
    attributes = {} if claims is None else {name: texts(value, name) for name, value in _entries(claims).items()}
    email = text(entry["email"], "an e-mail address") if "email" in entry else None
    return Identity(
        connection=connection,
        subject=subject,
        name=text(entry["name"], "a name") if "name" in entry else subject,
        email=email,
        email_is_verified=email is not None,
        groups=Groups(groups),
        attributes=attributes,
        authn_methods=_list(entry, "authentication_methods"),
    )


def _list(entry: Mapping[str, Node], name: str) -> tuple[str, ...]:
    node = entry.get(name)
    return () if node is None or node.value == () else texts(node, f"`{name}`")


def _entries(node: Node) -> dict[str, Node]:
    return dict(fields(node, "`claims`", tuple(node.value) if isinstance(node.value, Mapping) else ()))


def person_seen(store: Store, person: str, clock: Clock, span: timedelta) -> PersonSeen:
    """The person of this name (`connection/subject`); NotFound with the nearest name where nobody of it was seen."""
    found = store.people.one(person)
    if found is None:
        known = {one.identity.person for one in store.people.seen_since(clock() - span)}
        raise NotFound(f"nobody called {person!r} was seen here{did_you_mean(person, known)}")
    return found


def person_at(store: Store, person: str, at: datetime) -> PersonSeen | None:
    """The person as they were told at a past time; None where that is not known. Unavailable."""
    return store.people.one_at(person, at)


def groups_of_then(seen: PersonSeen) -> str:
    """What an explanation of a past time says of the groups that it goes by."""
    return f"groups and claims are those of then, as the sign-in of {seen.last_seen_at:%Y-%m-%d %H:%M} UTC told them"
