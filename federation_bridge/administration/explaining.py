"""Why somebody has what they have, and why they have no more: every rule, folded so that people can read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.administration.third_person import about_them
from federation_bridge.audit import printable
from federation_bridge.mapping import RuleOutcome, RuleSet
from federation_bridge.mapping.comparison import terms_of
from federation_bridge.model import Entitlement, Identity, JsonObject
from federation_bridge.sentence import Sentence

_FEW = 3
_MOST_GROUPS = 20


@dataclass(frozen=True, slots=True)
class Misses:
    """Rules that give nothing for the same kind of reason."""

    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    """Those of the first rule: of the others only names and values differ."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What one person may have and why, and why not more."""

    identity: Identity
    entitlements: tuple[Entitlement, ...]
    hits: tuple[RuleOutcome, ...]
    misses: tuple[Misses, ...]
    """Most rules first."""


def explained(rules: RuleSet, identity: Identity, now: datetime, role: str = "") -> Explained:
    """The explanation of this person at this instant; with `role` (`account/role`), of that role alone."""
    explanation = rules.explain(identity, now)
    reachable = rules.reachable() if role else {}
    outcomes = [one for one in explanation.outcomes if not role or role in reachable.get(one.rule, ())]
    hits = tuple(one for one in outcomes if one.granted)
    misses = _folded(one for one in outcomes if not one.granted)
    return Explained(identity, tuple(_of_role(explanation.entitlements, role)), hits, misses)


def _of_role(entitlements: Iterable[Entitlement], role: str) -> Iterator[Entitlement]:
    return (one for one in entitlements if not role or one.key == role)


def _folded(outcomes: Iterable[RuleOutcome]) -> tuple[Misses, ...]:
    alike: dict[tuple[str, ...], list[RuleOutcome]] = {}
    for outcome in outcomes:
        alike.setdefault(tuple(map(_kind, outcome.reasons)), []).append(outcome)
    found = (Misses(tuple(one.rule for one in group), group[0].reasons) for group in alike.values())
    return tuple(sorted(found, key=lambda one: (-len(one.rules), one.rules)))


def _kind(reason: str) -> str:
    return reason.template if isinstance(reason, Sentence) else reason


def lines_of(found: Explained) -> Iterator[str]:
    """The explanation as an administrator reads it. What others named is printable."""
    groups = found.identity.groups
    named = ", ".join(map(printable, groups.names[:_MOST_GROUPS])) or "none"
    more = f" and {len(groups.names) - _MOST_GROUPS} more" if len(groups.names) > _MOST_GROUPS else ""
    yield f"{printable(found.identity.person)} ({printable(found.identity.name)}), groups: {named}{more}"
    if groups.why_incomplete:
        yield f"the groups are incomplete: {printable(groups.why_incomplete)}"
    count = len(found.entitlements)
    yield "no role" if count == 0 else "1 role" if count == 1 else f"{count} roles"
    because = {one.key: one for one in found.entitlements}
    for key, one in because.items():
        yield f"  {key} ({one.account.name}), {terms_of(one)}, by rule {one.rule}: {_told(one.because)}"
    for hit in found.hits:
        rest = [reason for reason in hit.reasons if all(reason not in one.because for one in because.values())]
        if rest:
            yield f"rule {hit.rule} gives no more: {_told(rest)}"
    for misses in found.misses:
        yield _missed(misses)


def _missed(misses: Misses) -> str:
    if len(misses.rules) == 1:
        return f"rule {misses.rules[0]} gives nothing: {_told(misses.reasons)}"
    names = ", ".join(misses.rules[:_FEW]) + (", ..." if len(misses.rules) > _FEW else "")
    return f"{len(misses.rules)} rules give nothing ({names}); of the first: {_told(misses.reasons)}"


def _told(reasons: Iterable[str]) -> str:
    return "; ".join(printable(about_them(reason)) for reason in reasons)


def document_of(found: Explained) -> JsonObject:
    """The explanation for a program; the rules that miss are folded, with all their names."""
    groups = found.identity.groups
    return {
        "person": found.identity.person,
        "groups": list(groups.names),
        "groups_incomplete": groups.why_incomplete,
        "roles": [
            {"role": one.key, "rule": one.rule, "terms": terms_of(one), "because": list(map(about_them, one.because))}
            for one in found.entitlements
        ],
        "hits": [
            {
                "rule": one.rule,
                "granted": list(one.granted),
                "reasons": list(map(about_them, one.reasons)),
                "description": one.description,
                "owner": one.owner,
            }
            for one in found.hits
        ],
        "misses": [
            {"rules": list(one.rules), "reasons_of_the_first": list(map(about_them, one.reasons))}
            for one in found.misses
        ],
    }
