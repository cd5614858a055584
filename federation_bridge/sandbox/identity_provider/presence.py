"""Who is signed in at the identity provider, in which browser, and what is to go on once somebody is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask.typing import ResponseReturnValue

from federation_bridge.model import Clock, Randomness
from federation_bridge.sandbox.directory import Person
from federation_bridge.sandbox.identity_provider.refusals import Refusal

_LONGEST = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Presence:
    """A person has typed their password here at that instant."""

    person: Person
    authenticated_at: datetime
    sid: str = ""
    """Names this sign-in to applications (OpenID Connect Front-Channel Logout 1.0, 3)."""
    has_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Errand:
    """An application asked who is there; the answer goes out once somebody has signed in, or has declined."""

    application: str
    answer: Callable[[Presence], ResponseReturnValue]
    decline: Callable[[], ResponseReturnValue]
    wants_second_factor: bool = False


class Presences:
    """Browser sessions and waiting errands, in memory, found by unguessable handles."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness
        self._lock = threading.Lock()
        self._present: dict[str, Presence] = {}
        self._errands: dict[str, Errand] = {}

    def enter(self, person: Person, *, has_second_factor: bool = False) -> tuple[str, Presence]:
        """Signs the person in; the handle goes into a cookie."""
        handle = self._randomness(24).hex()
        presence = Presence(person, self._clock(), self._randomness(16).hex(), has_second_factor)
        self._present[handle] = presence
        return handle, presence

    def here(self, handle: str, max_age: timedelta = _LONGEST) -> Presence | None:
        """Who is signed in in that browser since no longer than `max_age`, or None."""
        presence = self._present.get(handle)
        if presence is None or self._clock() - presence.authenticated_at > max_age:
            return None
        return presence

    def leave(self, handle: str) -> Presence | None:
        """Signs out in that browser; gives who was there."""
        return self._present.pop(handle, None)

    def leave_everywhere(self, login: str) -> int:
        """Signs a person out in every browser; gives in how many."""
        handles = [handle for handle, presence in list(self._present.items()) if presence.person.login == login]
        return sum(self._present.pop(handle, None) is not None for handle in handles)

    def wait(self, errand: Errand) -> str:
        """Keeps the errand until somebody has signed in; the handle goes into the form."""
        handle = self._randomness(24).hex()
        with self._lock:
            self._errands[handle] = errand
        return handle

    def take(self, handle: str) -> Errand:
        """The errand that waited under this handle, once; Refusal after that."""
        with self._lock:
            errand = self._errands.pop(handle, None)
        if errand is None:
            raise Refusal("errand", "this form was used before, or is not ours: begin at the application again")
        return errand
