"""Entitlement → Grant → AwsCredentials: the only way to a grant, and its redemption, both audited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from federation_bridge import audit
from federation_bridge.aws import lifetimes, session_names
from federation_bridge.aws.redeemed import Redeemed
from federation_bridge.aws.signed_statement import signed_statement
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts import answer_time
from federation_bridge.bridge.ended_in_aws import demand_not_ended
from federation_bridge.bridge.entries import Entries
from federation_bridge.bridge.parts import Parts
from federation_bridge.errors import (
    BridgeError,
    EndedMeanwhile,
    NotHandedOver,
    NotSignedIn,
    RoleNotGranted,
    SignInAgain,
    Unavailable,
)
from federation_bridge.grant import (
    AGENT_USUAL,
    Bounds,
    Cap,
    DecisionInput,
    RoleRequest,
    decide,
    demand_enforced,
    demand_young_sign_in,
    entitled,
    for_agent,
    granted_length,
    longest,
)
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Caller, Cause, Entitlement, Grant, LiveGrant
from federation_bridge.sentence import Sentence
from federation_bridge.signing import Purpose
from federation_bridge.store.hand_overs import Acting
from federation_bridge.store.rate_limits import Limit, demand_few

_MOST_LEAVE, _WITHIN = 600, timedelta(minutes=10)
"""Statements for one person that leave the bridge unredeemed (ADR 14). What the bridge redeems itself waits for AWS,
which throttles; nothing else bounds these, and each is in the audit for good."""


def entitlement_of(caller: Caller, role_request: RoleRequest, rules: RuleSet, now: datetime) -> Entitlement:
    """What these rules give the caller of this role, or their agent; RoleNotGranted, RoleWithheld, SignInAgain.

    RoleWithheld tells the reason.
    """
    found = _of_the_person(caller, role_request, rules, now)
    return for_agent(found) if role_request.for_agent else found


def _of_the_person(caller: Caller, role_request: RoleRequest, rules: RuleSet, now: datetime) -> Entitlement:
    asked = (caller.session.identity, now)
    try:
        return entitled(
            role_request, rules.entitlements(*asked, caller), lambda key: rules.withheld(*asked, key, caller)
        )
    except RoleNotGranted:
        key = f"{role_request.account}/{role_request.role}"
        wanted = next((one for one in rules.after_sign_in(*asked, caller) if one.key == key), None)
        if wanted is None:
            raise
        reason = wanted.reasons[0] if wanted.reasons else ""
        told = f"rule {wanted.rule} asks for another sign-in: {'; '.join(wanted.reasons)}"
        raise SignInAgain(told, Sentence("This role asks you to sign in again: %(reason)s", reason=reason)) from None


def bounds_of(parts: Parts, caller: Caller, now: datetime, *, for_agent: bool = False) -> Bounds:
    """The bounds of a session of the caller that do not come from the entitlement."""
    settings, session = parts.settings, caller.session
    connection = settings.connections[session.identity.connection]
    return Bounds(
        usual=min(settings.aws.default_duration, AGENT_USUAL) if for_agent else settings.aws.default_duration,
        now=now,
        answer_time=answer_time(settings.aws),
        sign_in_ends_at=session.ends_at if connection.aws_sessions_end_with_sign_in else None,
    )


def get_ready(parts: Parts) -> None:
    """Prepares what the first grant would wait for: keys, and clients of the registered accounts' partitions."""
    for purpose in (Purpose.AWS_SAML, Purpose.AWS_OIDC):
        parts.keys.current(purpose)
    for partition in sorted({one.partition for one in parts.rulebook.in_force.register.accounts.values()}):
        parts.sts.prepare(partition)


