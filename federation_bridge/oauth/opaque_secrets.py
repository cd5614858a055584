"""Codes and tokens: random bits that mean nothing to anybody else, behind a prefix."""

from __future__ import annotations

from typing import Literal

from federation_bridge.errors import InvalidGrant
from federation_bridge.model import Randomness

LONGEST = 256
"""No code or token of ours is longer; what is, is not looked up."""


def new_secret(kind: Literal["a", "r", "d", "c"], randomness: Randomness) -> str:
    """A fresh access token, refresh token, device code or authorization code: 256 random bits.

    The prefix lets secret scanners recognise what leaked.
    """
    return f"fb{kind}_{randomness(32).hex()}"


def bounded(secret: str) -> str:
    """The code or token as it came; InvalidGrant for one longer than any of ours."""
    if len(secret) > LONGEST:
        raise InvalidGrant("a code or token longer than any of ours")
    return secret
