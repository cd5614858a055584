"""The roles that a person may know of: those that a rule names for them, whether or not it can grant them now.

Nobody learns from the bridge that an account exists which no rule for them names. A rule is for somebody where they
meet it now, by another request or at another hour, or with another sign-in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.mapping.rules import RuleSet
from federation_bridge.mapping.verdicts import Facts
from federation_bridge.model import Account, Caller, Identity


@dataclass(frozen=True, slots=True)
class KnownRoles:
    """Names of roles by account."""

    accounts: Mapping[str, Account]
    """By id."""
    roles: Mapping[str, tuple[str, ...]]
    """Sorted names, by the account's id."""

    def accounts_named(self, word: str) -> tuple[Account, ...]:
        """The accounts that people call so, by number, name or another name, whatever its case."""
        folded = word.casefold()
        return tuple(one for one in self.accounts.values() if folded in names_of(one))

    def named(self, account: str, role: str) -> tuple[str, str] | None:
        """Id and name of the one role that these words mean; None where they mean none, or several."""
        for alike in (str, str.casefold):
            found = [
                (one.id, name)
                for one in self.accounts_named(account)
                for name in self.roles[one.id]
                if alike(name) == alike(role)
            ]
            if len(found) == 1:
                return found[0]
        return None


def names_of(account: Account) -> tuple[str, ...]:
    """What people call an account, in one case."""
    return tuple(name.casefold() for name in (account.name, *account.aliases, account.id))


def known_roles(rules: RuleSet, identity: Identity, now: datetime, caller: Caller) -> KnownRoles:
    """What this person may know of, by these rules."""
    facts = Facts.of(identity, now, rules.register, caller)
    keys: set[str] = set(rules.possible_roles(identity, now))
    for rule in rules.candidates(identity):
        result = rule.evaluate(facts)
        keys.update(one.key for one in result.entitlements)
        keys.update(one.key for one in result.withheld)
    keys.update(one.key for one in rules.after_sign_in(identity, now, caller))
    return _by_account(rules, keys)


def _by_account(rules: RuleSet, keys: Iterable[str]) -> KnownRoles:
    roles: dict[str, list[str]] = {}
    for key in sorted(keys):
        account, _, role = key.partition("/")
        # A group may name what the register does not hold.
        if rules.register.role(account, role) is not None:
            roles.setdefault(account, []).append(role)
    accounts = {account: rules.register.accounts[account] for account in roles}
    return KnownRoles(accounts, {account: tuple(found) for account, found in roles.items()})
