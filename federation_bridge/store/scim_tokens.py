"""Bearer tokens of SCIM clients: of each, the hash, whose it is, and when it was used last."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, delete, select

from federation_bridge.audit import Entry
from federation_bridge.model import Clock, ScimToken
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.digests import digest_of
from federation_bridge.store.rows import Rows
from federation_bridge.store.statements import Row
from federation_bridge.store.tables import SCIM_TOKENS
from federation_bridge.store.writing import Writing

MOST_TOKENS = 2
"""Of one connection: the old one goes on until the client has the new one."""
_SEEN_EVERY = timedelta(minutes=1)

_OF_CONNECTION = select(SCIM_TOKENS).where(SCIM_TOKENS.c.connection == bindparam("whose")).order_by(SCIM_TOKENS.c.id)
_LOCKED = _OF_CONNECTION.with_for_update()
_REMOVE = delete(SCIM_TOKENS).where(
    SCIM_TOKENS.c.connection == bindparam("whose"), SCIM_TOKENS.c.id == bindparam("which")
)


class ScimTokens:
    """The tokens by connection. A reader of the database can use none of them."""

    def __init__(self, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock

    def of(self, connection: str) -> tuple[ScimToken, ...]:
        """The connection's tokens, the oldest first."""
        found = self._rows.all(_OF_CONNECTION, {"whose": connection}, SCIM_TOKENS)
        return tuple(sorted(map(_token, found), key=lambda one: (one.made_at, one.id)))

    def digests(self, connection: str) -> tuple[tuple[str, ScimToken], ...]:
        """The connection's tokens, each with what `digest_of_token` gives for it."""
        found = self._rows.all(_OF_CONNECTION, {"whose": connection}, SCIM_TOKENS)
        return tuple((row.token, _token(row)) for row in found)

    def add(self, token: ScimToken, secret: str, *entries: Entry) -> bool:
        """Adds a token, audited; False, and nothing written, where the connection has `MOST_TOKENS` already."""

        def work(writing: Writing) -> bool:
            # Counted as they stand, forged ones too: those take a place until an operator revokes them.
            if len(writing.execute(_LOCKED, {"whose": token.connection}).all()) >= MOST_TOKENS:
                return False
            row = {"connection": token.connection, "id": token.id, "token": digest_of_token(secret)}
            writing.insert(SCIM_TOKENS, {**row, "made_at": token.made_at, "last_used_at": None})
            writing.record(*entries)
            return True

        return self._audit.transact(work)

    def remove(self, connection: str, token_id: str, *entries: Entry) -> bool:
        """Removes a token for good, audited; False where there is none. Changes under way by it are waited for."""

        def work(writing: Writing) -> bool:
            if not writing.execute(_REMOVE, {"whose": connection, "which": token_id}).rowcount:
                return False
            writing.record(*entries)
            return True

        return self._audit.transact(work)

    def used(self, token: ScimToken) -> None:
        """The token is used now. Writes at most once a minute and token."""
        now = self._clock()
        if token.last_used_at is not None and now - token.last_used_at <= _SEEN_EVERY:
            return

        def work(writing: Writing) -> None:
            for row in writing.rows(_LOCKED, {"whose": token.connection}, SCIM_TOKENS):
                if row.id == token.id:
                    writing.change(SCIM_TOKENS, row, last_used_at=now)

        self._audit.transact(work, durable=False)


def digest_of_token(secret: str) -> str:
    """What is kept of a token in its place."""
    return digest_of("scim token", secret)


def lock_in(writing: Writing, connection: str) -> set[str]:
    """Holds the connection's tokens until the end of this transaction; gives the ids of those that hold.

    Of all who change what one connection's client tells, one does so at a time.
    """
    return {row.id for row in writing.rows(_LOCKED, {"whose": connection}, SCIM_TOKENS)}


def _token(row: Row) -> ScimToken:
    return ScimToken(row.connection, row.id, row.made_at, row.last_used_at)
