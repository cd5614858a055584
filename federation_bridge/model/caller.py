"""Caller: who asks, and where the request comes from."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.model.identity import Session
from federation_bridge.model.request_origin import RequestOrigin


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person who asks for something. A door makes it once for a request; verbs and conditions read it."""

    session: Session
    origin: RequestOrigin
    """What the audit says of the request."""
    source_address: str = ""
    """The address from which the person asks, "" where it is not known for certain: no trust hangs on a guess.

    The address in `origin` may be that of a proxy that nobody vouches for, and that lends it to everybody behind it.
    """
    is_command_line: bool = False
    """Whether a program asks with a token, and no browser with its cookie."""
