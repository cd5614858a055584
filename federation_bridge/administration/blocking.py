"""Keeping people out: one by name, or, in an incident, everybody but a list. And letting them in again.

Nobody is locked out of administration by mistake: the last administrator is not blocked, and an incident spares one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from federation_bridge.administration.told_words import check_words
from federation_bridge.ending import Endings
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping import AdministrativeRole, RuleSet
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import Block, BlockSource, Caller, Clock, Ended
from federation_bridge.store import Store

OPERATOR = "operator"
_LIFTING: tuple[BlockSource, ...] = ("scim", "signal")
Lifters = Mapping[str, frozenset[str]]
"""The sources that lift their own blocks, each with the connections whose settings take it."""
MOST_SPARED = 50
"""People whom an incident spares: few, as each request of theirs reads them."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """What these verbs work with."""

    store: Store
    endings: Endings
    clock: Clock
    kept: timedelta
    """For how long people are remembered after their last sign-in."""
    connections: frozenset[str]
    lifters: Lifters
    """Where SCIM and signals lift their own blocks."""
    rules: Callable[[], RuleSet] | None
    """The rules in force, which name the administrators; None: an emergency, in which nobody asks."""


@dataclass(frozen=True, slots=True)
class BlockingRequest:
    """Who wants it, why, and whether AWS is told as well."""

    reason: str
    caller: Caller | None = None
    """None: by a command on the machine."""
    in_aws: bool = False
    unseen: bool = False
    """Whether names are taken as they are written, also of people who never came."""

    @property
    def by(self) -> str:
        """Who wants it, for those who look later."""
        return OPERATOR if self.caller is None else self.caller.session.identity.person


def block(verbs: Blocking, person: str, asked: BlockingRequest) -> Ended:
    """Lets a person (`connection/subject`) in no more, until it is lifted, and ends all that they hold; audited.

    NotFound where nobody of that name was seen, with the nearest; BadRequest for a missing reason, the person's own
    block, or one of the last administrator.
    """
    check_words("a reason", asked.reason)
    _check_known(verbs, [person], asked)
    if person == asked.by:
        raise BadRequest("nobody blocks themselves: another administrator can, or `people block --emergency`")
    made = Block(person, "administrator", asked.by, asked.reason, verbs.clock())
    _check_somebody_administers(verbs, made)
    return _put(verbs, made, asked)


def unblock(verbs: Blocking, person: str, asked: BlockingRequest) -> tuple[Block, ...]:
    """Lifts an administrator's block of a person; gives what still keeps them out: other sources lift their own.

    A block of SCIM or of a signal goes as well where the settings take none for the connection any more: nobody else
    could lift it.
    NotFound where nothing of that stands, with the nearest name or the source that blocked.
    """
    _check_reason(asked)
    sources: list[BlockSource] = ["administrator"]
    connection = person.partition("/")[0]
    sources.extend(source for source in _LIFTING if connection not in verbs.lifters.get(source, ()))
    if not [one for one in sources if _lifted(verbs, person, one, asked) is not None]:
        standing = verbs.store.blocks.standing()
        others = [one.source for one in standing if one.scope == person]
        if others:
            raise NotFound(f"{person!r} is blocked by {' and '.join(others)}, which alone lifts that")
        near = did_you_mean(person, {one.scope for one in standing if one.is_of_person})
        raise NotFound(f"nobody called {person!r} is blocked{near}")
    return verbs.store.blocks.about(person)


def begin_incident(verbs: Blocking, excepted: Iterable[str], asked: BlockingRequest, connection: str = "") -> Ended:
    """Lets nobody in but these people, and whoever begins it; at one connection alone where one is named. Audited.

    One that stands has another list from then on. NotFound for a name or connection that is not known; BadRequest for
    a missing reason, a list without an administrator, or one that is too long.
    """
    check_words("a reason", asked.reason)
    spared = sorted({*excepted, *([] if asked.caller is None else [asked.by])})
    if len(spared) > MOST_SPARED:
        raise BadRequest(f"an incident spares at most {MOST_SPARED} people")
    if connection and connection not in verbs.connections:
        raise NotFound(f"there is no connection {connection!r}{did_you_mean(connection, verbs.connections)}")
    _check_known(verbs, spared, asked)
    made = Block(connection, "incident", asked.by, asked.reason, verbs.clock(), tuple(spared))
    _check_somebody_administers(verbs, made)
    return _put(verbs, made, asked)


def end_incident(verbs: Blocking, asked: BlockingRequest, connection: str = "") -> Block:
    """Lets everybody in again whom nobody blocked by name; gives the incident. NotFound where none stands."""
    _check_reason(asked)
    stood = _lifted(verbs, connection, "incident", asked)
    if stood is None:
        where = f" at {connection}" if connection else ""
        raise NotFound(f"no incident stands{where}: `people blocked` shows what does")
    return stood


def standing(store: Store) -> tuple[Block, ...]:
    """Every block that stands, the oldest first."""
    return store.blocks.standing()


def left_behind(blocks: Iterable[Block], lifters: Lifters) -> Iterator[Block]:
    """Blocks whose source lifts nothing at their connection any more: only `unblock` can lift them."""
    for one in blocks:
        if one.source in _LIFTING and one.scope.partition("/")[0] not in lifters.get(one.source, ()):
            yield one


def lines_of(blocks: Iterable[Block]) -> Iterator[str]:
    """Each as a line for a terminal: who, by which source and whom, since when, why, and who is spared."""
    for one in blocks:
        who = one.scope if one.is_of_person else f"everybody{f' of {one.scope}' if one.scope else ''}"
        spared = f" but {', '.join(one.excepted) or 'nobody'}" if not one.is_of_person else ""
        doubt = (
            ""
            if one.is_ours
            else "  NOT WRITTEN BY THE BRIDGE: it still keeps people out, but do not trust what it says"
        )
        since = f"{one.since:%Y-%m-%d %H:%M} UTC"
        yield f"{who}{spared}  by {one.by} ({one.source})  since {since}  {one.reason}{doubt}"


def _put(verbs: Blocking, made: Block, asked: BlockingRequest) -> Ended:
    origin = None if asked.caller is None else asked.caller.origin
    return verbs.endings.block(made, in_aws=asked.in_aws, origin=origin)


def _lifted(verbs: Blocking, scope: str, source: BlockSource, asked: BlockingRequest) -> Block | None:
    origin = None if asked.caller is None else asked.caller.origin
    return verbs.endings.unblock(scope, source, asked.by, asked.reason, origin)


def _check_reason(asked: BlockingRequest) -> None:
    if asked.reason:
        check_words("a reason", asked.reason)


def _check_known(verbs: Blocking, people: Iterable[str], asked: BlockingRequest) -> None:
    for person in people:
        connection, slash, subject = person.partition("/")
        if not slash or not subject or connection not in verbs.connections:
            near = did_you_mean(connection, verbs.connections)
            raise NotFound(f"{person!r} is no connection/subject: there is no connection {connection!r}{near}")
        if asked.unseen or person == asked.by or verbs.store.people.one(person) is not None:
            continue
        known = {one.identity.person for one in verbs.store.people.seen_since(verbs.clock() - verbs.kept)}
        near = did_you_mean(person, known)
        raise NotFound(
            f"nobody called {person!r} was seen here{near} To block somebody who never signed in here, say `unseen`"
        )


def _check_somebody_administers(verbs: Blocking, made: Block) -> None:
    """BadRequest where an administrator is left now, and would not be. Nobody asks in an emergency."""
    if verbs.rules is None:
        return
    administrators = frozenset(_administrators(verbs, verbs.rules()))
    if not administrators or not all(made.applies_to(person) for person in administrators):
        return
    if made.is_of_person:
        raise BadRequest(f"{made.scope} is the last administrator: only `people block --emergency` blocks them")
    some = ", ".join(sorted(administrators)[:5])
    raise BadRequest(f"an incident spares an administrator, so that somebody can end it: one of {some}")


def _administrators(verbs: Blocking, rules: RuleSet) -> Iterator[str]:
    """Who may change everything by these rules and is not blocked, of those who were here."""
    now = verbs.clock()
    blocks = verbs.store.blocks.standing()
    for one in verbs.store.people.each_seen_since(now - verbs.kept):
        rights = rules.administrative_rights(one.identity, now)
        if rights is None or not rights.includes(AdministrativeRole.ADMINISTRATOR):
            continue
        if not any(standing.applies_to(one.identity.person) for standing in blocks if standing.source != "incident"):
            yield one.identity.person
