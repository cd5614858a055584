"""What the audit hears of the verbs: who asked is always told, and why it came to nothing where it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import structlog

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.bridge.parts import Parts
from federation_bridge.errors import BridgeError, SignInRejected, Unforeseen, VerifiersDisagree, place_of
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Grant, RequestOrigin

_log = structlog.get_logger(__name__)


class Entries:
    """Makes entries for the store's transactions, and records those that belong to none."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def of(self, caller: Caller, event: audit.Event) -> Entry:
        """An entry at this instant about the caller."""
        identity = caller.session.identity
        return Entry(self._parts.clock(), caller.origin, event, person=identity.person, connection=identity.connection)

    def record(self, caller: Caller, event: audit.Event) -> None:
        """Records an entry at this instant about the caller."""
        self._parts.audit.record(self.of(caller, event))

    def sign_in_refused(
        self, connection: str, origin: RequestOrigin, refusal: BridgeError, *, was_signed_in: bool
    ) -> None:
        """Records that an identity provider's answer was not believed; `was_signed_in`: by a browser with a session."""
        if isinstance(refusal, Unforeseen):
            _log.error("unforeseen at an arrival", reference=origin.reference, exc_info=refusal.__cause__)
        entry = Entry(self._parts.clock(), origin, _refusal(refusal), connection=connection)
        is_believed = isinstance(refusal, SignInRejected) and refusal.is_believed
        self._parts.audit.record(replace(entry, is_somebodys=is_believed or was_signed_in))
        refusal.is_recorded = True

    def grant_refused(self, caller: Caller, role_request: RoleRequest, refusal: BridgeError) -> None:
        """Records that nothing was granted."""
        self.record(
            caller, audit.GrantRefused(account=role_request.account, role=role_request.role, reason=refusal.detail)
        )
        refusal.is_recorded = True

    @contextmanager
    def of_failures(self, caller: Caller, grant: Grant) -> Iterator[None]:
        """Records that a grant came to nothing, and why, before the failure goes on: also one that nobody foresaw."""
        try:
            yield
        except Exception as failure:
            refusal = failure if isinstance(failure, BridgeError) else _unforeseen(failure, caller.origin)
            event = audit.GrantFailed(grant_id=grant.id, code=refusal.code, detail=refusal.detail)
            self.record(caller, event)
            refusal.is_recorded = True
            if refusal is not failure:
                raise refusal from failure
            raise


def _refusal(refusal: BridgeError) -> audit.Event:
    if isinstance(refusal, VerifiersDisagree):
        return audit.VerifiersDisagreed(reason=refusal.detail)
    return audit.SignInRefused(reason=refusal.detail, code=refusal.code)


def _unforeseen(failure: Exception, origin: RequestOrigin) -> BridgeError:
    """What no code foresaw, as a failure of ours; the log alone has its trace."""
    _log.error("unforeseen in a grant", reference=origin.reference, exc_info=failure)
    return BridgeError(f"what no code foresaw: {place_of(failure)}")
