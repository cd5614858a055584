"""Families of tokens: what one approval by one person in one browser session lets in, until it ends as a whole.

A family ends with that session's sign-out, at its limit, when the person has no role left, at a replay, or when
somebody says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from federation_bridge import audit
from federation_bridge.errors import AccessDenied, InvalidToken, NotSignedIn
from federation_bridge.model import Caller, DeviceRequest, Identity, RequestOrigin, Session, TokenFamily
from federation_bridge.oauth.audit_recorder import AuditRecorder
from federation_bridge.oauth.clients import FEDBRIDGE_ADMINISTRATION, Client, title_of
from federation_bridge.oauth.limits import let_in_limits
from federation_bridge.oauth.messages import HeldCommandLine
from federation_bridge.oauth.parts import Parts
from federation_bridge.oauth.places import Places
from federation_bridge.store.rate_limits import demand_few

FAMILY_LIFE = timedelta(hours=12)


class Families:
    """Makes families, tells whether one still holds, and ends them."""

    def __init__(self, parts: Parts, recorder: AuditRecorder) -> None:
        self._parts = parts
        self._recorder = recorder

    def made(self, client: Client, caller: Caller, request: DeviceRequest | None = None) -> TokenFamily:
        """A family that the caller lets in: a waiting device, or a program that sent the browser here.

        Not yet stored, and counted. AccessDenied where they have no role at all, and the client does not administer.
        What one that does may do is asked of the rules at each request. TooManyTries where they let in very many.
        """
        if not client.administers and not self._has_a_role(caller.session.identity):
            raise AccessDenied("the person has no role")
        demand_few(self._parts.store.rate_limits, let_in_limits(caller.session.identity))
        now, session = self._parts.clock(), caller.session
        return TokenFamily(
            id=self._parts.randomness(16).hex(),
            client_id=client.id,
            label="" if request is None else request.label,
            approved_in=session.key,
            identity=session.identity,
            started_at=now,
            last_used_at=now,
            ends_at=self.end_in(session, client),
            way="browser" if request is None else "device",
            approved_from=caller.origin.address,
        )

    def end_in(self, session: Session, client: Client) -> datetime:
        """When a family of this client that this session approves now would end.

        One that administers ends as soon as its sign-in is too old for that. Its identity cannot say so where the
        provider tells no time: what we put there would be taken for the provider's word.
        """
        # The session's own end is the smallest of the connection's limit, the absolute one and the provider's.
        now = self._parts.clock()
        end = min(session.ends_at, now + FAMILY_LIFE)
        within = self._parts.settings.sessions.administration
        return min(end, min(session.authenticated_at, now) + within) if client.administers else end

    def check_lives(self, family: TokenFamily, origin: RequestOrigin) -> None:
        """Nothing where its person may still come in; InvalidToken otherwise. Without any role it ends here."""
        if family.identity.connection not in self._parts.connections:
            raise InvalidToken(f"connection {family.identity.connection} is gone")
        try:
            self._parts.recheck(family.approved_in, family.identity, family.started_at)
        except NotSignedIn as refusal:
            raise InvalidToken(refusal.detail) from None
        if family.client_id != FEDBRIDGE_ADMINISTRATION and not self._has_a_role(family.identity):
            self.end(family, "the person has no role left", origin)
            raise InvalidToken("the person has no role left")

    def end(self, family: TokenFamily, reason: str, origin: RequestOrigin) -> None:
        """Ends a family, audited; nothing where it has ended."""
        entry = self._recorder.entry_of(family.identity, origin, audit.CommandLineEnded(family.id, reason))
        self._parts.store.token_families.end(family.id, entry)

    def end_own(self, family_id: str, caller: Caller) -> None:
        """Ends one of the caller's own command lines; nothing where it is not theirs."""
        for family in self.of_person(caller.session):
            if family.id == family_id:
                self.end(family, "ended by its person", caller.origin)

    def of_person(self, session: Session) -> tuple[TokenFamily, ...]:
        """The command lines that this person has let in and that still hold, newest first."""
        return self._parts.store.token_families.living(session.identity.person)

    def shown(self, session: Session) -> tuple[HeldCommandLine, ...]:
        """The same, as a page shows them."""
        return tuple(held(family, self._parts.places) for family in self.of_person(session))

    def beginnings(self, session: Session) -> tuple[datetime, ...]:
        """When each of this person's command lines that hold was let in: one small query."""
        return self._parts.store.token_families.beginnings(session.identity.person)

    def _has_a_role(self, identity: Identity) -> bool:
        # Who asks from the wrong network for once has nothing now, and yet shall not have to sign in again.
        return self._parts.rulebook.current().may_have_a_role(identity, self._parts.clock())


def held(family: TokenFamily, places: Places) -> HeldCommandLine:
    """A family as people see it."""
    return HeldCommandLine(title_of(family.client_id), family, places(family.approved_from))


def approved(family: TokenFamily, request: DeviceRequest | None = None) -> audit.CommandLineApproved:
    """The event of an approval: of a waiting device's request, or in the browser where there is none."""
    return audit.CommandLineApproved(
        family_id=family.id,
        client=family.client_id,
        way=family.way,
        ends_at=family.ends_at,
        label=family.label,
        begun_by="" if request is None else request.origin.reference,
        begun_from="" if request is None else request.origin.address,
        role=family.role,
    )


def session_of(family: TokenFamily) -> Session:
    """The session that its tokens open. It is named by the family, so that signing it out ends the family."""
    return Session(
        key=family.id,
        identity=family.identity,
        started_at=family.started_at,
        last_seen_at=family.last_used_at,
        ends_at=family.ends_at,
        rulebook=family.rulebook,
    )
