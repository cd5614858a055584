"""Operators are told what they have to do: by mail and by webhook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from federation_bridge.audit.events import Event


@dataclass(frozen=True, slots=True)
class NoticeDue(Event):
    """Something that no request brought about has to be told to an operator: an end that comes near, say."""

    name: ClassVar[str] = "notice.due"
    kind: str
    detail: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class NoticesGivenUp(Event):
    """A place did not take notices, and is not tried any more with these."""

    name: ClassVar[str] = "notices.given_up"
    place: str
    problem: str
    """What it answered last."""
    count: int
    kinds: Mapping[str, int]
