"""The decision: from what a person may have to what they get now. Pure; `bridge/` audits it before AWS is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from federation_bridge.aws_limits import ACCOUNT_ID, LONGEST_SESSION, MOST_TAGS, ROLE_NAME, SHORTEST_SESSION
from federation_bridge.durations import format_duration
from federation_bridge.errors import LengthNotIssued, NotHandedOver, RoleNotGranted, RoleWithheld, SignInAgain
from federation_bridge.model import LONG_AGO, REDEEMABLE, Entitlement, Grant
from federation_bridge.redaction import quoted
from federation_bridge.sentence import Sentence


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """What a person asks for: a role, for how long (None: the usual), and why."""

    account: str
    role: str
    duration: timedelta | None = None
    reason: str = ""
    for_agent: bool = False
    """Whether a program that acts for the person shall have it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a session that do not come from the entitlement."""

    usual: timedelta
    """How long where nobody asks for more or less."""
    now: datetime
    answer_time: timedelta = timedelta(0)
    """How long AWS may take to answer; on the OIDC road a session begins no earlier than its answer."""
    sign_in_ends_at: datetime | None = None
    """When the sign-in ends, of a browser or of a command line; None: the connection lets sessions outlive it."""


@dataclass(frozen=True, slots=True)
class Cap:
    """One bound of a session's length."""

    name: str
    """`asked`, `usual`, `rule`, `role`, `rule_end` or `session` (the end of the sign-in)."""
    length: timedelta
    why: str


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """The inputs of a decision: who, within which bounds, under which rules, and the names for CloudTrail."""

    person: str
    session_name: str
    source_identity: str
    rules_version: str
    grant_id: str
    bounds: Bounds
    signed_in_at: datetime = LONG_AGO
    """When the sign-in began that asks, or its provider saw the person, or was asked, before that."""


_SIGN_IN_ENDS = Sentence("Your sign-in ends in less than 15 minutes, and AWS issues no session that is as short.")
_SIGN_IN_ENDS_BEFORE = Sentence("Your sign-in ends before the longest session that this token could give.")
WithheldBy = tuple[tuple[str, Sentence], ...]
"""Rules that name a role for a person and cannot grant it, each with its reason."""
AGENT_USUAL = timedelta(minutes=30)
"""How long an agent's session lasts where nobody asks for more or less."""
AGENT_TAG = ("federation-bridge:agent", "true")
"""The session tag of an agent, where the rule sends tags: the role's trust policy allows them then."""
_READ_ONLY = "arn:{partition}:iam::aws:policy/ReadOnlyAccess"
_NO_AGENTS = Sentence("The rule that gives you this role does not let agents have it.")
_OWN_POLICY = Sentence(
    "The rule that gives you this role has a session policy, which AWS would add to read-only access instead of "
    "narrowing it. An agent gets it only where the rule says so (agents: full)."
)
_TOLD, _LONGEST_TOLD = 3, 400
"""So many reasons, and so much of each, are told; the person's own page has all."""


def entitled(
    role_request: RoleRequest,
    entitlements: tuple[Entitlement, ...],
    withheld: Callable[[str], WithheldBy] = lambda _: (),
) -> Entitlement:
    """The entitlement that the request names.

    `withheld` gives the rules that name the role `account/role` for this person and cannot grant it.

    Raises:
        RoleWithheld: there are such rules; it says why. The person's own page says the same.
        RoleNotGranted: no rule names it for this person, whether or not the role exists.
    """
    for entitlement in entitlements:
        if (entitlement.account.id, entitlement.role) == (role_request.account, role_request.role):
            return entitlement
    key = f"{role_request.account}/{role_request.role}"
    if found := withheld(key):
        raise _withheld(found)
    is_name = ACCOUNT_ID.fullmatch(role_request.account) and ROLE_NAME.fullmatch(role_request.role)
    raise RoleNotGranted(f"no rule grants {key if is_name else quoted(key)} to this person now")


def for_agent(entitlement: Entitlement) -> Entitlement:
    """What an agent may have of what its person may: read-only, unless the rule says otherwise (ADR 59).

    Never wider than the person's own. AWS takes several session policies as one that allows what any of them allows: so
    read-only access is never put beside a policy of the rule.

    Raises:
        RoleWithheld: the rule lets no agent have it, or has a session policy and does not say that it will do.
    """
    if entitlement.agents == "none":
        raise RoleWithheld(f"rule {entitlement.rule} says agents: none", _NO_AGENTS)
    narrowed = entitlement
    if entitlement.agents == "read-only":
        if entitlement.policy or entitlement.policy_arns:
            raise RoleWithheld(f"rule {entitlement.rule} has a session policy and no agents: full", _OWN_POLICY)
        arn = _READ_ONLY.format(partition=entitlement.account.partition)
        narrowed = replace(entitlement, policy_arns=(arn,))
    because = (*narrowed.because, f"for an agent: {entitlement.agents}")
    return replace(narrowed, because=because, tags=_agent_tags(narrowed.tags))


def _agent_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    key, value = AGENT_TAG
    others = {name: text for name, text in tags.items() if name.casefold() != key}
    return others | {key: value} if tags and len(others) < MOST_TAGS else dict(tags)


def _withheld(found: WithheldBy) -> RoleWithheld:
    told = "; ".join(f"rule {rule}: {reason[:_LONGEST_TOLD]}" for rule, reason in found[:_TOLD])
    reason = found[0][1]
    is_short = len(reason) <= _LONGEST_TOLD
    public = Sentence("A rule names this role for you, but cannot grant it now: %(reason)s", reason=reason)
    return RoleWithheld(f"named and not granted: {told}", public if is_short else "")


