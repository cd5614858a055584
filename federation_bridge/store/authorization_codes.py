"""Authorization codes (RFC 6749 4.1): each is taken once, and its second use is noticed."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from federation_bridge.audit import Entry
from federation_bridge.model import AuthorizationCode, Clock, TokenFamily
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.digests import digest_of
from federation_bridge.store.rows import Rows
from federation_bridge.store.tables import AUTHORIZATION_CODES
from federation_bridge.store.token_families import insert_family
from federation_bridge.store.writing import Writing

_ONE = select(AUTHORIZATION_CODES).where(AUTHORIZATION_CODES.c.code == bindparam("digest"))
_LOCKED = _ONE.with_for_update()


class AuthorizationCodes:
    """The codes on their way from a browser to a program on the same machine."""

    def __init__(self, rows: Rows, audit: AuditTable, clock: Clock) -> None:
        self._rows = rows
        self._audit = audit
        self._clock = clock

    def issue(self, code: str, given: AuthorizationCode, family: TokenFamily, *entries: Entry) -> None:
        """Remembers a code and the family that it will be collected for, with these audit entries.

        NotSignedIn where the session that approved has ended.
        """
        row = {
            "code": digest_of("authorization code", code),
            "client_id": given.client_id,
            "redirect_uri": given.redirect_uri,
            "code_challenge": given.code_challenge,
            "dpop_jkt": given.dpop_jkt,
            "family": family.id,
            "used": False,
            "expires_at": given.expires_at,
        }

        def work(writing: Writing) -> None:
            insert_family(writing, family, self._clock())
            writing.insert(AUTHORIZATION_CODES, row)
            writing.record(*entries)

        self._audit.transact(work)

    def take(self, code: str) -> AuthorizationCode | None:
        """What the code was given for, at most once, ever; None where it is unknown or was taken before."""
        asked = {"digest": digest_of("authorization code", code)}
        with self._audit.writing() as writing:
            row = writing.row(_LOCKED, asked, AUTHORIZATION_CODES)
            if row is None or row.used:
                return None
            writing.change(AUTHORIZATION_CODES, row, used=True)
        return AuthorizationCode(
            client_id=row.client_id,
            redirect_uri=row.redirect_uri,
            code_challenge=row.code_challenge,
            family_id=row.family,
            expires_at=row.expires_at,
            dpop_jkt=row.dpop_jkt,
        )

    def family_of(self, code: str) -> str | None:
        """Id of the family for which a code was given, used ones included; None where it is unknown or has ended."""
        row = self._rows.one(_ONE, {"digest": digest_of("authorization code", code)}, AUTHORIZATION_CODES)
        return None if row is None else str(row.family)
