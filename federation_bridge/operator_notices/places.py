"""A place that is told, and what it said to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from federation_bridge.operator_notices.message import Message


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one message."""

    result: Literal["sent", "retried", "refused"]
    """`retried`: it is tried again later. `refused`: it would be refused again as it is."""
    told: str
    """What the place said, in a sentence without secrets."""


class Place(Protocol):
    """Tells one place. What it runs into is an answer, too: nothing is raised."""

    def send(self, message: Message) -> Answer:
        """Sends this once, in bounded time."""
