"""What the texts of the rulebook mean: read by `mapping`, and held to what the settings know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from federation_bridge.errors import ConfigurationInvalid, ConfigurationMistakes, mistakes_of
from federation_bridge.mapping import RuleSet, load_register, load_rules
from federation_bridge.rulebook.texts import Texts

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, slots=True)
class Known:
    """What the settings say and the texts must fit: names of connections, and our issuer on the OIDC road."""

    connections: frozenset[str]
    issuer: str = ""
    """"": a register is only looked at, and any issuer's providers will do."""


def parsed(texts: Texts, known: Known, names: tuple[str, str] = ("", "")) -> RuleSet:
    """The rules that the texts say; ConfigurationInvalid with line and reason, and the name of the text at fault.

    `names`: of rules and register; without, a mistake names none.
    """
    rules_name, accounts_name = names
    register = _named(accounts_name, lambda: load_register(texts.accounts, known.issuer))
    rules = _named(rules_name, lambda: load_rules(texts.rules, register, known.connections))
    # One digest everywhere: of a version, and of what decided.
    return replace(rules, version=texts.digest)


def _named(name: str, parse: Callable[[], _Parsed]) -> _Parsed:
    try:
        return parse()
    except ConfigurationInvalid as mistake:
        told = tuple(f"{name}: {one}" if name else one for one in mistakes_of(mistake))
        raise ConfigurationInvalid(told[0]) if len(told) == 1 else ConfigurationMistakes(told) from None
