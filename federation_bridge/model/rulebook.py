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
    foreseen: str = ""
    """What was shown of it (`administration.foreseen`); "": nothing was."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes the rulebook: what people call them, and who they are where they signed in."""

    name: str
    connection: str = ""
    """"": nobody signed in (a command, a pipeline)."""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class ChangeProposal:
    """A change that waits for a second person, or did."""

    id: str
    digest: str
    """SHA-256 of the proposed text, in hexadecimal digits."""
    text: str
    base_number: int
    base_digest: str
    """The version over which it was made: it holds for that one alone."""
    author: Author
    reason: str
    origin: str
    made_at: datetime
    state: str = "waits"
    """`waits`, `approved` or `closed`."""
    decided_by: str = ""
    decided_reason: str = ""
    foreseen: str = ""
    """What whoever proposed it was shown; "" in a list."""


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
    foreseen: str = ""
    """What was shown when it came into force, and when it was proposed; decides nothing, "" in a list of versions."""
