"""How often somebody may try: against guessing user codes, and against flooding us with codes (ADR 0014)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from federation_bridge.addresses import networks_around
from federation_bridge.model import Identity
from federation_bridge.store.rate_limits import Limit

WITHIN = timedelta(minutes=10)
_MOST_WRONG = 5
_MOST_WRONG_OF_CONNECTION = 2_000
_MOST_LET_IN = 60
_MOST_BEGUN = {"address": 60, "/24": 240, "/64": 60, "/56": 120, "/48": 240}
"""By the width of the network: each wider one takes more than one narrower one can use up."""
_FOR_EACH_PERSON = 20
_MOST_OF_ONE_NETWORK = 2_000
"""However many people are there: a fifth of what there is in all."""
_MOST_BEGUN_IN_ALL = 10_000

CountPeople = Callable[[Sequence[str], int], Sequence[int]]
"""`Neighbours.people`: how many people are signed in from each of these networks, no more than so many."""


def guess_limits(who: Identity) -> tuple[Limit, ...]:
    """What a typed user code is counted against, right or wrong (attack N02); a right one is given back.

    Whoever types is signed in, so it is the person who is counted and never the address: colleagues share that.
    """
    return (
        Limit("user code by person", who.person, _MOST_WRONG, WITHIN),
        # Against an identity provider that makes up people: it stops the guesses of its own people alone.
        Limit("user code by connection", who.connection, _MOST_WRONG_OF_CONNECTION, WITHIN),
    )


def let_in_limits(who: Identity) -> tuple[Limit, ...]:
    """What each command line that a person lets in is counted against, whatever becomes of it.

    Whoever changes what a person holds (an end, a lost group) changes each of their command lines in one transaction.
    """
    return (Limit("command line by person", who.person, _MOST_LET_IN, WITHIN),)


def begun_limits(address: str, people: CountPeople) -> tuple[Limit, ...]:
    """What a new device code is counted against (attack N03): the networks around the address, then all together.

    Each takes more for each person who is signed in from it. Where somebody is, strangers elsewhere use up nothing.
    """
    around = networks_around(address)
    most_people = _MOST_OF_ONE_NETWORK // _FOR_EACH_PERSON
    counted = people([network.digits for network in around], most_people)
    whose = "neighbours" if counted and counted[0] else "strangers"
    narrow = [
        Limit(
            f"device code of {whose} by {network.width}",
            network.digits,
            _MOST_BEGUN[network.width],
            WITHIN,
            min(count * _FOR_EACH_PERSON, _MOST_OF_ONE_NETWORK - _MOST_BEGUN[network.width]),
        )
        for network, count in zip(around, counted, strict=True)
    ]
    nowhere = Limit("device code by address", "unknown", _MOST_BEGUN["address"], WITHIN)
    return (*(narrow or [nowhere]), Limit(f"device code of {whose}", "everybody", _MOST_BEGUN_IN_ALL, WITHIN))
