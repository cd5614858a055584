"""RequestOrigin: who asks, as far as a request tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """Who asks, as far as the request tells. The audit says it of every decision."""

    reference: str
    """The short number that a person can quote and an operator can search for."""
    address: str = ""
    user_agent: str = ""
