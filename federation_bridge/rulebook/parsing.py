"""What the texts of the rulebook mean: read by `mapping`, and held to what the settings know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from federation_bridge.errors import ConfigurationInvalid, mistakes_renamed, mistakes_within
from federation_bridge.mapping import RuleSet, load_rules, read_register
from federation_bridge.mapping.mistakes import Mistakes
from federation_bridge.rulebook.texts import Texts
from federation_bridge.settings import Settings

_Parsed = TypeVar("_Parsed")
Names = tuple[str | Mapping[str, str], str]
"""What a mistake calls rules and register; "" names none. Where the rules are several texts, which bear names of their
own, by these names."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the settings say and the texts must fit: names of connections, and our issuer on the OIDC road."""

    connections: frozenset[str]
    issuer: str = ""
    """"": a register is only looked at, and any issuer's providers will do."""
    reserved_role: str = ""
    """The bridge's own role, which no register may name (docs/revocation.md)."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What these settings say."""
        return cls(frozenset(settings.connections), settings.issuer, settings.aws.revoking_role)


def parsed(texts: Texts, known: Known, names: Names = ("", "")) -> RuleSet:
    """The rules that the texts say; ConfigurationInvalid with every mistake of all, line, reason and name of the text.

    `names`: of rules and register; without, a mistake names none.
    """
    rules_name, accounts_name = names
    mistakes = Mistakes()
    read = _within(accounts_name, lambda: read_register(texts.accounts, known.issuer, known.reserved_role))
    mistakes.read(lambda: _within(accounts_name, read.mistakes.told), None)
    if not read.names_all:
        # Rules are read against the names of accounts and roles: without them, what is good would seem wrong.
        mistakes.told()
    with mistakes.collected():
        rules = _within(rules_name, lambda: load_rules(texts.rules, read.register, known.connections))
    mistakes.told()
    # One digest everywhere: of a version, and of what decided.
    return replace(rules, version=texts.digest)


def called(name: str, names: Names) -> str:
    """What a mistake calls the text of rules that has this name, or none."""
    rules, _ = names
    return rules if isinstance(rules, str) else rules.get(name, name)


def _within(name: str | Mapping[str, str], parse: Callable[[], _Parsed]) -> _Parsed:
    try:
        return parse()
    except ConfigurationInvalid as mistake:
        if isinstance(name, str):
            raise mistakes_within(mistake, name) from None
        raise mistakes_renamed(mistake, name) from None
