"""Accounts of the register as administrators look for them: by words, with their roles and last grant."""

from __future__ import annotations

from collections.abc import Sequence

from federation_bridge.audit import AuditQuery, GrantMade, Recorded
from federation_bridge.mapping import RuleSet
from federation_bridge.model import Account
from federation_bridge.store import Store


def account_has_words(account: Account, words: Sequence[str]) -> bool:
    """Whether all of these words (casefolded) stand in what is known of the account."""
    tags = (f"{key}={value}" for key, value in account.tags.items())
    names = (account.id, account.name, *account.aliases, account.environment, account.color, account.partition)
    said = " ".join((*names, account.description, *account.roles, *tags)).casefold()
    return all(word in said for word in words)


def mapped_roles(account: Account, rules: RuleSet) -> int:
    """How many of the account's roles some rule can give."""

    def reached() -> frozenset[str]:
        return frozenset(key for keys in rules.reachable().values() for key in keys)

    # A page shows many accounts, and rules reach many roles: asked once for each rulebook.
    keys = rules.register.once(("roles that rules can give", rules.version), reached)
    return sum(f"{account.id}/{role}" in keys for role in account.roles)


def last_grant_in(store: Store, account: Account) -> Recorded | None:
    """The newest grant of a role of this account; None where the audit has none. Unavailable."""
    query = AuditQuery(event=GrantMade.name, account=account.id)
    return next(iter(store.audit.found(query)), None)
