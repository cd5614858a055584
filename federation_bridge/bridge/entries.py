"""The audit entries of the operations: each names who asked and, after a failure, the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import structlog

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.bridge.parts import Parts
from federation_bridge.bridge.sign_in_record import Details, checks_of, received_of
from federation_bridge.errors import (
    AnswerNotGranted,
    BridgeError,
    SignInRejected,
    Unforeseen,
    VerifiersDisagree,
    place_of,
)
from federation_bridge.grant import RoleRequest
from federation_bridge.model import Caller, Grant, LiveGrant, RequestOrigin
from federation_bridge.sign_in_checks import Record
from federation_bridge.store.hand_overs import Acting

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
        self, connection: str, origin: RequestOrigin, refusal: BridgeError, record: Record, *, was_signed_in: bool
    ) -> None:
        """Records that an identity provider's answer was refused; `was_signed_in`: the browser had a session.

        The entry names the person of a message whose signature is valid; not where our two verifiers disagree about it.
        """
        if isinstance(refusal, Unforeseen):
            _log.error("unforeseen at an arrival", reference=origin.reference, exc_info=refusal.__cause__)
        is_believed = isinstance(refusal, SignInRejected) and refusal.is_believed
        is_doubtful = isinstance(refusal, VerifiersDisagree | Unforeseen)
        entry = Entry(
            self._parts.clock(),
            origin,
            _refusal(refusal, self.checked(record, is_refused=True)),
            person=record.person() if is_believed and not is_doubtful else "",
            connection=connection,
        )
        self._parts.audit.record(replace(entry, is_somebodys=is_believed or was_signed_in))
        refusal.is_recorded = True

    def checked(self, record: Record, *, is_refused: bool) -> dict[str, Details]:
        """What an event says of an arrival: its `checks`, and what was `received`."""
        values = self._parts.settings.audit.sign_in_values
        checks = checks_of(record.finished(is_refused=is_refused))
        return {"checks": checks, "received": received_of(record.received(), values, is_refused=is_refused)}

    def grant_refused(self, caller: Caller, role_request: RoleRequest, refusal: BridgeError) -> None:
        """Records that nothing was granted."""
        self.record(
            caller, audit.GrantRefused(account=role_request.account, role=role_request.role, reason=refusal.detail)
        )
        refusal.is_recorded = True

    @contextmanager
    def of_failures(self, caller: Caller, grant: Grant) -> Iterator[None]:
        """Records that a grant failed, and why, before the failure is raised again: also an unforeseen failure."""
        try:
            yield
        except Exception as failure:
            refusal = failure if isinstance(failure, BridgeError) else _unforeseen(failure, caller.origin)
            self._grant_failed(caller, grant, refusal)
            refusal.is_recorded = True
            if refusal is not failure:
                raise refusal from failure
            raise

    def _grant_failed(self, caller: Caller, grant: Grant, refusal: BridgeError) -> None:
        """Records the failure, and in the ledger what it says of a session: none, another one, or nothing certain."""
        failed = audit.GrantFailed(grant_id=grant.id, code=refusal.code, detail=refusal.detail)
        ledger = self._parts.store.live_grants
        if refusal.is_unissued:
            ledger.came_to_nothing(grant.id, self.of(caller, failed))
        elif isinstance(refusal, AnswerNotGranted) and refusal.expires_at is not None:
            key, ends_at = refusal.access_key_id, refusal.expires_at
            sold = replace(LiveGrant.of(grant, ends_at=ends_at, is_handed_over=False), access_key_id=key)
            told = replace(failed, access_key_id=key, expires_at=ends_at)
            ledger.completed(sold, self.of(caller, told), Acting.of(caller))
        else:
            self.record(caller, failed)


def _refusal(refusal: BridgeError, checked: dict[str, Details]) -> audit.Event:
    if isinstance(refusal, VerifiersDisagree):
        return audit.VerifiersDisagreed(refusal.detail, refusal.code, **checked)
    return audit.SignInRefused(reason=refusal.detail, code=refusal.code, **checked)


def _unforeseen(failure: Exception, origin: RequestOrigin) -> BridgeError:
    """What no code foresaw, as a failure of ours; the log alone has its trace."""
    _log.error("unforeseen in a grant", reference=origin.reference, exc_info=failure)
    return BridgeError(f"what no code foresaw: {place_of(failure)}")
