"""From the result of each rule to the final result: one rule for each role, and the sentences that say why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from federation_bridge.mapping.denials import Denial, Denials
from federation_bridge.mapping.verdicts import Withheld
from federation_bridge.model import AgentAccess, Entitlement
from federation_bridge.sentence import Sentence

_FOREVER = datetime.max.replace(tzinfo=UTC)
_FOR_AGENTS: tuple[AgentAccess, ...] = ("none", "read-only", "full")
"""What rules let agents have, the narrowest first."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule says for itself, before it is compared with the others."""

    rule: str
    entitlements: tuple[Entitlement, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why it grants nothing, or not all that it could."""
    withheld: tuple[Withheld, ...] = ()
    """Roles that it names for this person and cannot grant; their sentences are among the reasons too."""
    denial: Denial | None = None
    """What it takes from the person, whatever other rules grant."""


class RuleOutcome(NamedTuple):
    """What one rule came to for this person; a named tuple, because an explanation makes one for each rule there is."""

    rule: str
    granted: tuple[str, ...]
    """Keys of the roles that the person has on this rule's terms."""
    reasons: tuple[str, ...]
    """Why these, why no others, and for which roles a narrower rule stands."""
    description: str = ""
    """What the rule is for, where it grants something to this person."""
    owner: str = ""
    """Whom to ask about it, likewise."""

    @classmethod
    def of(cls, result: RuleResult, standing: Mapping[str, Entitlement], denials: Denials) -> RuleOutcome:
        """The outcome of a result, given the entitlements that stand by their keys, and what is denied."""
        granted: list[str] = []
        sentences: list[str] = []
        for entitlement in result.entitlements:
            sentences.extend(entitlement.because)
            if against := denials.rule_against(entitlement.key):
                sentences.append(denied(entitlement.key, against))
                continue
            stands = standing[entitlement.key].rule
            if stands == result.rule:
                granted.append(entitlement.key)
            else:
                sentences.append(
                    Sentence(
                        "%(role)s is granted on the narrower terms of rule %(rule)s", role=entitlement.key, rule=stands
                    )
                )
        return cls(result.rule, tuple(sorted(granted)), tuple(dict.fromkeys((*sentences, *result.reasons))))


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person may have and why; what not and why not."""

    entitlements: tuple[Entitlement, ...]
    outcomes: tuple[RuleOutcome, ...]
    """Every rule of the person's connection, sorted by id."""


def denied(role: str, rule: str) -> Sentence:
    """Why a role that a rule grants is not granted."""
    return Sentence("%(role)s is denied by rule %(rule)s", role=role, rule=rule)


def denials_of(results: Iterable[RuleResult], now: datetime) -> Denials:
    """What all of these results deny together."""
    return Denials(tuple(result.denial for result in results if result.denial is not None), now)


def standing(results: Iterable[RuleResult], now: datetime) -> tuple[Entitlement, ...]:
    """For each role that nothing denies the narrowest of its entitlements, sorted by account name and role.

    Terms are never mixed: the union of two rules would be a third one that nobody wrote.
    """
    narrowest: dict[str, Entitlement] = {}
    results = tuple(results)
    denials = denials_of(results, now)
    for result in results:
        for entitlement in denials.left_of(result.entitlements):
            other = narrowest.get(entitlement.key)
            if other is None or _breadth(entitlement) < _breadth(other):
                narrowest[entitlement.key] = entitlement
    return tuple(sorted(narrowest.values(), key=lambda entitlement: (entitlement.account.name, entitlement.role)))


def _breadth(entitlement: Entitlement) -> tuple[bool, float, datetime, int, int, str]:
    """The order of rules that grant one role, narrowest first; it depends on nothing but the rules themselves."""
    is_unlimited = not entitlement.policy and not entitlement.policy_arns
    span = entitlement.max_duration.total_seconds()
    agents = _FOR_AGENTS.index(entitlement.agents)
    return is_unlimited, span, entitlement.ends_at or _FOREVER, agents, len(entitlement.tags), entitlement.rule
