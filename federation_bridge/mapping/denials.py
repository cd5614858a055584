"""What a rule denies: roles that nobody gets who meets its condition, or of whom that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from federation_bridge.aws_limits import ACCOUNT_ID, ROLE_NAME, SHORTEST_SESSION
from federation_bridge.mapping.account_sets import AccountSet
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.document import Node, did_you_mean, fields, items, refuse, text
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.role_patterns import (
    RolePattern,
    RoleSet,
    RolesNamed,
    joined,
    parse_role_set,
    roles_schema,
)
from federation_bridge.mapping.sign_in_age import is_escaped_by_waiting
from federation_bridge.mapping.verdicts import earliest
from federation_bridge.model import Entitlement

_CERTAIN = frozenset({"group", "person"})
"""Facts whose absence proves a no, where the groups are complete. Of all others silence proves nothing."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Roles that a rule takes from this person, and from when on."""

    rule: str
    keys: frozenset[str]
    begins: datetime


@dataclass(frozen=True, slots=True)
class Denials:
    """All that is denied to one person at one instant."""

    denials: tuple[Denial, ...]
    now: datetime

    def rule_against(self, key: str) -> str | None:
        """The rule that denies this role now, or so soon that AWS issues no session that ends before it."""
        against = [one for one in self.denials if key in one.keys and one.begins - self.now < SHORTEST_SESSION]
        return min((one.rule for one in against), default=None)

    def left_of(self, entitlements: Iterable[Entitlement]) -> tuple[Entitlement, ...]:
        """What is not denied, each ending where a denial of it begins."""
        if not self.denials:
            return tuple(entitlements)
        left = []
        for one in entitlements:
            if self.rule_against(one.key) is None:
                starts = [denial.begins for denial in self.denials if one.key in denial.keys]
                left.append(replace(one, ends_at=earliest((one.ends_at, *starts))) if starts else one)
        return tuple(left)


@dataclass(frozen=True, slots=True)
class RolesDenied:
    """The keys of all roles that a `deny` names, and the sets in it that name none now, each in a sentence."""

    keys: frozenset[str]
    empty_sets: tuple[str, ...]
    sets: frozenset[RoleSet]


def parse_denied(node: Node, register: Register, when: Condition) -> RolesDenied:
    """The roles that this `deny` names; ConfigurationInvalid where one of them could only be a mistake."""
    if when.may_bind():
        refuse(node, "a rule that denies has no group_template in `when`: its roles are those that `deny` names")
    if is_escaped_by_waiting(when):
        refuse(
            node,
            "a rule that denies has `signed_in_within` under `not`: an old sign-in would escape the denial otherwise",
        )
    entry = fields(node, "`deny`", ("role", "roles"))
    if ("role" in entry) == ("roles" in entry):
        refuse(node, "`deny` needs either `role` or `roles`")
    listed = entry["role"] if "role" in entry else entry["roles"]
    each = items(listed, "`roles`") if isinstance(listed.value, tuple) else (listed,)
    written = [one.value for one in each if isinstance(one.value, str)]
    if len(set(written)) != len(written):
        refuse(listed, "a role names the same twice")
    found = joined(_named(one, register) for one in each)
    keys = frozenset(f"{account.id}/{role.name}" for one in found.patterns for account, role in one.reachable(register))
    return RolesDenied(keys, found.empty_sets, found.sets)


def _named(node: Node, register: Register) -> RolesNamed:
    if not isinstance(node.value, str):
        return parse_role_set(node, register, takes_all=True)
    written = text(node, "a role")
    account, slash, role = written.partition("/")
    is_account = account == "*" or ACCOUNT_ID.fullmatch(account)
    if not slash or not is_account or not (role == "*" or ROLE_NAME.fullmatch(role)):
        refuse(
            node,
            "%(written)s is not a role to deny: write 111111111111/Name, */Name, 111111111111/* or */*",
            written=repr(written),
        )
    if account != "*" and account not in register.accounts:
        refuse(
            node,
            "account %(account)s is not in the register%(near)s",
            account=account,
            near=did_you_mean(account, register.accounts),
        )
    pattern = RolePattern(None if account == "*" else account, None if role == "*" else role)
    if next(pattern.reachable(register), None) is None:
        known = register.role_names if account == "*" else register.accounts[account].roles
        refuse(
            node, "the register allows no role %(role)s there%(near)s", role=repr(role), near=did_you_mean(role, known)
        )
    if "*" not in (account, role):
        return RolesNamed((pattern,))
    return RolesNamed((pattern,), sets=frozenset({RoleSet(AccountSet() if account == "*" else account, role)}))


def is_found_by_fact(when: Condition) -> bool:
    """Whether a person with complete groups and none of the condition's anchors certainly does not meet it."""
    anchors = when.anchors()
    return anchors is not None and {kind for kind, *_ in anchors} <= _CERTAIN


def denied_schema() -> dict[str, Any]:
    """JSON schema of `deny`."""
    return {
        "type": "object",
        "additionalProperties": False,
        "oneOf": [{"required": ["role"]}, {"required": ["roles"]}],
        "properties": roles_schema(takes_all=True),
    }
