"""Asks providers again about sessions that nobody uses, as long as their people hold AWS sessions.

Somebody who has left clicks nothing any more. Where no provider sends events, they would otherwise keep their AWS
sessions until these end by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from federation_bridge.administration.lease import Lease
from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Clock
from federation_bridge.settings import Settings
from federation_bridge.store import Store
from federation_bridge.store.provider_material import DueSession

_log = structlog.get_logger(__name__)

_LEASE = "asking providers again"
_LEASED_FOR = timedelta(minutes=5)
_AT_MOST = timedelta(minutes=2)
"""After so long no further session is asked about: well before the lease ends, however slow a provider is."""
_PAUSE = timedelta(minutes=1)
MOST = 50
"""Sessions of one connection that one look asks about; with a look each minute, 3,000 in an hour."""


@dataclass(frozen=True, slots=True)
class UnseenSessions:
    """One node looks at a time, and only one node asks about any one session."""

    store: Store
    settings: Settings
    clock: Clock
    ask: Callable[[DueSession], bool]
    """False where the provider cannot be asked now; NotSignedIn where it has ended the session."""

    def look(self) -> int:
        """Asks about what is due; gives how many sessions ended. Unavailable as the store."""
        with Lease(self.store.service_marks, self.clock, _LEASE, _LEASED_FOR).held() as is_ours:
            return sum(map(self._look_at, self._connections())) if is_ours else 0

    def _connections(self) -> tuple[str, ...]:
        """Those where a provider's no ends AWS sessions. Of others, a session is asked about only when it is used."""
        found = self.settings.connections.items()
        return tuple(name for name, one in found if one.recheck_every and "re-check" in one.aws_ends_after)

    def _look_at(self, connection: str) -> int:
        every, ended = self.settings.connections[connection].recheck_every or timedelta(0), 0
        until = self.clock() + _AT_MOST
        for due in self.store.provider_material.due(connection, every, _PAUSE, MOST):
            if self.clock() >= until:
                break
            try:
                if not self.ask(due):
                    break  # an outage: the others would wait for the same
            except NotSignedIn as refusal:
                ended += 1
                _log.info("a session that nobody used has ended", connection=connection, detail=refusal.detail)
        return ended
