"""The audit entries of the authorization server: who asked is always told, and whose it was where somebody is known."""

from __future__ import annotations

from dataclasses import replace

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.errors import BridgeError, OAuthRefused
from federation_bridge.model import Caller, Identity, RequestOrigin
from federation_bridge.oauth.parts import Parts


class AuditRecorder:
    """Makes entries for the store's transactions, and records those that belong to none."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def entry(self, origin: RequestOrigin, event: audit.Event) -> Entry:
        """An entry at this instant, of nobody who is known."""
        return Entry(self._parts.clock(), origin, event)

    def entry_of(self, identity: Identity, origin: RequestOrigin, event: audit.Event) -> Entry:
        """An entry at this instant about this person."""
        return replace(self.entry(origin, event), person=identity.person, connection=identity.connection)

    def entry_by(self, caller: Caller, event: audit.Event) -> Entry:
        """An entry at this instant about the caller."""
        return self.entry_of(caller.session.identity, caller.origin, event)

    def device_refused(self, caller: Caller, refusal: BridgeError) -> None:
        """Records that a typed code or an approval was not taken."""
        event = audit.DeviceRefused(reason=refusal.detail, code=refusal.code)
        self._parts.audit.record(self.entry_by(caller, event))
        refusal.is_recorded = True

    def token_refused(
        self,
        client_id: str,
        origin: RequestOrigin,
        refusal: OAuthRefused,
        reason: str = "",
        *,
        whose: Identity | bool = False,
    ) -> None:
        """Records that a code or token was not taken.

        `whose`: the person of its command line; True where there is one, but it says no more whose it was.
        """
        event = audit.TokenRefused(client=client_id, reason=reason or refusal.detail, code=refusal.oauth_error)
        known = self.entry_of(whose, origin, event) if isinstance(whose, Identity) else self.entry(origin, event)
        self._parts.audit.record(replace(known, is_somebodys=whose is not False))
        refusal.is_recorded = True
