"""What a condition answers: yes, no, or that it cannot be known, always with sentences that say why.

Three answers, not two: `not` turns yes into no and no into yes, but what is not known stays not known. So a group list
that is incomplete can never prove that somebody is *not* in a group.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self

from federation_bridge.mapping.register import Register
from federation_bridge.mapping.templates import Binding
from federation_bridge.model import Caller, Identity
from federation_bridge.sentence import Sentence

_NOTHING = Binding()


class Answer(StrEnum):
    """The three answers (Kleene's logic)."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a condition may look at."""

    identity: Identity
    groups: frozenset[str]
    now: datetime
    register: Register
    caller: Caller | None = None
    """Who asks, and from where; None where nobody does (a preview): then nothing is known of the request."""
    signs_in_anew: frozenset[str] | None = None
    """Takes as met what a sign-in at this moment by these methods would bring (`sign_in_again`): never for a decision.
    """

    @classmethod
    def of(cls, identity: Identity, now: datetime, register: Register, caller: Caller | None = None) -> Self:
        """The facts about this identity at this instant, and about the request of `caller`."""
        return cls(identity, frozenset(identity.groups.names), now, register, caller)


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which a condition is met: what it binds, why, and until when it will hold (None: no end in sight)."""

    because: tuple[Sentence, ...]
    binding: Binding = _NOTHING
    until: datetime | None = None


class Verdict(NamedTuple):
    """A condition's answer. Only YES has ways; its reasons say what was passed over, the others' why they are none."""

    answer: Answer
    ways: tuple[Way, ...] = ()
    reasons: tuple[Sentence, ...] = ()
    until: datetime | None = None
    """Until when a NO will hold (None: no end in sight)."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """A role that a rule names for somebody and cannot grant: its key, and why."""

    key: str
    reason: Sentence


def yes(because: Sentence, until: datetime | None = None) -> Verdict:
    """Met, in one way that binds nothing."""
    return Verdict(Answer.YES, ways=(Way((because,), until=until),))


def no(reason: Sentence, until: datetime | None = None) -> Verdict:
    """Not met."""
    return Verdict(Answer.NO, (), (reason,), until)


def unknown(reason: Sentence) -> Verdict:
    """Nobody told us: neither met nor provably not met."""
    return Verdict(Answer.UNKNOWN, reasons=(reason,))


def no_attribute(name: str) -> Sentence:
    """Why nothing is known of an attribute: a sign-in offers none that is empty or hides something."""
    return Sentence(
        "your sign-in carries no attribute %(name)s that can be used (one that is empty, or has characters that people "
        "cannot see, is left out)",
        name=repr(name),
    )


def earliest(instants: Iterable[datetime | None]) -> datetime | None:
    """The first of these ends; None (no end) only where all are None."""
    return min((instant for instant in instants if instant is not None), default=None)


def latest(instants: Iterable[datetime | None]) -> datetime | None:
    """The last of these ends; None (no end) where any is None."""
    ends = list(instants)
    return None if not ends or None in ends else max(end for end in ends if end is not None)


def each_once(sentences: Iterable[Sentence]) -> tuple[Sentence, ...]:
    """The sentences in their order, none twice."""
    return tuple(dict.fromkeys(sentences))
