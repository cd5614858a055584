"""Devices that wait for a person to type their code (RFC 8628): begun by programs, decided in a browser."""

from __future__ import annotations

from datetime import timedelta

from federation_bridge import audit
from federation_bridge.errors import (
    AccessDenied,
    NotSignedIn,
    OAuthRefused,
    OtherAddress,
    UnauthorizedClient,
    Unavailable,
    WrongUserCode,
)
from federation_bridge.model import Caller, DeviceRequest, RequestOrigin, TokenFamily
from federation_bridge.oauth.approval import (
    Administers,
    check_confirmed,
    check_may_administer,
    check_may_approve,
    nobody,
)
from federation_bridge.oauth.audit_recorder import AuditRecorder
from federation_bridge.oauth.clients import client_named
from federation_bridge.oauth.dpop import DpopProof
from federation_bridge.oauth.families import Families, approved
from federation_bridge.oauth.labels import label_of, machine_label
from federation_bridge.oauth.limits import begun_limits, guess_limits
from federation_bridge.oauth.messages import DeviceGrant, PendingDevice
from federation_bridge.oauth.opaque_secrets import new_secret
from federation_bridge.oauth.parts import Parts
from federation_bridge.oauth.proofs import Proofs
from federation_bridge.oauth.user_codes import keyed_hash, new_user_code, read_user_code
from federation_bridge.store.device_codes import INTERVAL
from federation_bridge.store.rate_limits import demand_few

DEVICE_CODE_LIFE = timedelta(minutes=10)


