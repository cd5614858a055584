"""How long rules take to be read, and whether a decision costs more where there are more of them. In process."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from federation_bridge.mapping import RuleSet, load_register, load_rules
from federation_bridge.model import Groups, Identity
from tests.benchmarks.table import Row, median

_REGISTER = """\
accounts:
  - id: "111111111111"
    name: Production
    provider: arn:aws:iam::111111111111:saml-provider/bridge
    roles: [Administrator, ReadOnly]
"""
_NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
_FEW, _SOME, _MANY, _GROUPS, _ROUNDS = 1_000, 5_000, 100_000, 150, 50


def measure() -> list[Row]:
    """Reading, deciding and explaining; CPU time, as nothing here waits."""
    few, many = _loaded(_FEW), _loaded(_MANY)
    person = _person()
    reading = median([_spent(lambda: _loaded(_SOME)) for _ in range(5)])
    decisions = [_deciding(rules, person) for rules in (few, many)]
    return [
        Row(f"{_SOME:,} rules read", reading * 1000, "ms", most=300),
        Row(f"a decision, {_MANY:,} rules beside {_FEW:,}", decisions[1] * 1000, "ms", decisions[0] * 1000, 1.2),
        Row(f"a decision, {_GROUPS} groups, {_MANY:,} rules", decisions[1] * 1000, "ms", most=2),
        Row(f"an explanation, {_MANY:,} rules", _spent(lambda: many.explain(person, _NOW)) * 1000, "ms", most=300),
    ]


def _deciding(rules: RuleSet, person: Identity) -> float:
    return median([_spent(lambda: rules.entitlements(person, _NOW)) for _ in range(_ROUNDS)])


def _loaded(count: int) -> RuleSet:
    """Of ten rules one denies."""
    terms = ["grant: {role: '111111111111/ReadOnly'}"] * 9 + ["deny: {role: '*/Administrator'}"]
    rules = (
        f"  - {{id: r{number}, connection: corp, when: {{group: g-{number}}}, {terms[number % len(terms)]}}}\n"
        for number in range(count)
    )
    return load_rules("version: 1\nrules:\n" + "".join(rules), load_register(_REGISTER), ("corp",))


def _person() -> Identity:
    """Somebody of many groups, of which few have a rule, as at a company."""
    groups = tuple(f"g-{number}" if number % 10 == 0 else f"other-{number}" for number in range(_GROUPS))
    return Identity("corp", "ada", "Ada", groups=Groups(groups))


def _spent(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
