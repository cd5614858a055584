"""Visit: who is asking."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is asking, as far as the wire tells: what the audit says about every decision."""

    reference: str
    """The short number that a person can quote and an operator can search for."""
    address: str = ""
    user_agent: str = ""
