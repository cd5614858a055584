"""The condition on how long ago the identity provider saw the person, by its own word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self

from federation_bridge.durations import format_duration, parse_duration
from federation_bridge.mapping.combinations import All, AnyOf, Not
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.document import Node, refuse, text
from federation_bridge.mapping.verdicts import Facts, Verdict, no, unknown, yes
from federation_bridge.sentence import Sentence

_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class SignedInWithin(Condition):
    """The identity provider says that it authenticated the person within this time."""

    name: ClassVar[str] = "signed_in_within"
    schema: ClassVar[Mapping[str, Any]] = {"type": "string", "pattern": "^([0-9]+h)?([0-9]+m)?$", "minLength": 2}
    within: timedelta

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `signed_in_within: 15m`."""
        written = text(node, "`signed_in_within`")
        try:
            within = parse_duration(written)
        except (ValueError, OverflowError) as problem:
            refuse(node, problem.args[0])
        if not _SHORTEST <= within <= _LONGEST or within.total_seconds() % 60:
            refuse(node, "`signed_in_within` is from 1m to 24h, in whole minutes, not %(written)s", written=written)
        return cls(within)

    def check(self, facts: Facts) -> Verdict:
        """Unknown where nobody asks, and where the provider gave no time: when a session began proves nothing."""
        span = format_duration(self.within)
        if facts.signs_in_anew is not None:
            return yes(Sentence("you signed in within the last %(span)s", span=span))
        if facts.caller is None:
            return unknown(Sentence("it is not known when you last signed in"))
        seen = facts.caller.session.authentication_instant
        if seen is None:
            return unknown(Sentence("your sign-in does not say when you authenticated"))
        # Without an end: what AWS handed out lives on, as with a network that somebody leaves.
        if facts.now - seen <= self.within:
            return yes(Sentence("you signed in within the last %(span)s", span=span))
        return no(Sentence("your sign-in is older than %(span)s", span=span))

    def depends_on_request(self) -> bool:
        """Always: the same person may sign in again a minute later."""
        return True


def is_escaped_by_waiting(when: Condition, *, is_wanted: bool = True) -> bool:
    """Whether somebody stops meeting the condition by letting their sign-in grow old."""
    if isinstance(when, SignedInWithin):
        return is_wanted
    if isinstance(when, Not):
        return is_escaped_by_waiting(when.condition, is_wanted=not is_wanted)
    if isinstance(when, All | AnyOf):
        return any(is_escaped_by_waiting(one, is_wanted=is_wanted) for one in when.conditions)
    return False
