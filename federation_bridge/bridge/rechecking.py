"""Session → Session: asks the identity provider again, at intervals, whether somebody may stay signed in.

An outage of the provider ends no session: for a bounded time it goes on, and nobody waits for a provider that has just
failed. A provider that says no ends the session and its command lines.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.bridge.parts import Parts
from federation_bridge.errors import GrantEnded, NotSignedIn, ProviderUnreachable, SignInDue
from federation_bridge.model import Cause, Identity, RequestOrigin
from federation_bridge.store.provider_material import DueSession

RECHECK = "re-check"
_PAUSE = timedelta(minutes=1)
"""How long this process leaves a provider alone after a failure, and a node a session that another asks about."""
_LOOKS, _BETWEEN_LOOKS, _MOST_WAITING = 20, 0.25, 4
"""A request whose session another one asks about looks for the answer this often, with these seconds in between; and so
many requests of this process may do that at once, for each holds a thread."""

_log = structlog.get_logger(__name__)


class Rechecks:
    """Asks the provider again when that is due."""

    def __init__(self, parts: Parts, wait: Callable[[float], None] = time.sleep) -> None:
        self._parts = parts
        self._wait = wait
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)
        self._failed_at: dict[str, datetime] = {}

    def check(self, session: str, identity: Identity, began_at: datetime) -> None:
        """Passes where the session may go on. `session`: its key; `began_at`: when its sign-in was, at the earliest.

        NotSignedIn where the provider has ended it, and then it has ended here too; SignInDue where only a fresh
        sign-in can tell, or the provider could not be asked for too long.
        """
        configured = self._parts.settings.connections.get(identity.connection)
        if configured is None or configured.recheck_every is None:
            return
        kept = self._parts.store.provider_material.of(session)
        checked_at = began_at if kept is None else kept.checked_at
        due_at = checked_at + configured.recheck_every
        if self._parts.clock() < due_at:
            return
        material = {} if kept is None else self._parts.sealed_material.open(session, kept.sealed)
        if not material.get("refresh_token"):
            raise SignInDue("the provider is to be asked again, by a fresh sign-in", session, identity.connection)
        is_over = self._parts.clock() >= due_at + configured.recheck_grace
        if not self._is_vouched(session, identity, material, checked_at, is_over) and is_over:
            detail = "the provider could not be asked for too long (`recheck_grace`)"
            raise SignInDue(detail, session, identity.connection)

    def ask_unseen(self, due: DueSession) -> bool:
        """Asks about a session that nobody uses at the moment, by its refresh token; waits for nobody.

        False where the provider cannot be asked now: an outage ends nothing. NotSignedIn where it has ended it.
        """
        kept = self._parts.store.provider_material.of(due.key)
        material = {} if kept is None else self._parts.sealed_material.open(due.key, kept.sealed)
        if kept is None or not material.get("refresh_token"):
            return True  # over by now, or only its person can be asked
        return self._is_vouched(due.key, due.identity, material, kept.checked_at, is_over=False)

    def _is_vouched(
        self, session: str, identity: Identity, material: Mapping[str, str], checked_at: datetime, is_over: bool
    ) -> bool:
        """Whether the provider vouches for it, asked here or by another request; waits for that one where `is_over`."""
        failed_at = self._failed_at.get(identity.connection)
        if failed_at is not None and self._parts.clock() - failed_at < _PAUSE:
            return False
        if self._parts.store.provider_material.claim(session, _PAUSE):
            # Another one may have been quicker since ours was read: a refresh token that is used twice looks stolen.
            return self._is_newer(session, checked_at) or self._ask(session, identity, material)
        return is_over and self._is_vouched_soon(session, checked_at)

    def _is_vouched_soon(self, session: str, checked_at: datetime) -> bool:
        """Whether the request that asks gets a yes within a few seconds; False where too many wait for one already."""
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            for _ in range(_LOOKS):
                if self._is_newer(session, checked_at):
                    return True
                self._wait(_BETWEEN_LOOKS)
            return self._is_newer(session, checked_at)
        finally:
            self._waiting.release()

    def _is_newer(self, session: str, checked_at: datetime) -> bool:
        """Whether the provider has vouched since; NotSignedIn where the session has ended meanwhile."""
        kept = self._parts.store.provider_material.of(session)
        if kept is None:
            raise NotSignedIn("the session has ended while its provider was asked")
        return kept.checked_at > checked_at

    def _ask(self, session: str, identity: Identity, material: Mapping[str, str]) -> bool:
        """Whether the provider has vouched for the session; NotSignedIn where it has ended it."""
        connection, now = identity.connection, self._parts.clock()
        try:
            renewed = self._parts.connectors[connection].recheck(material)
        except GrantEnded as refusal:
            event = audit.EndedByProvider(RECHECK, "", "", sessions=1)
            origin = RequestOrigin(reference=RECHECK)
            entry = Entry(now, origin, event, person=identity.person, connection=connection)
            self._parts.store.sessions.end(session, entry)
            if "re-check" in self._parts.settings.connections[connection].aws_ends_after:
                cause = Cause("re-check", connection, "the provider was asked again and said no", connection)
                self._parts.endings.end_person(identity.person, cause, in_aws=True)
            raise NotSignedIn(f"the identity provider has ended it: {refusal.detail}") from None
        except ProviderUnreachable as failure:
            self._failed_at[connection] = now
            _log.warning("a provider could not be asked again", connection=connection, detail=failure.detail)
            return False
        if renewed is None:
            return False
        self._parts.store.provider_material.vouched(session, self._parts.sealed_material.seal(session, renewed))
        return True
