"""Entitlement → Grant → AwsCredentials: the one road to a grant, and its redemption, both audited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from federation_bridge import audit
from federation_bridge.aws import assertion, id_token, session_names
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts import Redeemed, answer_time
from federation_bridge.bridge.entries import Entries
from federation_bridge.bridge.parts import Parts
from federation_bridge.errors import BridgeError, NotHandedOver, NotSignedIn, RoleNotGranted, SignInAgain, Unavailable
from federation_bridge.grant import DecisionInput, RoleRequest, decide, demand_enforced, entitled, longest
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Caller, Entitlement, Grant
from federation_bridge.sentence import Sentence
from federation_bridge.signing import Purpose


def entitlement_of(caller: Caller, role_request: RoleRequest, rules: RuleSet, now: datetime) -> Entitlement:
    """What these rules give the caller of this role; RoleNotGranted, RoleWithheld with the reason, SignInAgain."""
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


def get_ready(parts: Parts) -> None:
    """Makes ahead what the first grant would wait for: keys, and clients of the registered accounts' partitions."""
    for purpose in (Purpose.AWS_SAML, Purpose.AWS_OIDC):
        parts.keys.current(purpose)
    for partition in sorted({one.partition for one in parts.rulebook.in_force.register.accounts.values()}):
        parts.sts.prepare(partition)


class Grants:
    """Decides, states and redeems. Every door's grant is made here: none can skip the audit, the cap or a condition."""

    def __init__(self, parts: Parts, entries: Entries) -> None:
        self._parts = parts
        self._entries = entries

    def grant(
        self,
        caller: Caller,
        role_request: RoleRequest,
        *,
        is_handed_over: bool = False,
        demand: Callable[[Grant], object] = lambda _: None,
    ) -> Grant:
        """The one decision behind every door. Audited before anything is signed or AWS is asked.

        `is_handed_over`: the statement itself shall leave the bridge, so AWS alone has to enforce the whole grant.
        `demand` raises where the door cannot take what was decided; then nothing is granted.
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
                session_name=session_names.session_name(session.identity),
                source_identity=session_names.source_identity(entitlement.source_identity or person),
                rules_version=rules.version,
                usual_duration=self._parts.settings.aws.default_duration,
                grant_id="_" + self._parts.randomness(20).hex(),
                now=now,
                answer_time=answer_time(self._parts.settings.aws),
            )
            granted = decide(
                entitlement, longest(role_request, entitlement) if is_handed_over else role_request, decision_input
            )
            if is_handed_over:
                self._check_may_leave(granted)
            demand(granted)
            return self._named_and_recorded(caller, granted)
        except BridgeError as refusal:
            self._entries.grant_refused(caller, role_request, refusal)
            raise

    def statement(self, grant: Grant) -> Statement:
        """What AWS is shown of a grant, signed: an assertion or a JWT."""
        settings = self._parts.settings
        if grant.account.road == "saml":
            key, now = self._parts.keys.current(Purpose.AWS_SAML), self._parts.clock()
            return assertion.build(grant, key=key, issuer_entity_id=settings.saml_entity_id, now=now)
        key = self._parts.keys.current(Purpose.AWS_OIDC)
        # Counted from the decision, which looked at how long the token can be redeemed (`Grant.left_to_the_call`).
        return id_token.build(grant, key=key, issuer=settings.issuer, now=grant.decided_at)

    def redeem(self, caller: Caller, grant: Grant) -> Redeemed:
        """What AWS sold for a grant, audited; AwsRefused and its kinds, AwsUnreachable, audited as well."""
        with self._entries.of_failures(caller, grant):
            redeemed = self._parts.sts.redeem(grant, self.statement(grant))
        found = (redeemed.credentials, redeemed.request_id, redeemed.region, redeemed.expires_at)
        entry = self._entries.of(caller, audit.GrantRedeemed.of(grant, *found))
        # In order, without waiting for the disk: where a power failure takes it, `grant.made` stands, and the grant is
        # marked as one whose outcome is unknown.
        self._parts.audit.record(entry, durable=False)
        return redeemed

    def _check_may_leave(self, grant: Grant) -> None:
        if not self._parts.settings.command_line.web_identity_files:
            raise NotHandedOver("web identity files are switched off (command_line.web_identity_files)")
        demand_enforced(grant)

    def _named_and_recorded(self, caller: Caller, grant: Grant) -> Grant:
        """The grant under a session name that is this person's for good, audited with the claim on that name.

        Two people of one name (or one who calls himself as another) are told apart: the second by a hash.
        """
        if self._is_recorded_under_its_name(caller, grant):
            return grant
        hashed = replace(grant, session_name=session_names.with_hash(grant.session_name, grant.person))
        if self._is_recorded_under_its_name(caller, hashed):
            return hashed
        names = f"{grant.session_name} and {hashed.session_name}"
        raise Unavailable(f"the session names {names} are both of other people")

    def _is_recorded_under_its_name(self, caller: Caller, grant: Grant) -> bool:
        entry = self._entries.of(caller, audit.GrantMade.of(grant))
        return self._parts.store.session_names.claim(grant.session_name, grant.person, entry)