def granted_length(entitlement: Entitlement, asked: timedelta | None, bounds: Bounds) -> Cap:
    """How long the session will be, and which cap decided that.

    A request above a cap is cut to the cap and told so: people ask for "a day" and shall not have to guess.

    Raises:
        LengthNotIssued: a request outside what AWS issues at all.
        RoleWithheld: the rule's dates leave less than the fifteen minutes that AWS issues at least, counted, with an
            OIDC provider, from the last moment at which AWS may answer.
        SignInAgain: the sign-in leaves less than that.
    """
    if asked is not None and not SHORTEST_SESSION <= asked <= LONGEST_SESSION:
        raise LengthNotIssued(f"a session lasts between 15m and 12h, not {format_duration(asked)}")
    role = entitlement.account.roles[entitlement.role]
    caps = [
        Cap("asked", asked, "as asked for") if asked else Cap("usual", bounds.usual, "the usual length"),
        # The first of equals is told: a rule that would allow more is already cut to what its role allows.
        Cap("role", role.max_session, "the longest that the role allows"),
        Cap("rule", entitlement.max_duration, f"the longest that rule {entitlement.rule} allows"),
    ]
    # On the SAML road the statement names the session's end itself; on the OIDC road AWS counts from its answer.
    late = bounds.answer_time if entitlement.account.road == "oidc" else timedelta(0)
    if entitlement.ends_at is not None:
        caps.append(
            _sold(Cap("rule_end", entitlement.ends_at - bounds.now - late, "until the rule's end"), entitlement)
        )
    if bounds.sign_in_ends_at is not None:
        left = bounds.sign_in_ends_at - bounds.now - late
        caps.append(_sold(Cap("session", left, "until the sign-in's end"), entitlement))
    cap = min(caps, key=lambda one: one.length)
    return replace(cap, length=timedelta(seconds=int(cap.length.total_seconds())))


def _sold(cap: Cap, entitlement: Entitlement) -> Cap:
    """The cap, where it leaves as much as AWS issues."""
    if cap.length >= SHORTEST_SESSION:
        return cap
    left = format_duration(max(cap.length, timedelta(0)))
    detail = f"{left} ({cap.why}) is less than the 15m that AWS issues at least"
    if cap.name == "session":
        raise SignInAgain(detail, _SIGN_IN_ENDS, is_over=True)
    reason = Sentence("%(role)s: the rule ends too soon for the shortest session that AWS issues", role=entitlement.key)
    raise RoleWithheld(
        detail, Sentence("A rule names this role for you, but cannot grant it now: %(reason)s", reason=reason)
    )


def decide(entitlement: Entitlement, role_request: RoleRequest, decision_input: DecisionInput) -> Grant:
    """The grant of this entitlement to this person, now; raises as `granted_length` does."""
    cap = granted_length(entitlement, role_request.duration, decision_input.bounds)
    ends_at = [one for one in (entitlement.ends_at, decision_input.bounds.sign_in_ends_at) if one is not None]
    return Grant(
        id=decision_input.grant_id,
        person=decision_input.person,
        account=entitlement.account,
        role=entitlement.role,
        duration=cap.length,
        decided_at=decision_input.bounds.now,
        session_name=decision_input.session_name,
        source_identity=decision_input.source_identity,
        tags=dict(entitlement.tags),
        transitive_tags=entitlement.transitive_tags,
        policy_arns=entitlement.policy_arns,
        policy=entitlement.policy,
        rule=entitlement.rule,
        rules_version=decision_input.rules_version,
        because=(*entitlement.because, f"lasts {format_duration(cap.length)}: {cap.why}"),
        reason=role_request.reason,
        ends_at=min(ends_at, default=None),
        cap=cap.name,
        signed_in_at=decision_input.signed_in_at,
        for_agent=role_request.for_agent,
    )


def longest(role_request: RoleRequest, entitlement: Entitlement) -> RoleRequest:
    """The request for all that AWS would issue for this role: whoever holds a token names the duration themselves.

    Whether so much may be granted is decided as for any request, and stands in the audit.
    """
    return replace(role_request, duration=entitlement.account.roles[entitlement.role].max_session)


def demand_enforced(grant: Grant) -> None:
    """Refuses (NotHandedOver) a grant whose statement would not bind its holder to all of it, or is no token."""
    if grant.account.road != "oidc":
        raise NotHandedOver("the account has a SAML provider: there is no web identity token for it")
    if not grant.is_enforced_by_statement:
        raise NotHandedOver("; ".join(grant.left_to_the_call))


def demand_young_sign_in(
    entitlement: Entitlement, role_request: RoleRequest, decision_input: DecisionInput, longest_sign_in: timedelta
) -> None:
    """Refuses (SignInAgain) where the statement could leave the bridge after a sign-in that has just begun.

    `longest_sign_in`: how long one lasts at most. Where even that is too short, this says nothing.
    """
    role = entitlement.account.roles[entitlement.role]
    unbound = replace(decision_input, bounds=replace(decision_input.bounds, sign_in_ends_at=None))
    is_enough = longest_sign_in >= REDEEMABLE + role.max_session
    if is_enough and decide(entitlement, role_request, unbound).is_enforced_by_statement:
        detail = "the sign-in ends before the longest session that the call could ask for"
        raise SignInAgain(detail, _SIGN_IN_ENDS_BEFORE, is_over=True)