class Grants:
    """Decides, states and redeems. Every grant is made here: none can skip the audit, the cap or a condition."""

    def __init__(self, parts: Parts, entries: Entries) -> None:
        self._parts = parts
        self._entries = entries

    def measured(self, caller: Caller, role_request: RoleRequest) -> tuple[Entitlement, Cap]:
        """What would be granted now, and for how long; refuses as `grant` does. Nothing is granted."""
        rules, now = self._parts.rulebook.current(caller.session.rulebook), self._parts.clock()
        entitlement = entitlement_of(caller, role_request, rules, now)
        return entitlement, granted_length(
            entitlement, role_request.duration, bounds_of(self._parts, caller, now, for_agent=role_request.for_agent)
        )

    def grant(
        self,
        caller: Caller,
        role_request: RoleRequest,
        *,
        is_handed_over: bool = False,
        demand: Callable[[Grant], object] = lambda _: None,
        leaves: Callable[[Grant], bool] = lambda _: False,
    ) -> Grant:
        """The one decision for every kind of caller. Audited before anything is signed or AWS is asked.

        `is_handed_over`: the statement itself shall leave the bridge, so AWS alone has to enforce the whole grant.
        `demand` raises where the door cannot take what was decided; then nothing is granted. `leaves`: whether the door
        hands over something of what was decided that begins a session later: a statement, or a sign-in link.
        """
        rules = self._parts.rulebook.current(caller.session.rulebook)
        now, session = self._parts.clock(), caller.session
        person = session.identity.person
        try:
            if not session.confirmed:
                raise NotSignedIn("the sign-in was not confirmed on a page of ours")
            entitlement = entitlement_of(caller, role_request, rules, now)
            decision_input = DecisionInput(
                person=person,
                session_name=session_names.session_name(session.identity, for_agent=role_request.for_agent),
                source_identity=session_names.source_identity(entitlement.source_identity or person),
                rules_version=rules.version,
                grant_id="_" + self._parts.randomness(20).hex(),
                bounds=bounds_of(self._parts, caller, now, for_agent=role_request.for_agent),
                # Not when a command line was let in: its sign-in is older, and ends with what is from before an event.
                signed_in_at=min(session.started_at, session.identity.vouched_after or session.started_at),
            )
            asked = longest(role_request, entitlement) if is_handed_over else role_request
            granted = decide(entitlement, asked, decision_input)
            if is_handed_over:
                self._check_may_leave(granted, entitlement, asked, decision_input)
            demand(granted)
            return self._named_and_recorded(caller, granted, is_handed_over=is_handed_over or leaves(granted))
        except BridgeError as refusal:
            self._entries.grant_refused(caller, role_request, refusal)
            raise

    def demand_few(self, grant: Grant) -> None:
        """Counts a statement that is to leave unredeemed; TooManyTries where very many of its person do."""
        demand_few(self._parts.store.rate_limits, [Limit("statement by person", grant.person, _MOST_LEAVE, _WITHIN)])

    def statement(self, grant: Grant) -> Statement:
        """What AWS is shown of a grant, signed: an assertion or a JWT."""
        parts = self._parts
        try:
            return signed_statement(grant, parts.keys, parts.settings, parts.clock())
        except BridgeError as refusal:
            refusal.is_unissued = True
            raise

    def redeem(self, caller: Caller, grant: Grant, *, is_handed_over: bool = False) -> Redeemed:
        """What AWS issued for a grant, audited; AwsRefused and its kinds, AwsUnreachable, audited as well.

        `is_handed_over`: what leaves the bridge for it is a sign-in link, which begins a session when it is opened.

        EndedMeanwhile if the caller's access ended while AWS was asked. RoleWithheld if, by AWS's clock, the session is
        one that AWS denies. In both cases nobody receives the answer.
        """
        with self._entries.of_failures(caller, grant):
            redeemed = self._parts.sts.redeem(grant, self.statement(grant))
        found = (redeemed.credentials, redeemed.request_id, redeemed.region, redeemed.expires_at)
        entry = self._entries.of(caller, audit.GrantRedeemed.of(grant, *found))
        # In order, without waiting for the disk: where a power failure takes it, `grant.made` stands with its line of
        # the ledger, and the grant is marked as one whose outcome is unknown.
        made = LiveGrant.of(grant, ends_at=redeemed.expires_at, is_handed_over=is_handed_over)
        sold = replace(made, access_key_id=redeemed.credentials.access_key_id)
        if not self._parts.store.live_grants.completed(sold, entry, Acting.of(caller)):
            self._withhold(caller, grant, self._parts.store.hand_overs.why_not(Acting.of(caller)), is_sold=True)
        # AWS compares by its own clock. If ours is fast, the decision compared an end with a time yet to come.
        if redeemed.issued_at < grant.decided_at.replace(microsecond=0):
            with self._entries.of_failures(caller, grant):
                demand_not_ended(self._parts.store, grant, redeemed.issued_at)
        return redeemed

    def hand_over(self, caller: Caller, grant: Grant, event: audit.Event, *, is_sold: bool) -> None:
        """Records what leaves the bridge now; EndedMeanwhile where the caller has ended or is blocked by now.

        `is_sold`: AWS has answered already. A statement that never left needs no end there, and is held against ends
        once more: one that was asked for since has seen its line of the ledger, or is seen here.
        """
        if not is_sold:
            demand_not_ended(self._parts.store, grant, self._parts.clock())
        why_not = self._parts.store.hand_overs.record(Acting.of(caller), self._entries.of(caller, event))
        self._withhold(caller, grant, why_not, is_sold=is_sold)

    def _withhold(self, caller: Caller, grant: Grant, why_not: str, *, is_sold: bool) -> None:
        """Raises EndedMeanwhile where there is a reason; what AWS issued for the grant is named to be ended."""
        if not why_not:
            return
        refusal = EndedMeanwhile(why_not)
        failed = self._entries.of(caller, audit.GrantFailed(grant_id=grant.id, code=refusal.code, detail=why_not))
        if is_sold:
            self._parts.endings.end_grant(grant.id, Cause("re-check", "hand-over", why_not), failed)
        else:
            self._parts.audit.record(failed)
        refusal.is_recorded = True
        raise refusal

    def _check_may_leave(
        self, grant: Grant, entitlement: Entitlement, asked: RoleRequest, decision_input: DecisionInput
    ) -> None:
        settings = self._parts.settings
        if not settings.command_line.web_identity_files:
            raise NotHandedOver("web identity files are switched off (command_line.web_identity_files)")
        if not grant.is_enforced_by_statement and decision_input.bounds.sign_in_ends_at is not None:
            limit = settings.connections[grant.person.partition("/")[0]].max_session
            longest_sign_in = min(settings.sessions.absolute, limit or settings.sessions.absolute)
            demand_young_sign_in(entitlement, asked, decision_input, longest_sign_in)
        demand_enforced(grant)

    def _named_and_recorded(self, caller: Caller, grant: Grant, *, is_handed_over: bool) -> Grant:
        """The grant under a session name that is this person's for good, audited with the claim on that name.

        With both stands its line of the ledger: before a statement is signed, so that no session is alive and missing.

        Two people of one name (or one who calls himself as another) are told apart: the second by a hash.
        """
        ends_at = lifetimes.latest_end(grant)
        if self._is_recorded(caller, grant, LiveGrant.of(grant, ends_at=ends_at, is_handed_over=is_handed_over)):
            return grant
        hashed = replace(grant, session_name=session_names.with_hash(grant.session_name, grant.person))
        if self._is_recorded(caller, hashed, LiveGrant.of(hashed, ends_at=ends_at, is_handed_over=is_handed_over)):
            return hashed
        names = f"{grant.session_name} and {hashed.session_name}"
        raise Unavailable(f"the session names {names} are both of other people")

    def _is_recorded(self, caller: Caller, grant: Grant, live: LiveGrant) -> bool:
        store, entry = self._parts.store, self._entries.of(caller, audit.GrantMade.of(grant))
        return store.session_names.claim(
            *(grant.session_name, grant.person, entry),
            live=live,
            within=caller.session,
            demand=lambda: demand_not_ended(store, grant, grant.decided_at),
        )
