"""A small register, and shortcuts that make rules and identities for the tests of mapping."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime

from federation_bridge.mapping import Register, RuleSet, load_register, load_rules
from federation_bridge.model import Groups, Identity

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
CONNECTIONS = ("entra", "okta")
REGISTER_TEXT = """\
version: 1
accounts:
  - id: "111111111111"
    name: Production
    partition: aws
    provider: arn:aws:iam::111111111111:saml-provider/bridge
    region: eu-central-1
    roles: [Administrator, {name: ReadOnly, path: /teams/, max_session: 4h}]
  - id: "222222222222"
    name: Development
    provider: arn:aws:iam::222222222222:oidc-provider/bridge.example.com
    roles: [Administrator, Developer]
  - id: "333333333333"
    name: Beijing
    partition: aws-cn
    provider: arn:aws-cn:iam::333333333333:saml-provider/bridge
    roles: [ReadOnly]
"""


def register() -> Register:
    return load_register(REGISTER_TEXT)


def rule(
    when: str, grant: str = '{role: "111111111111/Administrator"}', name: str = "r", connection: str = "entra"
) -> str:
    """One rule's text, to be put into `rules`."""
    return f"- id: {name}\n  connection: {connection}\n  when: {when}\n  grant: {grant}\n"


def rules_text(*rules: str) -> str:
    return "version: 1\nrules:\n" + textwrap.indent("".join(rules), "  ")


def rule_set(*rules: str) -> RuleSet:
    return load_rules(rules_text(*rules), register(), CONNECTIONS)


def identity(
    groups: tuple[str, ...] = (),
    groups_gap: str | None = None,
    groups_left_out: str | None = None,
    **changes: object,
) -> Identity:
    """Kim at Entra ID, with these groups, and with these changes."""
    facts: dict[str, object] = {"connection": "entra", "subject": "s-1", "name": "Kim", **changes}
    return Identity(groups=Groups(groups, groups_gap, groups_left_out), **facts)  # type: ignore[arg-type]


def keys(rules: RuleSet, who: Identity, now: datetime = NOW) -> tuple[str, ...]:
    return tuple(sorted(entitlement.key for entitlement in rules.entitlements(who, now)))


def why(rules: RuleSet, who: Identity, name: str = "r", now: datetime = NOW) -> str:
    """All sentences of one rule's outcome, joined."""
    (outcome,) = (outcome for outcome in rules.explain(who, now).outcomes if outcome.rule == name)
    return "; ".join(outcome.reasons)
