"""Why somebody has what they have, and why they have no more: every rule, folded so that people can read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.administration.third_person import about_them, shown_about_them
from federation_bridge.audit import printable
from federation_bridge.errors import NotFound
from federation_bridge.mapping import RuleOutcome, RuleSet
from federation_bridge.mapping.collection_paused import collection_paused
from federation_bridge.mapping.comparison import terms_of
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.mapping.reach import rules_reaching
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


@collection_paused()
def explained(rules: RuleSet, identity: Identity, now: datetime, role: str = "") -> Explained:
    """The explanation of this person at this instant; with `role` (`account/role`), of that role alone."""
    explanation = rules.explain(identity, now)
    reaching = rules_reaching(rules, role) if role else frozenset()
    outcomes = [one for one in explanation.outcomes if not role or one.rule in reaching]
    hits = tuple(one for one in outcomes if one.granted)
    misses = _folded(one for one in outcomes if not one.granted)
    return Explained(identity, tuple(_of_role(explanation.entitlements, role)), hits, misses)


def check_role(rules: RuleSet, role: str) -> None:
    """NotFound with the nearest name for a role (`account/role`) that no rule can reach; "" is every role."""
    if role and not rules_reaching(rules, role):
        known = {name for names in rules.reachable().values() for name in names}
        raise NotFound(f"no rule can reach {role!r}{did_you_mean(role, known)}")


def _of_role(entitlements: Iterable[Entitlement], role: str) -> Iterator[Entitlement]:
    return (one for one in entitlements if not role or one.key == role)


def _folded(outcomes: Iterable[RuleOutcome]) -> tuple[Misses, ...]:
    alike: dict[tuple[str, ...], list[RuleOutcome]] = {}
    for outcome in outcomes:
        alike.setdefault(tuple([_kind(one) for one in outcome.reasons]), []).append(outcome)
    found = (Misses(tuple(one.rule for one in group), group[0].reasons) for group in alike.values())
    return tuple(sorted(found, key=lambda one: (-len(one.rules), one.rules)))


def _kind(reason: str) -> str:
    return reason.template if isinstance(reason, Sentence) else reason


def lines_of(found: Explained) -> Iterator[str]:
    """The explanation as an administrator reads it, sentence by sentence. What others named is printable."""
    groups, identity = found.identity.groups, found.identity
    named = ", ".join(map(printable, groups.names[:_MOST_GROUPS])) or Sentence("none")
    if len(groups.names) > _MOST_GROUPS:
        named = Sentence("%(some)s and %(count)s more", some=named, count=str(len(groups.names) - _MOST_GROUPS))
    person, name = printable(identity.person), printable(identity.name)
    yield Sentence("%(person)s (%(name)s), groups: %(groups)s", person=person, name=name, groups=named)
    if groups.why_incomplete:
        yield Sentence("the groups are incomplete: %(why)s", why=shown_about_them(groups.why_incomplete))
    yield _count(len(found.entitlements))
    because = {one.key: one for one in found.entitlements}
    for one in because.values():
        yield Sentence("  %(role)s, by rule %(rule)s: %(why)s", role=_role(one), rule=one.rule, why=_told(one.because))
    for hit in found.hits:
        rest = [reason for reason in hit.reasons if all(reason not in one.because for one in because.values())]
        if rest:
            yield Sentence("rule %(rule)s gives no more: %(why)s", rule=hit.rule, why=_told(rest))
    for misses in found.misses:
        yield _missed(misses)


def _count(roles: int) -> Sentence:
    if not roles:
        return Sentence("no role")
    return Sentence("1 role") if roles == 1 else Sentence("%(count)s roles", count=str(roles))


def _role(one: Entitlement) -> Sentence:
    return Sentence("%(role)s (%(account)s), %(terms)s", role=one.key, account=one.account.name, terms=terms_of(one))


def _missed(misses: Misses) -> Sentence:
    why = _told(misses.reasons)
    if len(misses.rules) == 1:
        return Sentence("rule %(rule)s gives nothing: %(why)s", rule=misses.rules[0], why=why)
    names = ", ".join(misses.rules[:_FEW]) + (", ..." if len(misses.rules) > _FEW else "")
    count = str(len(misses.rules))
    return Sentence(
        "%(count)s rules give nothing (%(rules)s); of the first: %(why)s", count=count, rules=names, why=why
    )


def _told(reasons: Iterable[str]) -> str:
    told = ""
    for reason in map(shown_about_them, reasons):
        told = Sentence("%(this)s; %(that)s", this=told, that=reason) if told else reason
    return told


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
