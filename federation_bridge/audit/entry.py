"""An entry: one event, when it was, and on whose request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from federation_bridge.audit.events import Event
from federation_bridge.audit.events.command_line import DeviceRefused, TokenRefused
from federation_bridge.audit.events.service import RequestRefused
from federation_bridge.audit.events.session import EndingRefused
from federation_bridge.audit.events.sign_in import SignInRefused
from federation_bridge.model import RequestOrigin


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, when it was, and on whose request."""

    at: datetime
    origin: RequestOrigin
    event: Event
    person: str = ""
    """`connection/subject`, or empty while nobody is known."""
    connection: str = ""
    is_somebodys: bool = False
    """Whether a session, or a message whose signature held, is behind it, though `person` says nobody."""


_REFUSALS = (SignInRefused, DeviceRefused, TokenRefused, RequestRefused, EndingRefused)


def belongs_to_nobody(entry: Entry) -> bool:
    """Whether this is a refusal with no session, no command line and no believed message behind it.

    Anybody can bring about any number of these, so they must not grow the audit. All other entries, alarms above all,
    stay in it.
    """
    return isinstance(entry.event, _REFUSALS) and not entry.person and not entry.is_somebodys


_OF_EVERY_DAY = frozenset({"not_found", "method_not_allowed", "not_signed_in"})


def is_of_every_day(event: Event) -> bool:
    """Whether this tells of no more than that an address was asked for: crawlers, and tabs whose session has ended."""
    return isinstance(event, RequestRefused) and event.code in _OF_EVERY_DAY
