"""How a provider's public key is called where people compare it with what the provider publishes."""

from __future__ import annotations

from federation_bridge.redaction import masked

_GROUP = 16


def readable(name: str) -> str:
    """A fingerprint, thumbprint or kid; where it looks like a secret, in groups of sixteen characters.

    As one run log and audit would mask what an administrator has to compare. What is published is no secret.
    """
    if masked(name) == name:
        return name
    return " ".join(name[at : at + _GROUP] for at in range(0, len(name), _GROUP))
