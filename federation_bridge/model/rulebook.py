"""A version of the rulebook: the text of rules and register at one time, and who put it in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ProposedVersion:
    """What shall be in force next."""

    text: str
    """Rules and register as one document (`rulebook.texts`)."""
    author: str
    reason: str
    origin: str
    """By which road it came: `files` or `command`."""


@dataclass(frozen=True, slots=True)
class RulebookVersion:
    """What was proposed and came into force. Numbers only rise; a return to an older text is a new version."""

    number: int
    digest: str
    """SHA-256 of the text, in hexadecimal digits: what `grant.made` names."""
    made_at: datetime
    author: str
    reason: str
    origin: str
    text: str = ""
    """Rules and register as one document; "" in a list of versions."""
