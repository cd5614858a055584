"""One racer of many: a process or thread with a store of its own, that waits for the others and then tries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from databases import INTEGRITY_KEY
from store_factories import entry, session, sign_in

from federation_bridge.errors import SignInRejected
from federation_bridge.store import Store, open_store


class Barrier(Protocol):
    """Of `threading` or of `multiprocessing`."""

    def wait(self, timeout: float | None = None) -> int: ...


@dataclass(frozen=True)
class Race:
    """What is raced for, and where."""

    verb: str
    url: str
    password: str | None
    now: datetime
    rounds: int


_barrier: list[Barrier] = []


def join_the_others(barrier: Barrier) -> None:
    """Gives this process the barrier (which can be handed over at a process's birth only)."""
    _barrier[:] = [barrier]


def run(race: Race, racer: int, barrier: Barrier | None = None) -> list[bool]:
    """For each round, whether this racer won it."""
    store = open_store(race.url, clock=lambda: race.now, integrity_key=INTEGRITY_KEY, password=race.password)
    try:
        won = []
        for number in range(race.rounds):
            (barrier or _barrier[0]).wait(60)
            won.append(_VERBS[race.verb](store, race.now, number, racer))
        return won
    finally:
        store.close()


def _take(store: Store, now: datetime, number: int, racer: int) -> bool:
    try:
        store.sessions.take(replace(sign_in(now), handle=f"handle {number}"))
    except SignInRejected:
        return False
    return True


def _admit(store: Store, now: datetime, number: int, racer: int) -> bool:
    ends = now + timedelta(minutes=5)
    try:
        store.sessions.admit(session(now, f"{number}-{racer}"), "issuer", f"_{number}", ends, entry(now))
    except SignInRejected:
        return False
    return True


def _admit_one_sign_in(store: Store, now: datetime, number: int, racer: int) -> bool:
    """Several messages that answer one request; half of the racers take it beforehand, as OpenID Connect does."""
    left = replace(sign_in(now), handle=f"handle {number}")
    try:
        if racer % 2:
            store.sessions.take(left)
        answered = None if racer % 2 else left
        message, ends = f"_{number}-{racer}", now + timedelta(minutes=5)
        store.sessions.admit(session(now, message), "issuer", message, ends, entry(now), sign_in=answered)
    except SignInRejected:
        return False
    return True


def _put_first(store: Store, now: datetime, number: int, racer: int) -> bool:
    return store.sealed_keys.put_first(f"purpose {number}", b"%d" % racer).sealed == b"%d" % racer


def _claim(store: Store, now: datetime, number: int, racer: int) -> bool:
    return store.session_names.claim(f"name {number}", f"corp/{racer}", entry(now))


def _keep(store: Store, now: datetime, number: int, racer: int) -> bool:
    store.documents.keep("rules", "r", f"{number} {racer}")
    return (store.documents.last_good("rules", "r") or "").startswith(str(number))


def _keep_new(store: Store, now: datetime, number: int, racer: int) -> bool:
    """The same text under a name where nothing stands."""
    return store.documents.keep("rules", f"new {number}", "text", entry(now))


def _keep_next(store: Store, now: datetime, number: int, racer: int) -> bool:
    """The same text under a name where another one stands."""
    return store.documents.keep("rules", "r", f"{number}", entry(now))


def _begin_look(store: Store, now: datetime, number: int, racer: int) -> bool:
    return store.documents.begin_look(f"connection {number}", timedelta(minutes=1)).is_ours


def _told(store: Store, now: datetime, number: int, racer: int) -> bool:
    return store.service_marks.told("end", f"{number}")


_VERBS = {
    "begin_look": _begin_look,
    "told": _told,
    "take": _take,
    "admit": _admit,
    "admit_one_sign_in": _admit_one_sign_in,
    "put_first": _put_first,
    "claim": _claim,
    "keep": _keep,
    "keep_new": _keep_new,
    "keep_next": _keep_next,
}
