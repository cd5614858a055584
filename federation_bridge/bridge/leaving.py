"""What leaves the bridge with a person or for a program: redirects elsewhere, and a statement for a grant."""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.aws.statement import Statement
from federation_bridge.model import Departure, Grant


@dataclass(frozen=True, slots=True)
class Leaving:
    """A person leaves for their identity provider: the way, and what the browser is to hold until they are back."""

    departure: Departure
    handle: str
    sealed: str


@dataclass(frozen=True, slots=True)
class SigningOut:
    """A person leaves to sign out at their identity provider: the way, and what tells the answer."""

    departure: Departure
    connection: str
    handle: str


@dataclass(frozen=True, slots=True)
class WebIdentityToken:
    """A statement that left the bridge: whoever holds it is, until its end, the grant's person in the grant's role."""

    grant: Grant
    statement: Statement
