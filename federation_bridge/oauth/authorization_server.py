"""The verbs by which command lines are let in, kept in and put out. Every dialect's door stands before these.

A family of tokens descends from one approval by one person in one browser session. It ends with that session's
sign-out, at its limit, when the person has no role left, at a replay, or when somebody says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from federation_bridge import audit
from federation_bridge.audit import AuditLog, Entry
from federation_bridge.errors import (
    AccessDenied,
    AuthorizationPending,
    ExpiredCode,
    InvalidDpopProof,
    InvalidGrant,
    InvalidToken,
    NotSignedIn,
    OAuthRefused,
    OtherAddress,
    SlowDown,
    TooManyTries,
    UnauthorizedClient,
    Unavailable,
    WrongUserCode,
)
from federation_bridge.keys import KeyRing, Purpose
from federation_bridge.model import (
    AuthorizationCode,
    Clock,
    DeviceRequest,
    Identity,
    Randomness,
    Session,
    TokenFamily,
    Visit,
)
from federation_bridge.oauth.approval import check_may_approve, is_fresh
from federation_bridge.oauth.clients import Client, client_named
from federation_bridge.oauth.conversation import AuthorizationRequest, Bearer, DeviceGrant, PendingDevice, Tokens
from federation_bridge.oauth.dpop import DpopProof, proven_key
from federation_bridge.oauth.limits import begun_limits, guess_limits
from federation_bridge.oauth.places import Places
from federation_bridge.oauth.user_codes import keyed_hash, new_user_code, read_user_code
from federation_bridge.rulebook import Rulebook
from federation_bridge.settings import Settings
from federation_bridge.store import Store
from federation_bridge.store.device_codes import INTERVAL, Poll
from federation_bridge.store.token_families import NewTokens, Stale
from federation_bridge.store.tries import Limit

DEVICE_CODE_LIFE = timedelta(minutes=10)
CODE_LIFE = timedelta(seconds=60)
FAMILY_LIFE = timedelta(hours=12)

_LENIENCY = timedelta(seconds=10)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_JKT = _CHALLENGE
_LONGEST_SECRET = 256


@dataclass(frozen=True, slots=True)
class Parts:
    """What the verbs work with; `app.py` joins them."""

    settings: Settings
    connections: frozenset[str]
    rulebook: Rulebook
    store: Store
    audit: AuditLog
    keys: KeyRing
    places: Places
    clock: Clock
    randomness: Randomness


class AuthorizationServer:
    """The verbs, in the order of a sign-in. Errors carry the RFCs' codes (`oauth_error`)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # ------------------------------------------------------------------------------------------------------- device

    def begin_device(self, client_id: str, label: str, visit: Visit, proof: DpopProof | None = None) -> DeviceGrant:
        """A device code for the program and a user code for its person.

        InvalidClient, UnauthorizedClient where the flow is off, InvalidDpopProof, TooManyTries for a flood.
        """
        client = client_named(client_id)
        if not (client.device_flow and self._parts.settings.command_line.device_flow):
            raise UnauthorizedClient(f"the device flow is off for {client_id}")
        jkt = self._proven(proof)
        self._spend_try(begun_limits(visit.address))
        now = self._parts.clock()
        asked = DeviceRequest(client_id, label, visit, now, now + DEVICE_CODE_LIFE, jkt)
        begun = self._entry(visit, audit.DeviceBegun(client_id, label))
        for _ in range(8):
            device_code, user_code = self._secret("d"), new_user_code(self._parts.randomness)
            hashed = self._hashed(read_user_code(user_code))
            if self._parts.store.device_codes.begin(device_code, hashed, asked, begun):
                address = f"{self._parts.settings.base_url}/device"
                return DeviceGrant(device_code, user_code, address, int(DEVICE_CODE_LIFE.total_seconds()), INTERVAL)
        raise Unavailable("no user code is free")

    def claim_user_code(self, typed: str, session: Session, visit: Visit) -> PendingDevice:
        """The program whose code this person typed: claimed for this browser session alone (attack N04).

        WrongUserCode for whatever is nobody's or another's; TooManyTries; what `approve_device` raises.
        """
        try:
            check_may_approve(session, self._parts.settings.command_line, self._parts.clock())
            limits = guess_limits(session.identity.person, visit.address)
            self._spend_try(limits)
            hashed = self._hashed(read_user_code(typed))
            claimed = self._entry_of(session.identity, visit, audit.DeviceClaimed())
            request = self._parts.store.device_codes.claim(hashed, session.token_hash, claimed)
            if request is None:
                raise WrongUserCode("no code waits that this session could claim")
            self._parts.store.tries.give_back(limits)
        except OAuthRefused as refusal:
            self._record_refusal(session, visit, refusal)
            raise
        return self._shown(request, session, visit)

    def approve_device(self, typed: str, session: Session, visit: Visit) -> TokenFamily:
        """Lets the program in whose code this session has claimed.

        NotSignedIn for an unconfirmed sign-in, SignInTooOld, UnauthorizedClient (the flow is off for this person),
        AccessDenied without any role, OtherAddress (and then the request is refused for good), WrongUserCode.
        """
        try:
            check_may_approve(session, self._parts.settings.command_line, self._parts.clock())
            hashed = self._hashed(read_user_code(typed))
            request = self._parts.store.device_codes.claim(hashed, session.token_hash)
            if request is None:
                raise WrongUserCode("this session has not claimed the code, or it is decided")
            self._check_address(hashed, request, session, visit)
            family = self._new_family(client_named(request.client_id), session, label=request.label)
            approved = _approved(family, request)
            entry = self._entry_of(session.identity, visit, approved)
            if not self._parts.store.device_codes.approve(hashed, session.token_hash, family, entry):
                raise WrongUserCode("somebody else decided, or time ran out")
        except OAuthRefused as refusal:
            self._record_refusal(session, visit, refusal)
            raise
        return family

    def deny_device(self, typed: str, session: Session, visit: Visit) -> None:
        """Refuses the program whose code this session has claimed, for good. WrongUserCode where it has not."""
        hashed = self._hashed(read_user_code(typed))
        request = self._parts.store.device_codes.claim(hashed, session.token_hash)
        if request is None:
            raise WrongUserCode("this session has not claimed the code, or it is decided")
        self._deny(hashed, request, session, visit, "the person said no")

    def is_fresh(self, session: Session) -> bool:
        """Whether the person signed in at the identity provider recently enough to let a device in."""
        return is_fresh(session, self._parts.settings.command_line, self._parts.clock())

    def _check_address(self, hashed: str, request: DeviceRequest, session: Session, visit: Visit) -> None:
        if self._parts.settings.command_line.refuse_other_address and request.visit.address != visit.address:
            self._deny(hashed, request, session, visit, "approved from another address")
            raise OtherAddress(f"asked from {request.visit.address}, approved from {visit.address}")

    def _deny(self, hashed: str, request: DeviceRequest, session: Session, visit: Visit, reason: str) -> None:
        event = audit.DeviceDenied(request.client_id, request.visit.reference, request.visit.address, reason)
        entry = self._entry_of(session.identity, visit, event)
        if not self._parts.store.device_codes.deny(hashed, session.token_hash, entry):
            raise WrongUserCode("somebody else decided, or time ran out")

    def _shown(self, request: DeviceRequest, session: Session, visit: Visit) -> PendingDevice:
        differ = request.visit.address != visit.address
        return PendingDevice(
            program=client_named(request.client_id).title,
            request=request,
            place=self._parts.places(request.visit.address),
            ends_at=self._family_end(session),
            addresses_differ=differ,
            is_refused=differ and self._parts.settings.command_line.refuse_other_address,
        )

    # --------------------------------------------------------------------------------------------------------- code

    def checked_request(self, asked: AuthorizationRequest) -> Client:
        """The client behind a request for a code.

        InvalidClient and InvalidRedirect come first: then nobody may be redirected. Whatever is raised after may be
        told to the redirect address (`refusal_redirect`).
        """
        client = client_named(asked.client_id)
        client.checked_redirect(asked.redirect_uri, self._parts.settings.base_url)
        return client

    def check_terms(self, asked: AuthorizationRequest) -> None:
        """Nothing where the request is one that we serve: a code, with a S256 challenge (attack I17)."""
        if asked.challenge_method != "S256" or not _CHALLENGE.fullmatch(asked.code_challenge):
            raise OAuthRefused("a request without a S256 code challenge")
        if asked.dpop_jkt is not None and not _JKT.fullmatch(asked.dpop_jkt):
            raise OAuthRefused("dpop_jkt is no thumbprint")

    def authorize(self, asked: AuthorizationRequest, session: Session, visit: Visit) -> str:
        """The redirect that carries a code to the program, after the person agreed on a page of ours.

        What `checked_request` and `check_terms` raise; NotSignedIn for an unconfirmed sign-in; AccessDenied where the
        person has no role at all.
        """
        client = self.checked_request(asked)
        self.check_terms(asked)
        if not session.confirmed:
            raise NotSignedIn("the sign-in was not confirmed on a page of ours")
        family = self._new_family(client, session, role=asked.role)
        code = self._secret("c")
        given = AuthorizationCode(
            client_id=client.id,
            redirect_uri=asked.redirect_uri,
            code_challenge=asked.code_challenge,
            family_id=family.id,
            expires_at=self._parts.clock() + CODE_LIFE,
            dpop_jkt=asked.dpop_jkt,
        )
        entry = self._entry_of(session.identity, visit, _approved(family))
        self._parts.store.authorization_codes.issue(code, given, family, entry)
        return self._answer(asked, {"code": code})

    def refusal_redirect(self, asked: AuthorizationRequest, refusal: OAuthRefused) -> str:
        """The redirect that tells the program of a refusal (RFC 6749 4.1.2.1); only after `checked_request`."""
        return self._answer(asked, {"error": refusal.oauth_error, "error_description": refusal.public})

    def _answer(self, asked: AuthorizationRequest, members: dict[str, str]) -> str:
        state = {"state": asked.state} if asked.state else {}
        # `iss` tells a program that talks to several servers which one answered (RFC 9207).
        return f"{asked.redirect_uri}?{urlencode({**members, **state, 'iss': self._parts.settings.base_url})}"

    # ------------------------------------------------------------------------------------------------------- tokens

    def redeem_device(self, device_code: str, client_id: str, visit: Visit, proof: DpopProof | None = None) -> Tokens:
        """The first tokens of an approved device, once; else AuthorizationPending, SlowDown, ExpiredCode and so on."""
        client, jkt = self._asking(client_id, proof)
        if not client.device_flow:
            raise UnauthorizedClient(f"{client_id} has no device flow")
        fresh = self._fresh_tokens(client)
        outcome = self._parts.store.device_codes.redeem(_bounded(device_code), client_id, jkt, fresh)
        if isinstance(outcome, TokenFamily):
            return self._tokens(outcome, fresh, visit)
        refusal = _POLLED[outcome]()
        if outcome in (Poll.UNKNOWN, Poll.DENIED, Poll.EXPIRED):
            self._record_token_refusal(client_id, visit, refusal, f"device code: {outcome.name.lower()}")
        raise refusal

    def redeem_code(
        self, code: str, asked: AuthorizationRequest, code_verifier: str, visit: Visit, proof: DpopProof | None = None
    ) -> Tokens:
        """The first tokens for an authorization code (RFC 6749 4.1.3), its client and redirect address in `asked`.

        The code is taken first and checked after: one try. A second use ends what the first one got (4.1.2).
        """
        client, jkt = self._asking(asked.client_id, proof)
        given = self._parts.store.authorization_codes.take(_bounded(code))
        if given is None:
            self._end_reused(code, client, visit)
            raise InvalidGrant("the code is unknown or was used before")
        reason = self._mismatch(given, asked, code_verifier, jkt)
        fresh = self._fresh_tokens(client)
        family = None if reason else self._parts.store.token_families.collect(given.family_id, jkt, fresh)
        if family is None:
            reason = reason or "its sign-in has ended"
            self._parts.store.token_families.end(given.family_id)
            refusal = InvalidGrant(f"authorization code: {reason}")
            self._record_token_refusal(client.id, visit, refusal, refusal.detail)
            raise refusal
        return self._tokens(family, fresh, visit)

    def refresh(self, refresh_token: str, client_id: str, visit: Visit, proof: DpopProof | None = None) -> Tokens:
        """The next pair of tokens. A refresh token works once; its replay ends the family (RFC 9700 4.14.2).

        Two processes that hold one token may ask at the same moment: for ten seconds after its use a token is only
        refused. Nobody is given what the other got, so a thief gains nothing by asking quickly.
        """
        client, jkt = self._asking(client_id, proof)
        fresh = self._fresh_tokens(client)
        held = self._parts.store.token_families.holding(_bounded(refresh_token))
        outcome = self._parts.store.token_families.rotate(_bounded(refresh_token), client_id, jkt, fresh, _LENIENCY)
        if isinstance(outcome, TokenFamily):
            return self._tokens(outcome, fresh, visit)
        if outcome is Stale.REPLAYED and held is not None:
            self._parts.audit.record(
                self._entry_of(held.identity, visit, audit.CommandLineEnded(held.id, "a refresh token was used again"))
            )
        refusal = InvalidGrant(f"refresh token: {outcome.name.lower()}")
        self._record_token_refusal(client_id, visit, refusal, refusal.detail)
        raise refusal

    def revoke(self, token: str, client_id: str, visit: Visit) -> None:
        """Ends the family of this access or refresh token (RFC 7009). Nothing where it is nobody's, or another's."""
        client_named(client_id)
        family = self._parts.store.token_families.holding(token)
        if family is not None and family.client_id == client_id:
            self._end(family, "signed out by the program", visit)

    def end_family(self, family_id: str, session: Session, visit: Visit) -> None:
        """Ends one of this person's own command lines; nothing where it is not theirs."""
        for family in self._parts.store.token_families.living(session.identity.person):
            if family.id == family_id:
                self._end(family, "ended by its person", visit)

    def families(self, session: Session) -> tuple[TokenFamily, ...]:
        """The command lines that this person has let in and that still hold, newest first."""
        return self._parts.store.token_families.living(session.identity.person)

    # ------------------------------------------------------------------------------------------------------- access

    def session_for(self, access_token: str, proof: DpopProof | None, visit: Visit) -> Session:
        """The session that an access token opens; see `bearer`."""
        return self.bearer(access_token, proof, visit).session

    def bearer(self, access_token: str, proof: DpopProof | None, visit: Visit) -> Bearer:
        """Who calls with this access token. InvalidToken, or InvalidDpopProof where the proof fails.

        A family whose person has lost every role ends here. The session that it gives is named by the family, so that
        signing it out ends the family.
        """
        is_bounded = len(access_token) <= _LONGEST_SECRET
        family = self._parts.store.token_families.live(access_token) if is_bounded else None
        if family is None:
            raise InvalidToken("no live token")
        if family.role:
            # What was let in for one role shall not open the others: its door takes the tokens' session itself.
            raise InvalidToken(f"the token stands for {family.role} alone")
        if family.dpop_jkt is not None:
            if proof is None:
                raise InvalidToken("the token is bound to a key and came without a proof")
            key = proven_key(proof, self._parts.clock(), access_token)
            if not hmac.compare_digest(key.thumbprint, family.dpop_jkt):
                raise InvalidToken("the token is bound to another key")
            self._spend_proof(key.thumbprint, key.proof_id, key.ends_at)
        self._check_lives(family, visit)
        return Bearer(_session(family), family)

    def _check_lives(self, family: TokenFamily, visit: Visit) -> None:
        if family.identity.connection not in self._parts.connections:
            raise InvalidToken(f"connection {family.identity.connection} is gone")
        if not self._has_a_role(family.identity):
            self._end(family, "the person has no role left", visit)
            raise InvalidToken("the person has no role left")

    # -------------------------------------------------------------------------------------------------------- inside

    def _asking(self, client_id: str, proof: DpopProof | None) -> tuple[Client, str | None]:
        client = client_named(client_id)
        jkt = self._proven(proof)
        if client.needs_key and jkt is None:
            raise InvalidDpopProof(f"{client_id} has to prove its key")
        return client, jkt

    def _proven(self, proof: DpopProof | None) -> str | None:
        if proof is None:
            return None
        key = proven_key(proof, self._parts.clock())
        self._spend_proof(key.thumbprint, key.proof_id, key.ends_at)
        return key.thumbprint

    def _spend_proof(self, thumbprint: str, proof_id: str, ends_at: datetime) -> None:
        if not self._parts.store.spent_proofs.spend(thumbprint, proof_id, ends_at):
            raise InvalidDpopProof("the proof was used before: a replay")

    def _spend_try(self, limits: Sequence[Limit]) -> None:
        over = self._parts.store.tries.take(limits)
        if over is not None:
            raise TooManyTries(f"more than {over.most} tries of kind {over.kind}")

    def _new_family(self, client: Client, session: Session, *, label: str = "", role: str = "") -> TokenFamily:
        if not self._has_a_role(session.identity):
            raise AccessDenied("the person has no role")
        now = self._parts.clock()
        return TokenFamily(
            id=self._parts.randomness(16).hex(),
            client_id=client.id,
            label=label,
            approved_in=session.token_hash,
            identity=session.identity,
            started_at=now,
            last_used_at=now,
            ends_at=self._family_end(session),
            role=role,
        )

    def _family_end(self, session: Session) -> datetime:
        # The session's own end is the smallest of the connection's limit, the absolute one and the provider's.
        return min(session.ends_at, self._parts.clock() + FAMILY_LIFE)

    def _has_a_role(self, identity: Identity) -> bool:
        return bool(self._parts.rulebook.current().entitlements(identity, self._parts.clock()))

    def _fresh_tokens(self, client: Client) -> NewTokens:
        return NewTokens(self._secret("a"), self._secret("r"), self._parts.clock() + client.access_life)

    def _tokens(self, family: TokenFamily, fresh: NewTokens, visit: Visit) -> Tokens:
        try:
            self._check_lives(family, visit)
        except InvalidToken as refusal:
            raise InvalidGrant(refusal.detail) from None
        ends_at = min(fresh.access_ends_at, family.ends_at)
        return Tokens(
            access_token=fresh.access,
            refresh_token=fresh.refresh,
            expires_in=int((ends_at - self._parts.clock()).total_seconds()),
            family_id=family.id,
            token_type="Bearer" if family.dpop_jkt is None else "DPoP",
            session=_session(family),
            role=family.role,
        )

    def _end_reused(self, code: str, client: Client, visit: Visit) -> None:
        family_id = self._parts.store.authorization_codes.family_of(_bounded(code))
        if family_id is not None:
            event = audit.CommandLineEnded(family_id, "its authorization code was used again")
            self._parts.store.token_families.end(family_id, self._entry(visit, event))
        refusal = InvalidGrant("authorization code: unknown or used")
        self._record_token_refusal(client.id, visit, refusal, refusal.detail)

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
        if not _VERIFIER.fullmatch(code_verifier):
            return "no code verifier"
        if not hmac.compare_digest(challenge_of(code_verifier), given.code_challenge):
            return "another code verifier"
        return None

    def _end(self, family: TokenFamily, reason: str, visit: Visit) -> None:
        event = audit.CommandLineEnded(family.id, reason)
        self._parts.store.token_families.end(family.id, self._entry_of(family.identity, visit, event))

    def _hashed(self, letters: str) -> str:
        # The key lies sealed in the database, so a copy of the database alone tries out nothing.
        secret = self._parts.keys.current(Purpose.TOKENS).private_pem()
        return keyed_hash(hashlib.sha256(b"federation-bridge user codes\n" + secret.encode()).digest(), letters)

    def _secret(self, kind: str) -> str:
        # The prefix lets secret scanners recognise what leaked; 256 random bits make the rest.
        return f"fb{kind}_{self._parts.randomness(32).hex()}"

    def _record_refusal(self, session: Session, visit: Visit, refusal: OAuthRefused) -> None:
        event = audit.DeviceRefused(reason=refusal.detail, code=refusal.code)
        self._parts.audit.record(self._entry_of(session.identity, visit, event))

    def _record_token_refusal(self, client_id: str, visit: Visit, refusal: OAuthRefused, reason: str) -> None:
        event = audit.TokenRefused(client=client_id, reason=reason, code=refusal.oauth_error)
        self._parts.audit.record(self._entry(visit, event))

    def _entry_of(self, identity: Identity, visit: Visit, event: audit.Event) -> Entry:
        return replace(self._entry(visit, event), person=identity.person, connection=identity.connection)

    def _entry(self, visit: Visit, event: audit.Event) -> Entry:
        return Entry(self._parts.clock(), visit, event)


_POLLED: dict[Poll, type[OAuthRefused]] = {
    Poll.PENDING: AuthorizationPending,
    Poll.TOO_SOON: SlowDown,
    Poll.DENIED: AccessDenied,
    Poll.EXPIRED: ExpiredCode,
    Poll.UNKNOWN: InvalidGrant,
}


def challenge_of(code_verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 4.2)."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _approved(family: TokenFamily, request: DeviceRequest | None = None) -> audit.CommandLineApproved:
    return audit.CommandLineApproved(
        family_id=family.id,
        client=family.client_id,
        way="browser" if request is None else "device",
        ends_at=family.ends_at,
        label=family.label,
        begun_by="" if request is None else request.visit.reference,
        begun_from="" if request is None else request.visit.address,
        role=family.role,
    )


def _session(family: TokenFamily) -> Session:
    return Session(
        token_hash=family.id,
        identity=family.identity,
        started_at=family.started_at,
        last_seen_at=family.last_used_at,
        ends_at=family.ends_at,
    )


def _bounded(secret: str) -> str:
    if len(secret) > _LONGEST_SECRET:
        raise InvalidGrant("a code or token longer than any of ours")
    return secret
