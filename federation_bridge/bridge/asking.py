"""Questions about roles that the caller does not have: what a name means, and what would give the role."""

from __future__ import annotations

from dataclasses import replace

from federation_bridge.aws_limits import ACCOUNT_ID
from federation_bridge.bridge.parts import Parts
from federation_bridge.mapping import Explanation
from federation_bridge.mapping.asked_role import RoleAnswer, about_role, rules_of_others
from federation_bridge.mapping.known_roles import KnownRoles, known_roles
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Caller


class Asking:
    """Answers from the rules in force; nothing is granted, and nothing is written."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def known(self, caller: Caller) -> KnownRoles:
        """The roles that the caller may know of."""
        rules = self._parts.rulebook.current(caller.session.rulebook)
        return known_roles(rules, caller.session.identity, self._parts.clock(), caller)

    def named(self, caller: Caller, account: str, role: str) -> tuple[str, str]:
        """Account id and role that these words mean to the caller; as they are where they mean none that is known.

        An id is taken as it is: whether the caller has the role is decided where it is granted.
        """
        if ACCOUNT_ID.fullmatch(account):
            return account, role
        return self.known(caller).named(account, role) or (account, role)

    def about(self, caller: Caller, asked: str) -> RoleAnswer:
        """What would give the caller the role of this name, and whom to ask."""
        rules = self._parts.rulebook.current(caller.session.rulebook)
        return about_role(rules, caller.session.identity, self._parts.clock(), caller, asked)

    def explain(self, caller: Caller) -> Explanation:
        """Why the caller has each role, and why each rule that missed gives none; without rules for other people."""
        rules, identity = self._parts.rulebook.current(caller.session.rulebook), caller.session.identity
        now = self._parts.clock()
        found = rules.explain(identity, now, caller)
        hidden = rules_of_others(rules, Facts.of(identity, now, rules.register, caller))
        told = tuple(one for one in found.outcomes if one.granted or one.description or one.rule not in hidden)
        return replace(found, outcomes=told)
