"""Tokens: given for a device code, an authorization code or a refresh token, and taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

from federation_bridge import audit
from federation_bridge.audit import Entry
from federation_bridge.errors import (
    AccessBlocked,
    AccessDenied,
    AccessEnded,
    AuthorizationPending,
    ExpiredCode,
    InvalidGrant,
    InvalidToken,
    OAuthRefused,
    SlowDown,
    UnauthorizedClient,
)
from federation_bridge.model import AuthorizationCode, RequestOrigin, TokenFamily, WhyEnded
from federation_bridge.oauth.audit_recorder import AuditRecorder
from federation_bridge.oauth.clients import Client, client_named
from federation_bridge.oauth.dpop import DpopProof
from federation_bridge.oauth.families import Families, session_of
from federation_bridge.oauth.labels import label_of
from federation_bridge.oauth.messages import AuthorizationRequest, IssuedTokens, Renewal
from federation_bridge.oauth.opaque_secrets import bounded, new_secret
from federation_bridge.oauth.parts import Parts
from federation_bridge.oauth.pkce import why_not_proven
from federation_bridge.oauth.proofs import Proofs
from federation_bridge.store.device_codes import Poll
from federation_bridge.store.token_families import NewTokens, Stale, Telling

LENIENCY = timedelta(seconds=10)
"""So long after its use a refresh token that comes again is refused, and no more."""

_POLLED: dict[Poll, type[OAuthRefused]] = {
    Poll.PENDING: AuthorizationPending,
    Poll.TOO_SOON: SlowDown,
    Poll.DENIED: AccessDenied,
    Poll.EXPIRED: ExpiredCode,
    Poll.UNKNOWN: InvalidGrant,
}

_ENDED: dict[WhyEnded | None, type[InvalidGrant]] = {
    "blocked": AccessBlocked,
    "ended": AccessEnded,
    None: InvalidGrant,
}


class Tokens:
    """The verbs of the token and revocation endpoints."""

    def __init__(self, parts: Parts, recorder: AuditRecorder, proofs: Proofs, families: Families) -> None:
        self._parts = parts
        self._recorder = recorder
        self._proofs = proofs
        self._families = families

    def for_device(
        self, device_code: str, client_id: str, origin: RequestOrigin, proof: DpopProof | None = None
    ) -> IssuedTokens:
        """The first tokens of an approved device, once; else AuthorizationPending, SlowDown, ExpiredCode and so on."""
        client, jkt = self._proofs.asking(client_id, proof)
        if not client.device_flow:
            raise UnauthorizedClient(f"{client_id} has no device flow")
        fresh, telling = self._fresh(client, origin), self._telling("device code", origin)
        outcome = self._parts.store.device_codes.redeem(bounded(device_code), client_id, jkt, fresh, telling)
        if isinstance(outcome, TokenFamily):
            self._check_lives(outcome, origin)
            return self._issued(outcome, fresh)
        refusal = _POLLED[outcome]()
        if outcome in (Poll.UNKNOWN, Poll.DENIED, Poll.EXPIRED):
            self._recorder.token_refused(client_id, origin, refusal, f"device code: {outcome.name.lower()}")
        raise refusal

    def for_code(
        self,
        code: str,
        asked: AuthorizationRequest,
        code_verifier: str,
        origin: RequestOrigin,
        proof: DpopProof | None = None,
    ) -> IssuedTokens:
        """The first tokens for an authorization code (RFC 6749 4.1.3), its client and redirect address in `asked`.

        The code is taken first and checked after: one try. A second use ends what the first one got (4.1.2).
        """
        client, jkt = self._proofs.asking(asked.client_id, proof)
        given = self._parts.store.authorization_codes.take(bounded(code))
        if given is None:
            raise self._end_reused(code, client, origin)
        reason = self._mismatch(given, asked, code_verifier, jkt) or self._other_address(given, client, origin)
        fresh, telling = self._fresh(client, origin), self._telling("authorization code", origin)
        families = self._parts.store.token_families
        family = None if reason else families.collect(given.family_id, jkt, fresh, telling)
        if family is None:
            reason = reason or "its sign-in has ended"
            whose = families.uncollected(given.family_id)
            families.end(given.family_id)
            refusal = InvalidGrant(f"authorization code: {reason}")
            self._recorder.token_refused(client.id, origin, refusal, whose=whose.identity if whose else True)
            raise refusal
        self._check_lives(family, origin)
        return self._issued(family, fresh)

    def refresh(
        self, refresh_token: str, client_id: str, origin: RequestOrigin, proof: DpopProof | None = None
    ) -> IssuedTokens:
        """The next pair of tokens. A refresh token works once; its replay ends the family (RFC 9700 4.14.2).

        Two processes that hold one token may ask at the same moment: for ten seconds after its use a token is only
        refused. Nobody is given what the other got, so a thief gains nothing by asking quickly.
        """
        return self.rotate(self.renewal(refresh_token, client_id, origin, proof), origin)

    def renewal(
        self, refresh_token: str, client_id: str, origin: RequestOrigin, proof: DpopProof | None = None
    ) -> Renewal:
        """What `rotate` needs, with all of its checks made and nothing used up but the proof.

        For a door that has to get something first that may fail: the token then stays good. A replay ends the family.
        """
        client, jkt = self._proofs.asking(client_id, proof)
        now = self._parts.clock()
        family = self._parts.store.token_families.usable(bounded(refresh_token), client_id, jkt)
        if family is None:
            raise self._refused_renewal(refresh_token, client, jkt, now, origin)
        self._check_lives(family, origin)
        return Renewal(refresh_token, client, jkt, now, family, session_of(family))

    def rotate(self, renewal: Renewal, origin: RequestOrigin) -> IssuedTokens:
        """Uses the refresh token up for the next pair: once, whoever else passed `renewal` with it; InvalidGrant."""
        token, client = renewal.refresh_token, renewal.client
        fresh, telling = self._fresh(client, origin), self._telling("refresh token", origin)
        family = self._parts.store.token_families.rotate(token, client.id, renewal.jkt, fresh, telling)
        if family is None:
            raise self._refused_renewal(token, client, renewal.jkt, renewal.asked_at, origin)
        return self._issued(family, fresh)

    def _refused_renewal(
        self, refresh_token: str, client: Client, jkt: str | None, asked_at: datetime, origin: RequestOrigin
    ) -> InvalidGrant:
        families = self._parts.store.token_families
        held = families.holding(refresh_token)
        entries = []
        if held is not None:
            ended = audit.CommandLineEnded(held.id, "a refresh token was used again")
            entries.append(self._recorder.entry_of(held.identity, origin, ended))
        outcome = families.stale(refresh_token, client.id, asked_at - LENIENCY, *entries)
        why = self._why_ended(refresh_token, client, jkt, held) if outcome is Stale.UNKNOWN else None
        refusal = _ENDED[why](f"refresh token: {why or outcome.name.lower()}")
        self._recorder.token_refused(client.id, origin, refusal, whose=held.identity if held else False)
        return refusal

    def _why_ended(
        self, refresh_token: str, client: Client, jkt: str | None, held: TokenFamily | None
    ) -> WhyEnded | None:
        """Whether its person is blocked, or somebody ended it; None also for a program or key that it is not of."""
        if held is None:
            return self._parts.store.ended_holdings.of_refresh_token(refresh_token, client.id, jkt)
        is_theirs = held.client_id == client.id and held.dpop_jkt in (None, jkt)
        return "blocked" if is_theirs and self._parts.store.blocks.about(held.identity.person) else None

    def revoke(self, token: str, client_id: str, origin: RequestOrigin) -> None:
        """Ends the family of this access or refresh token (RFC 7009). Nothing where it is nobody's, or another's."""
        client_named(client_id)
        family = self._parts.store.token_families.holding(token)
        if family is not None and family.client_id == client_id:
            self._families.end(family, "signed out by the program", origin)

    def withdraw(self, issued: IssuedTokens, reason: str, origin: RequestOrigin) -> None:
        """Ends the family of first tokens that never reached their program."""
        ended = audit.CommandLineEnded(issued.family_id, reason)
        entry = self._recorder.entry_of(issued.session.identity, origin, ended)
        self._parts.store.token_families.end(issued.family_id, entry)

    def _fresh(self, client: Client, origin: RequestOrigin) -> NewTokens:
        access, refresh = (new_secret(kind, self._parts.randomness) for kind in ("a", "r"))
        return NewTokens(access, refresh, self._parts.clock() + client.access_life, label_of(origin.user_agent))

    def _telling(self, by: str, origin: RequestOrigin) -> Telling:
        def tell(family: TokenFamily) -> Entry:
            return self._recorder.entry_of(family.identity, origin, audit.TokenIssued(family.id, family.client_id, by))

        return tell

    def _check_lives(self, family: TokenFamily, origin: RequestOrigin) -> None:
        try:
            self._families.check_lives(family, origin)
        except InvalidToken as ended:
            refusal = InvalidGrant(ended.detail)
            self._recorder.token_refused(family.client_id, origin, refusal, whose=family.identity)
            raise refusal from None

    def _issued(self, family: TokenFamily, fresh: NewTokens) -> IssuedTokens:
        ends_at = min(fresh.access_ends_at, family.ends_at)
        return IssuedTokens(
            access_token=fresh.access,
            refresh_token=fresh.refresh,
            expires_in=int((ends_at - self._parts.clock()).total_seconds()),
            family_id=family.id,
            token_type="Bearer" if family.dpop_jkt is None else "DPoP",
            session=session_of(family),
            role=family.role,
        )

    def _end_reused(self, code: str, client: Client, origin: RequestOrigin) -> InvalidGrant:
        family_id = self._parts.store.authorization_codes.family_of(bounded(code))
        if family_id is not None:
            event = audit.CommandLineEnded(family_id, "its authorization code was used again")
            self._parts.store.token_families.end(family_id, self._recorder.entry(origin, event))
        refusal = InvalidGrant("authorization code: unknown or used")
        self._recorder.token_refused(client.id, origin, refusal, whose=family_id is not None)
        return refusal

    def _mismatch(
        self, given: AuthorizationCode, asked: AuthorizationRequest, code_verifier: str, jkt: str | None
    ) -> str | None:
        """Why the code is not this asker's, or None."""
        if given.expires_at <= self._parts.clock():
            return "it has expired"
        if (given.client_id, given.redirect_uri) != (asked.client_id, asked.redirect_uri):
            return "another client or redirect address"
        if given.dpop_jkt is not None and given.dpop_jkt != jkt:
            return "another key"
        return why_not_proven(code_verifier, given.code_challenge)

    def _other_address(self, given: AuthorizationCode, client: Client, origin: RequestOrigin) -> str | None:
        """Why the operator's setting refuses a code that a person carries by hand (attack N01), or None."""
        if not (client.is_carried and self._parts.settings.command_line.refuse_other_address):
            return None
        family = self._parts.store.token_families.uncollected(given.family_id)
        if family is None or family.approved_from == origin.address:
            return None
        return f"approved from {family.approved_from}, redeemed from another address"