class Devices:
    """The verbs of the device flow up to the person's decision; `Tokens` has the rest."""

    def __init__(self, parts: Parts, recorder: AuditRecorder, proofs: Proofs, families: Families) -> None:
        self._parts = parts
        self._recorder = recorder
        self._proofs = proofs
        self._families = families

    def begin(
        self, client_id: str, label: str, origin: RequestOrigin, proof: DpopProof | None = None, scope: str = ""
    ) -> DeviceGrant:
        """A device code for the program and a user code for its person.

        Where the label is no machine's name, what the User-Agent tells is taken: either is only the program's own word.

        InvalidClient, InvalidScope, UnauthorizedClient where the flow is off, InvalidDpopProof, TooManyTries for a
        flood.
        """
        client = client_named(client_id)
        client.check_scope(scope)
        if not (client.device_flow and self._parts.settings.command_line.device_flow):
            raise UnauthorizedClient(f"the device flow is off for {client_id}")
        jkt = self._proofs.thumbprint(proof)
        demand_few(self._parts.store.rate_limits, begun_limits(origin.address, self._parts.store.neighbours.people))
        now, label = self._parts.clock(), machine_label(label) or label_of(origin.user_agent)
        asked = DeviceRequest(client_id, label, origin, now, now + DEVICE_CODE_LIFE, jkt)
        begun = self._recorder.entry(origin, audit.DeviceBegun(client_id, label))
        for _ in range(8):
            device_code, user_code = new_secret("d", self._parts.randomness), new_user_code(self._parts.randomness)
            hashed = self._hashed(read_user_code(user_code))
            if self._parts.store.device_codes.begin(device_code, hashed, asked, begun):
                address = f"{self._parts.settings.base_url}/device"
                return DeviceGrant(device_code, user_code, address, int(DEVICE_CODE_LIFE.total_seconds()), INTERVAL)
        raise Unavailable("no user code is free")

    def claim(self, typed: str, caller: Caller, *, administers: Administers = nobody) -> PendingDevice:
        """The program whose code this person typed: claimed for this browser session alone (attack N04).

        WrongUserCode for whatever is nobody's or another's; TooManyTries; what `approve` raises.
        """
        try:
            check_may_approve(caller.session, self._parts.settings.command_line, self._parts.clock())
            limits = guess_limits(caller.session.identity)
            demand_few(self._parts.store.rate_limits, limits)
            hashed = self._hashed(read_user_code(typed))
            claimed = self._recorder.entry_by(caller, audit.DeviceClaimed())
            request = self._parts.store.device_codes.claim(hashed, caller.session.key, claimed)
            if request is None:
                raise WrongUserCode("no code waits that this session could claim")
            self._parts.store.rate_limits.give_back(limits)
            self._check_may_administer(hashed, request, caller, administers)
        except (OAuthRefused, NotSignedIn) as refusal:
            self._recorder.device_refused(caller, refusal)
            raise
        return self._shown(request, caller)

    def approve(self, typed: str, caller: Caller, *, administers: Administers = nobody) -> TokenFamily:
        """Lets the program in whose code this session has claimed.

        NotSignedIn for an unconfirmed sign-in or one that has ended meanwhile, SignInTooOld, UnauthorizedClient (the
        flow is off for this person), AccessDenied without any role, OtherAddress (and then the request is refused for
        good), WrongUserCode, TooManyTries (they let in very many).
        """
        try:
            check_may_approve(caller.session, self._parts.settings.command_line, self._parts.clock())
            hashed, request = self._claimed(typed, caller)
            self._check_address(hashed, request, caller)
            self._check_may_administer(hashed, request, caller, administers)
            family = self._families.made(client_named(request.client_id), caller, request)
            entry = self._recorder.entry_by(caller, approved(family, request))
            if not self._parts.store.device_codes.approve(hashed, caller.session.key, family, entry):
                raise WrongUserCode("somebody else decided, or time ran out")
        except (OAuthRefused, NotSignedIn) as refusal:
            self._recorder.device_refused(caller, refusal)
            raise
        return family

    def deny(self, typed: str, caller: Caller) -> None:
        """Refuses the program whose code this session has claimed, for good.

        NotSignedIn for an unconfirmed sign-in; WrongUserCode where the session has not claimed it. An old sign-in is
        enough for a no.
        """
        try:
            check_confirmed(caller.session)
            hashed, request = self._claimed(typed, caller)
            self._deny(hashed, request, caller, "the person said no")
        except (OAuthRefused, NotSignedIn) as refusal:
            self._recorder.device_refused(caller, refusal)
            raise

    def _claimed(self, typed: str, caller: Caller) -> tuple[str, DeviceRequest]:
        # Never claims: a code is guessed at in one place, where the tries are counted and the page is shown.
        hashed = self._hashed(read_user_code(typed))
        request = self._parts.store.device_codes.claimed(hashed, caller.session.key)
        if request is None:
            raise WrongUserCode("this session has not claimed the code, or it is decided")
        return hashed, request

    def _check_address(self, hashed: str, request: DeviceRequest, caller: Caller) -> None:
        if self._parts.settings.command_line.refuse_other_address and request.origin.address != caller.origin.address:
            self._deny(hashed, request, caller, "approved from another address")
            raise OtherAddress(f"asked from {request.origin.address}, approved from {caller.origin.address}")

    def _check_may_administer(
        self, hashed: str, request: DeviceRequest, caller: Caller, administers: Administers
    ) -> None:
        client, within = client_named(request.client_id), self._parts.settings.sessions.administration
        try:
            check_may_administer(client, caller.session, administers, within, self._parts.clock())
        except AccessDenied as refusal:
            # For good: the program hears it at once, and nobody else who is typed the code can let it in.
            self._deny(hashed, request, caller, refusal.detail)
            raise

    def _deny(self, hashed: str, request: DeviceRequest, caller: Caller, reason: str) -> None:
        event = audit.DeviceDenied(request.client_id, request.origin.reference, request.origin.address, reason)
        entry = self._recorder.entry_by(caller, event)
        if not self._parts.store.device_codes.deny(hashed, caller.session.key, entry):
            raise WrongUserCode("somebody else decided, or time ran out")

    def _shown(self, request: DeviceRequest, caller: Caller) -> PendingDevice:
        differ, client = request.origin.address != caller.origin.address, client_named(request.client_id)
        return PendingDevice(
            program=client.title,
            request=request,
            version=label_of(request.origin.user_agent),
            place=self._parts.places(request.origin.address),
            ends_at=self._families.end_in(caller.session, client),
            addresses_differ=differ,
            is_refused=differ and self._parts.settings.command_line.refuse_other_address,
            administers=client.administers,
        )

    def _hashed(self, letters: str) -> str:
        # The key lies in no database, so a copy of the database alone tries out nothing.
        return keyed_hash(self._parts.keys.secret_for("user codes"), letters)
