"""What operators are told, as an operator looks at it: whether each place can be reached, and what waits for it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from uuid import uuid4

from federation_bridge import system_clock
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.opening import store_looked_at
from federation_bridge.operator_notices.joined import places_of
from federation_bridge.operator_notices.message import OperatorNotice, bounded, message_of
from federation_bridge.operator_notices.places import Answer
from federation_bridge.operator_notices.waiting import lines
from federation_bridge.settings import Settings

_NO_PLACES = "The settings name no place: nobody is told by mail or webhook (docs/notices.md)."


def tried(settings: Settings, place: str = "") -> Iterator[tuple[str, Answer]]:
    """Sends a notice to each place, or to this one, and gives what it answered; nothing is kept of it.

    ConfigurationInvalid where there is no such place, or none at all.
    """
    places = places_of(settings, system_clock.utc_now)
    if not places:
        raise ConfigurationInvalid(_NO_PLACES)
    if place and place not in places:
        raise ConfigurationInvalid(f"there is no place {place!r}: the settings name {', '.join(places)}")
    now = system_clock.utc_now()
    sentence = bounded(f"{getpass.getuser()} on {os.uname().nodename} tried whether this place is told.")
    notice = OperatorNotice(
        str(uuid4()), "notices.test", now, "A try of notices", sentence, "nothing: it has arrived.", about=place
    )
    message = message_of([notice], settings.base_url, now)
    for name, one in places.items():
        if place in ("", name):
            yield name, one.send(message)


def waiting(settings: Settings) -> Iterator[str]:
    """A line for each place, each notice that waits for it, and what was given up of late."""
    with store_looked_at(settings) as store:
        if not settings.notices.places:
            yield _NO_PLACES
        yield from lines(store, settings, system_clock.utc_now())
