"""Roles that lack nothing but a sign-in: a recent one, or one by another method.

They are found by asking the rules once more, as if the person had signed in at this moment: by no method that is
known, then by those that each condition names, then by all of them. The first that brings a role is what the identity
provider is asked for. That answer grants nothing and is never kept: whoever comes back is decided about by what the
identity provider said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from federation_bridge.mapping.conditions import SignedInWith
from federation_bridge.mapping.explanation import denials_of, denied, standing
from federation_bridge.mapping.inner_conditions import conditions_within
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.sign_in_age import SignedInWithin
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Account, Entitlement

_MOST_TRIED = 8
"""So many conditions on methods are tried one by one: each asks all the rules once."""


@dataclass(frozen=True, slots=True)
class SignInWanted:
    """A role that the person would have after another sign-in, and what their present one lacks."""

    account: Account
    role: str
    rule: str
    reasons: tuple[str, ...]
    methods: tuple[str, ...] = ()
    """By one of these methods; empty: any sign-in does."""

    @property
    def key(self) -> str:
        """The role, as `account/role`."""
        return f"{self.account.id}/{self.role}"


def sign_ins_wanted(rules: Iterable[Rule], facts: Facts) -> tuple[SignInWanted, ...]:
    """The roles that these rules would give after another sign-in and do not give now, in the order of entitlements."""
    asked = tuple(rules)
    inner = [one for rule in asked for one in conditions_within(rule.when)]
    named = tuple(dict.fromkeys(one.methods for one in inner if isinstance(one, SignedInWith)))
    if not named and not any(isinstance(one, SignedInWithin) for one in inner):
        return ()
    now = [rule.evaluate(facts) for rule in asked]
    had = {one.key for one in standing(now, facts.now)}
    found: dict[str, tuple[Entitlement, tuple[str, ...]]] = {}
    for methods in _tried(named):
        anew = replace(facts, signs_in_anew=frozenset(methods))
        for one in standing((rule.evaluate(anew) for rule in asked), facts.now):
            if one.key not in had:
                found.setdefault(one.key, (one, methods))
    results, denials = {one.rule: one for one in now}, denials_of(now, facts.now)
    wanted = []
    for one, methods in found.values():
        reasons = results[one.rule].reasons
        if (by := denials.rule_against(one.key)) is not None:
            reasons = tuple(dict.fromkeys((denied(one.key, by), *results[by].reasons, *reasons)))
        wanted.append(SignInWanted(one.account, one.role, one.rule, reasons, methods))
    return tuple(sorted(wanted, key=lambda one: (one.account.name, one.role)))


def _tried(named: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """What a sign-in is asked for, the least before the most."""
    yield ()
    yield from named[:_MOST_TRIED]
    if len(named) > 1:
        yield tuple(dict.fromkeys(method for methods in named for method in methods))
