"""What happens to our keys by themselves, as a value: `notices.py` names it for the audit."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.model import Notice


@dataclass(frozen=True, slots=True)
class FirstKeyMade(Notice):
    """A purpose had no key; this process made one, and it is the one that stands."""

    purpose: str
    kid: str
