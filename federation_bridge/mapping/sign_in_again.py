"""Roles that lack nothing but a sign-in: a recent one, or one by another method.

They are found by asking the rules once more, with every such condition taken as met. That answer grants nothing and is
never kept: whoever comes back is decided about by what the identity provider said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from federation_bridge.mapping.explanation import denials_of, denied, standing
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Account


@dataclass(frozen=True, slots=True)
class SignInWanted:
    """A role that the person would have after another sign-in, and what their present one lacks."""

    account: Account
    role: str
    rule: str
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        """The role, as `account/role`."""
        return f"{self.account.id}/{self.role}"


def sign_ins_wanted(rules: Iterable[Rule], facts: Facts) -> tuple[SignInWanted, ...]:
    """The roles that these rules would give after another sign-in and do not give now, in the order of entitlements."""
    asked = tuple(rules)
    now = [rule.evaluate(facts) for rule in asked]
    had = {one.key for one in standing(now, facts.now)}
    wished = standing((rule.evaluate(replace(facts, signs_in_anew=True)) for rule in asked), facts.now)
    missing = [one for one in wished if one.key not in had]
    if not missing:
        return ()
    results, denials = {one.rule: one for one in now}, denials_of(now, facts.now)
    found = []
    for one in missing:
        reasons = results[one.rule].reasons
        if (by := denials.rule_against(one.key)) is not None:
            reasons = tuple(dict.fromkeys((denied(one.key, by), *results[by].reasons, *reasons)))
        found.append(SignInWanted(one.account, one.role, one.rule, reasons))
    return tuple(found)
