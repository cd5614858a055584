"""The decision: from what a person may have to what they get now. Pure; `bridge.py` audits it before AWS is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from federation_bridge.aws_limits import ACCOUNT_ID, LONGEST_SESSION, ROLE_NAME, SHORTEST_SESSION
from federation_bridge.durations import format_duration
from federation_bridge.errors import LengthNotSold, NotHandedOver, RoleNotGranted, RoleWithheld
from federation_bridge.model import Entitlement, Grant
from federation_bridge.redaction import quoted
from federation_bridge.sentence import Sentence


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """What a person asks for: a role, for how long (None: the usual), and why."""

    account: str
    role: str
    duration: timedelta | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """What a decision takes from around it: who, when, under which rules, and the names CloudTrail will show."""

    person: str
    session_name: str
    source_identity: str
    rules_version: str
    usual_duration: timedelta
    grant_id: str
    now: datetime
    answer_time: timedelta = timedelta(0)
    """How long AWS may take to answer; on the OIDC road a session begins no earlier than its answer."""


WithheldBy = tuple[tuple[str, Sentence], ...]
"""Rules that name a role for a person and cannot grant it, each with its reason."""
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


def _withheld(found: WithheldBy) -> RoleWithheld:
    told = "; ".join(f"rule {rule}: {reason[:_LONGEST_TOLD]}" for rule, reason in found[:_TOLD])
    reason = found[0][1]
    is_short = len(reason) <= _LONGEST_TOLD
    public = Sentence("A rule names this role for you, but cannot grant it now: %(reason)s", reason=reason)
    return RoleWithheld(f"named and not granted: {told}", public if is_short else "")


def granted_duration(
    entitlement: Entitlement,
    asked: timedelta | None,
    usual: timedelta,
    now: datetime,
    answer_time: timedelta = timedelta(0),
) -> tuple[timedelta, str]:
    """How long the session will be, and the sentence that says what decided it.

    A request above a cap is cut to the cap and told so: people ask for "a day" and shall not have to guess.

    Raises:
        LengthNotSold: a request outside what AWS sells at all.
        RoleWithheld: the rule's dates leave less than the fifteen minutes that AWS sells at least, counted on the
            OIDC road from the last moment at which AWS may answer.
    """
    if asked is not None and not SHORTEST_SESSION <= asked <= LONGEST_SESSION:
        raise LengthNotSold(f"a session lasts between 15m and 12h, not {format_duration(asked)}")
    role = entitlement.account.roles[entitlement.role]
    caps = [
        (asked or usual, "as asked for" if asked else "the usual length"),
        (entitlement.max_duration, f"the longest that rule {entitlement.rule} allows"),
        (role.max_session, "the longest that the role allows"),
    ]
    if entitlement.ends_at is not None:
        # On the SAML road the statement names the session's end itself; on the OIDC road AWS counts from its answer.
        late = answer_time if entitlement.account.road == "oidc" else timedelta(0)
        caps.append((entitlement.ends_at - now - late, "until the rule's end"))
    duration, why = min(caps, key=lambda cap: cap[0])
    duration = timedelta(seconds=int(duration.total_seconds()))
    if duration < SHORTEST_SESSION:
        reason = Sentence(
            "%(role)s: the rule ends too soon for the shortest session that AWS sells", role=entitlement.key
        )
        detail = f"{format_duration(duration)} ({why}) is less than the 15m that AWS sells at least"
        raise RoleWithheld(
            detail, Sentence("A rule names this role for you, but cannot grant it now: %(reason)s", reason=reason)
        )
    return duration, f"lasts {format_duration(duration)}: {why}"


def decide(entitlement: Entitlement, role_request: RoleRequest, decision_input: DecisionInput) -> Grant:
    """The grant of this entitlement to this person, now; raises as `granted_duration` does."""
    now = decision_input.now
    terms = (role_request.duration, decision_input.usual_duration, now, decision_input.answer_time)
    duration, sentence = granted_duration(entitlement, *terms)
    return Grant(
        id=decision_input.grant_id,
        person=decision_input.person,
        account=entitlement.account,
        role=entitlement.role,
        duration=duration,
        decided_at=now,
        session_name=decision_input.session_name,
        source_identity=decision_input.source_identity,
        tags=dict(entitlement.tags),
        transitive_tags=entitlement.transitive_tags,
        policy_arns=entitlement.policy_arns,
        policy=entitlement.policy,
        rule=entitlement.rule,
        rules_version=decision_input.rules_version,
        because=(*entitlement.because, sentence),
        reason=role_request.reason,
        ends_at=entitlement.ends_at,
    )


def longest(role_request: RoleRequest, entitlement: Entitlement) -> RoleRequest:
    """The request for all that AWS would sell for this role: whoever holds a token names the duration themselves.

    Whether so much may be granted is decided as for any request, and stands in the audit.
    """
    return replace(role_request, duration=entitlement.account.roles[entitlement.role].max_session)


def demand_enforced(grant: Grant) -> None:
    """Refuses (NotHandedOver) a grant whose statement would not bind its holder to all of it, or is no token."""
    if grant.account.road != "oidc":
        raise NotHandedOver("the account has a SAML provider: there is no web identity token for it")
    if not grant.is_enforced_by_statement:
        raise NotHandedOver("; ".join(grant.left_to_the_call))
