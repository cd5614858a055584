"""The operations that sign command lines in, keep them signed in and end them. Every protocol endpoint calls them.

Read its parts in the order of a sign-in: `devices` or `codes`, then `tokens`, then `access`; `families` end it all.
"""

from __future__ import annotations

from dataclasses import dataclass

from federation_bridge.oauth.access import Access
from federation_bridge.oauth.audit_recorder import AuditRecorder
from federation_bridge.oauth.codes import Codes
from federation_bridge.oauth.devices import Devices
from federation_bridge.oauth.families import Families
from federation_bridge.oauth.parts import Parts
from federation_bridge.oauth.places import Places
from federation_bridge.oauth.proofs import Proofs
from federation_bridge.oauth.tokens import Tokens

__all__ = ["AuthorizationServer", "authorization_server"]


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """The verbs by their noun. Errors carry the RFCs' codes (`oauth_error`)."""

    devices: Devices
    codes: Codes
    tokens: Tokens
    access: Access
    families: Families
    places: Places
    """Where people are shown that an address lies."""


def authorization_server(parts: Parts) -> AuthorizationServer:
    """The server that works with these parts."""
    recorder = AuditRecorder(parts)
    proofs, families = Proofs(parts), Families(parts, recorder)
    return AuthorizationServer(
        devices=Devices(parts, recorder, proofs, families),
        codes=Codes(parts, recorder, families),
        tokens=Tokens(parts, recorder, proofs, families),
        access=Access(parts, proofs, families),
        families=families,
        places=parts.places,
    )
