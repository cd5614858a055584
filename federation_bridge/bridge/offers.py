"""The caller's roles as people choose among them: in the operator's order, each with what was written about it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from federation_bridge.mapping import Register, RuleSet
from federation_bridge.model import Account, Entitlement, RoleHabit
from federation_bridge.role_search import Searchable, folded, found


class Offer(NamedTuple):
    """A role that the caller may have now. Made anew for each list, and there may be very many: a named tuple."""

    entitlement: Entitlement
    description: str
    """What the operator wrote about the role; where they wrote nothing, about the rule that gives it."""

    @property
    def key(self) -> str:
        """`account/role`."""
        return self.entitlement.key


@dataclass(frozen=True, slots=True)
class Offers:
    """All of them, and which of them the caller keeps on top or used lately."""

    roles: tuple[Offer, ...]
    """In the operator's order."""
    favourites: tuple[Offer, ...]
    """In the operator's order."""
    recents: tuple[Offer, ...]
    """No favourites; by how often and how lately they were used, the warmest first."""

    @classmethod
    def of(cls, roles: tuple[Offer, ...], habits: Iterable[RoleHabit], now: datetime) -> Offers:
        """The offers, told apart by these habits."""
        by_key = {habit.key: habit for habit in habits}
        used = [one for one in roles if one.key in by_key] if by_key else []
        favourites = tuple(one for one in used if by_key[one.key].is_favourite)
        others = [one for one in used if not by_key[one.key].is_favourite and by_key[one.key].heat]
        others.sort(key=lambda one: -by_key[one.key].warmth(now))
        return cls(roles, favourites, tuple(others))


def offers_of(entitlements: Iterable[Entitlement], rules: RuleSet) -> tuple[Offer, ...]:
    """An offer for each entitlement, accounts and roles in the register's order."""
    places = rules.register.once("places", lambda: _places(rules.register))
    of_rules: dict[str, str] = {}
    found = []
    for one in entitlements:
        described = one.account.roles[one.role].description
        if not described:
            if one.rule not in of_rules:
                of_rules[one.rule] = _description_of(one.rule, rules)
            described = of_rules[one.rule]
        found.append((places[one.account.id][one.role], Offer(one, described)))
    found.sort(key=lambda pair: pair[0])
    return tuple(offer for _, offer in found)


def _description_of(rule: str, rules: RuleSet) -> str:
    at = bisect_left(rules.rules, rule, key=lambda one: one.id)
    return rules.rules[at].description if at < len(rules.rules) else ""


def _places(register: Register) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    return {
        account.id: {name: (at, of) for of, name in enumerate(account.roles)}
        for at, account in enumerate(register.accounts.values())
    }


def names_of(account: Account) -> tuple[str, ...]:
    """What people call an account, and its number."""
    return (account.name, *account.aliases, account.id)


def texts_of(account: Account) -> tuple[str, ...]:
    """What is said about an account, in which people search."""
    tags = tuple(f"{name}={value}" for name, value in account.tags.items())
    return tuple(text for text in (account.description, account.environment, *tags) if text)


def offers_found(typed: str, offers: Iterable[Offer]) -> list[Offer]:
    """The offers that have every word of what was typed, the nearest first (`role_search`)."""
    return found(typed, _searchable(offers))


def _searchable(offers: Iterable[Offer]) -> Iterator[tuple[Searchable, Offer]]:
    # The texts of an account are folded once for all its roles, which stand together.
    last: Account | None = None
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    for one in offers:
        account = one.entitlement.account
        if account is not last:
            last = account
            names = tuple(folded(name) + "/" for name in names_of(account))
            texts = tuple(map(folded, texts_of(account)))
        role, about = folded(one.entitlement.role), one.description
        yield Searchable(tuple(name + role for name in names), (folded(about), *texts) if about else texts), one
