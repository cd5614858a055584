"""What a rule denies: roles that nobody gets who meets its condition, or of whom that is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from federation_bridge.aws_limits import ACCOUNT_ID, ROLE_NAME, SHORTEST_SESSION
from federation_bridge.mapping.condition import Condition
from federation_bridge.mapping.document import Node, did_you_mean, fields, refuse, texts
from federation_bridge.mapping.grants import RolePattern
from federation_bridge.mapping.register import Register
from federation_bridge.mapping.verdicts import earliest
from federation_bridge.model import Entitlement

_CERTAIN = frozenset({"group", "person"})
"""Facts whose absence proves a no, where the groups are complete. Of all others silence proves nothing."""
_PATTERN = r"^(\*|[0-9]{12})/(\*|[A-Za-z0-9_+=,.@-]{1,64})$"


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
        """The rule that denies this role now, or so soon that AWS sells no session that ends before it."""
        against = [one for one in self.denials if key in one.keys and one.begins - self.now < SHORTEST_SESSION]
        return min((one.rule for one in against), default=None)

    def left_of(self, entitlements: Iterable[Entitlement]) -> tuple[Entitlement, ...]:
        """What is not denied, each ending where a denial of it begins."""
        left = []
        for one in entitlements:
            if self.rule_against(one.key) is None:
                starts = [denial.begins for denial in self.denials if one.key in denial.keys]
                left.append(replace(one, ends_at=earliest((one.ends_at, *starts))) if starts else one)
        return tuple(left)


def parse_denied(node: Node, register: Register, when: Condition) -> frozenset[str]:
    """The keys of all roles that this `deny` names; ConfigurationInvalid where it names none of the register."""
    if when.may_bind():
        refuse(node, "a rule that denies has no group_template in `when`: its roles are those that `deny` names")
    entry = fields(node, "`deny`", ("role", "roles"))
    if ("role" in entry) == ("roles" in entry):
        refuse(node, "`deny` needs either `role` or `roles`")
    listed = entry["role"] if "role" in entry else entry["roles"]
    return frozenset().union(*(_keys(written, listed, register) for written in texts(listed, "a role")))


def _keys(written: str, node: Node, register: Register) -> frozenset[str]:
    account, slash, role = written.partition("/")
    is_account = account == "*" or ACCOUNT_ID.fullmatch(account)
    if not slash or not is_account or not (role == "*" or ROLE_NAME.fullmatch(role)):
        refuse(node, f"{written!r} is not a role to deny: write 111111111111/Name, */Name, 111111111111/* or */*")
    if account != "*" and account not in register.accounts:
        refuse(node, f"account {account} is not in the register{did_you_mean(account, register.accounts)}")
    pattern = RolePattern(None if account == "*" else account, None if role == "*" else role)
    found = frozenset(f"{where.id}/{what.name}" for where, what in pattern.reachable(register))
    if not found:
        known = register.role_names if account == "*" else register.accounts[account].roles
        refuse(node, f"the register allows no role {role!r} there{did_you_mean(role, known)}")
    return found


def is_found_by_fact(when: Condition) -> bool:
    """Whether somebody with complete groups and none of the condition's anchors is certain not to meet it."""
    anchors = when.anchors()
    return anchors is not None and {kind for kind, *_ in anchors} <= _CERTAIN


def denied_schema() -> dict[str, Any]:
    """JSON schema of `deny`."""
    role: Mapping[str, Any] = {"type": "string", "pattern": _PATTERN}
    listed = {"anyOf": [role, {"type": "array", "minItems": 1, "uniqueItems": True, "items": role}]}
    return {
        "type": "object",
        "additionalProperties": False,
        "oneOf": [{"required": ["role"]}, {"required": ["roles"]}],
        "properties": {"role": role, "roles": listed},
    }
